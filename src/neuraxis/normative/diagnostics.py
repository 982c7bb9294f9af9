"""Is z of controls what it should be: mean 0, SD 1, unrelated to covariates, in every part of the cohort?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from ..progress import steps

AGE_BANDS = (0, 30, 45, 60, 200)


def diagnose(z: pd.DataFrame, people: pd.DataFrame, etiv: pd.Series) -> pd.DataFrame:
    """Diagnostics of controls' out-of-sample z.

    Parameters
    ----------
    z : DataFrame
        Controls only, indexed by participant_id.
    people : DataFrame
        age, sex, site.
    etiv : Series
        mm3.

    Returns
    -------
    DataFrame
        biomarker, check, part, n, mean, sd, statistic, p, passed, why. Checks: all, and of several sites, sexes and age
        bands each (mean within 2.6 SE + 0.1 of 0 and SD within 0.8-1.25 for parts of at least 20), association
        (partial R2 of age, age^2, sex, eTIV and site below 2 %), normality (skewness and kurtosis).
    """
    people = people.loc[z.index]
    parts = [("all", "all", pd.Series(True, index=z.index))]
    parts += [("site", s, people["site"] == s) for s in sorted(people["site"].dropna().unique())]
    parts += [("sex", s, people["sex"] == s) for s in sorted(people["sex"].dropna().unique())]
    bands = pd.cut(people["age"], AGE_BANDS)
    parts += [("age band", f"{b.left:g}-{b.right:g}", bands == b) for b in bands.cat.categories]
    # the only site, sex or band is everyone again, who are counted already
    parts = [(check, part, mask) for check, part, mask in parts if check == "all" or not mask.all()]
    site = pd.get_dummies(people["site"], drop_first=True, dtype=float)
    terms = {
        "age": people[["age"]],
        "age^2": people[["age"]] ** 2,
        "sex": (people[["sex"]] == "M").astype(float),
        "etiv": etiv.loc[z.index].to_frame() / 1e6,
        "site": site,
    }
    # all biomarkers of a part at once: with hundreds of sites and measures, one by one takes minutes
    at = {(check, part): z[mask] for check, part, mask in parts}
    moments = {key: (rows.count(), rows.mean(), rows.std(ddof=1)) for key, rows in at.items()}
    told = {t: f for t, f in terms.items() if f.shape[1] and not (f.nunique() < 2).all()}
    designs = {t: (f.notna().all(axis=1), sm.add_constant(f.astype(float))) for t, f in told.items()}
    rows = []
    for name in steps(z.columns, "diagnostics of biomarkers"):
        v = z[name]
        for (check, part), (counts, means, sds) in moments.items():
            n, mean, sd = int(counts[name]), means[name], sds[name]
            if n < 2:
                continue
            fine_mean = abs(mean) <= 2.6 / np.sqrt(n) + 0.1
            fine_sd = 0.8 <= sd <= 1.25
            judged = n >= 20
            why = "" if not judged or (fine_mean and fine_sd) else ("mean is not 0" if not fine_mean else "SD is not 1")
            rows.append(
                {
                    "biomarker": name,
                    "check": check,
                    "part": part,
                    "n": n,
                    "mean": mean,
                    "sd": sd,
                    "passed": not why,
                    "why": why,
                }
            )
        for term, (complete, X) in designs.items():
            known = v.notna() & complete
            fit = sm.OLS(v[known], X[known]).fit()
            passed = fit.rsquared < 0.02 or fit.f_pvalue > 0.001
            rows.append(
                {
                    "biomarker": name,
                    "check": "association",
                    "part": term,
                    "n": int(known.sum()),
                    "statistic": fit.rsquared,
                    "p": fit.f_pvalue,
                    "passed": passed,
                    "why": "" if passed else f"{term} explains {100 * fit.rsquared:.1f} % of z",
                }
            )
        x = v.dropna()
        skew, kurtosis = stats.skew(x), stats.kurtosis(x)
        passed = abs(skew) < 1 and abs(kurtosis) < 3
        rows.append(
            {
                "biomarker": name,
                "check": "normality",
                "part": "skewness, excess kurtosis",
                "n": len(x),
                "mean": skew,
                "sd": kurtosis,
                "passed": passed,
                "why": "" if passed else "far from normal",
            }
        )
    columns = ["biomarker", "check", "part", "n", "mean", "sd", "statistic", "p", "passed", "why"]
    return pd.DataFrame(rows, columns=columns)
