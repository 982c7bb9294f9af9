"""features: measures from segmentations."""
