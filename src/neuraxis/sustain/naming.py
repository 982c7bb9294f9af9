"""Names for subtypes by a stated rule, from where their sequences begin."""

from __future__ import annotations

import numpy as np

#: System of every region of resources/biomarkers.tsv; other biomarkers count as their own system.
SYSTEMS = {
    "cortical": ("frontal", "temporal", "parietal", "occipital", "insula", "cingulate"),
    "spinal cord": ("cord_csa",),
    "cerebellar": ("cerebellum_gm", "cerebellum_wm"),
    "subcortical": ("thalamus", "caudate", "putamen", "pallidum", "accumbens", "hippocampus", "amygdala", "ventral_dc"),
}
RULE = (
    "each subtype carries the name of the system whose first events come earliest in it compared with the other "
    "subtypes of the same model (with one subtype: earliest at all); a name met twice is numbered"
)


def name_subtypes(order) -> dict[int, str]:
    """Names from an event-order table.

    Parameters
    ----------
    order : DataFrame
        subtype, biomarker, threshold, mean_position.

    Returns
    -------
    dict of int to str
        Subtype number to name.
    """
    first = order.sort_values("threshold").groupby(["subtype", "biomarker"], as_index=False).first()
    system = {b: s for s, members in SYSTEMS.items() for b in members}
    first["system"] = first["biomarker"].map(lambda b: system.get(b, b))
    mean = first.pivot_table(index="subtype", columns="system", values="mean_position")
    relative = mean - mean.mean() if len(mean) > 1 else mean
    # a lone brainstem or white-matter lead names nothing in the field's terms
    known = [s for s in SYSTEMS if s in relative.columns]
    relative = relative[known] if known else relative
    found = {
        int(c): str(relative.columns[int(np.argmin(row))])
        for c, row in zip(relative.index, relative.to_numpy(), strict=True)
    }
    times: dict[str, int] = {}
    out = {}
    for c, name in found.items():
        times[name] = times.get(name, 0) + 1
        out[c] = name if list(found.values()).count(name) == 1 else f"{name} {times[name]}"
    return out
