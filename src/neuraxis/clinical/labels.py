"""Who is what, under the name that this room has always had for it; see `neuraxis.labels`."""

from ..labels import (
    ATROPHY,
    LEAST_FOR_THIRDS,
    NORMAL,
    THIRDS,
    Labels,
    group_of,
    is_true,
    normal_appearing,
    probabilities,
    read_labels,
    reliability,
    shown_names,
    stage_groups,
    staged_scale,
)

__all__ = [
    "ATROPHY",
    "LEAST_FOR_THIRDS",
    "NORMAL",
    "THIRDS",
    "Labels",
    "group_of",
    "is_true",
    "normal_appearing",
    "probabilities",
    "read_labels",
    "reliability",
    "shown_names",
    "stage_groups",
    "staged_scale",
]
