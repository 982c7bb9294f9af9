"""The biomarker definitions, under the name that this room has always had for them."""

from ..biomarkers import KINDS, cord_of, read_biomarkers

__all__ = ["KINDS", "cord_of", "read_biomarkers"]
