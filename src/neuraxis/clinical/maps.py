"""Mean z per subtype and t of one subtype against the others, region by region: they describe, they validate nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm

from ..labels import NORMAL
from .effects import false_discovery


def region_maps(z: pd.DataFrame, people: pd.DataFrame, etiv: pd.Series, group: pd.Series) -> pd.DataFrame:
    """Region by region: mean z of every group, and t of every subtype against the other subtypes.

    t from OLS of z on the subtype, age, sex and, where every staged person has one, eTIV, among staged people. The regions defined the subtypes, so the
    tests are circular and say where subtypes differ, not that they do.

    Parameters
    ----------
    z : DataFrame, shape (M, B)
    people : DataFrame
        age, sex; same index.
    etiv : Series
        mm3; same index.
    group : Series
        Same index.

    Returns
    -------
    DataFrame
        group, biomarker, n, mean_z, sd_z, t, p, covariates (of t), q (BH over all), circular (always true).
    """
    rows = []
    people, etiv, group = people.loc[z.index], etiv.loc[z.index], group.loc[z.index]
    staged = group != NORMAL
    known = pd.DataFrame({"age": people["age"], "male": (people["sex"] == "M").astype(float), "etiv": etiv / 1e6})
    # no head size is known where no norm needed one; where some people's are, adjusting would leave out all others
    base = known if known.loc[staged, "etiv"].notna().all() else known.drop(columns="etiv")
    for g in [NORMAL, *sorted(set(group[staged]))]:
        mine = group == g
        for b in z.columns:
            values = z.loc[mine, b].dropna()
            row = {
                "group": g,
                "biomarker": b,
                "n": len(values),
                "mean_z": values.mean() if len(values) else np.nan,
                "sd_z": values.std() if len(values) > 1 else np.nan,
                "t": np.nan,
                "p": np.nan,
                "covariates": "",
            }
            if g != NORMAL:
                data = base[staged].assign(subtype=mine[staged].astype(float), z=z.loc[staged, b]).dropna()
                inside = int(data["subtype"].sum())
                if 5 <= inside <= len(data) - 5:
                    target = data.pop("z")
                    data = data.loc[:, (data.nunique() > 1)]
                    fit = sm.OLS(target, sm.add_constant(data)).fit()
                    row |= {"t": fit.tvalues["subtype"], "p": fit.pvalues["subtype"]}
                    row["covariates"] = ", ".join("sex" if c == "male" else c for c in data if c != "subtype")
            rows.append(row)
    table = pd.DataFrame(rows)
    table["q"] = false_discovery(table["p"], [pd.Series("regions", index=table.index)])
    return table.assign(circular=True)
