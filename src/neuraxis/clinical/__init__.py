"""clinical: what subtypes and stages mean for people."""
