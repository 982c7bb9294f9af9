"""Names for subtypes by a stated rule, from where their sequences begin."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..labels import numbered

RULE = (
    "each subtype carries the name of the system (column system of the biomarker definitions) whose first events come "
    "earliest in it compared with the other subtypes of the same model (with one subtype: earliest at all); a name met "
    "twice is numbered"
)


def systems_of(order: pd.DataFrame, systems: pd.Series) -> dict[int, str]:
    """System that every subtype is named after, by `RULE`.

    Parameters
    ----------
    order : DataFrame
        subtype, biomarker, threshold, mean_position.
    systems : Series
        System by biomarker; biomarkers without one name no subtype, unless none has one: then each is its own.

    Returns
    -------
    dict of int to str
        Subtype number to system.
    """
    first = order.sort_values("mean_position", kind="stable").groupby(["subtype", "biomarker"], as_index=False).first()
    first["system"] = first["biomarker"].map(systems)
    if first["system"].isna().all():
        first["system"] = first["biomarker"]
    mean = first.dropna(subset="system").pivot_table(index="subtype", columns="system", values="mean_position")
    relative = mean - mean.mean() if len(mean) > 1 else mean
    return {
        int(c): str(relative.columns[int(np.argmin(row))])
        for c, row in zip(relative.index, relative.to_numpy(), strict=True)
    }


def name_subtypes(order: pd.DataFrame, systems: pd.Series) -> dict[int, str]:
    """Subtype number to name, from an event-order table; see `systems_of` and `labels.numbered`."""
    return numbered(systems_of(order, systems))
