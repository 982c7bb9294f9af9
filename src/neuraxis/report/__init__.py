"""report: the page and its provenance."""
