"""Atrophy subtypes and stages of brain and spinal cord, from segmentations to report."""

__version__ = "0.1.0"
