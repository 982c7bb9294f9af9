"""Table 1: people by subtype."""

from __future__ import annotations

import numpy as np
import pandas as pd


def table_one(people: pd.DataFrame, subtypes: pd.DataFrame, names: dict[int, str], columns) -> pd.DataFrame:
    """Median [quartiles] or counts per subtype, with missing counts and the largest standardised difference.

    Parameters
    ----------
    people : DataFrame
        Indexed by participant_id.
    subtypes : DataFrame
        Indexed alike; oof_subtype, oof_stage.
    names : dict of int to str
    columns : sequence of str
        Clinical columns beside age, sex and site.

    Returns
    -------
    DataFrame
        variable, one column per group (normal-appearing first), missing, smd (largest absolute
        standardised mean difference between any two groups of at least 2 people; numeric variables).
    """
    label = subtypes["oof_subtype"].map(names).where(subtypes["oof_stage"] > 0, "normal-appearing")
    groups = ["normal-appearing", *names.values()]
    rows = [{"variable": "n", **{g: str(int((label == g).sum())) for g in groups}, "missing": 0}]
    for column in dict.fromkeys(["age", "sex", *columns]):
        v = people[column]
        row = {"variable": column, "missing": int(v.isna().sum())}
        if pd.api.types.is_numeric_dtype(v):
            for g in groups:
                x = v[label == g].dropna()
                row[g] = "" if x.empty else "{:.1f} [{:.1f}, {:.1f}]".format(*np.percentile(x, [50, 25, 75]))
            parts = [v[label == g].dropna() for g in groups]
            parts = [p for p in parts if len(p) > 1]
            differences = [
                abs(a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)
                for i, a in enumerate(parts)
                for b in parts[:i]
                if a.var() + b.var() > 0
            ]
            row["smd"] = max(differences, default=np.nan)
        else:
            for g in groups:
                counts = v[label == g].value_counts().sort_index()
                row[g] = ", ".join(f"{k} {n}" for k, n in counts.items())
        rows.append(row)
    return pd.DataFrame(rows)
