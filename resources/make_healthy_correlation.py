"""How the study's regions correlate in healthy people, from public tables of FreeSurfer volumes and cord areas.

    python resources/make_healthy_correlation.py BRAIN_TABLE CORD_TABLE

BRAIN_TABLE: one row a person: dataset, site, diagnosis (HC), age, sex, eTIV and FreeSurfer's volumes of several data
sets (openneuro_fs_volumes_thickness.csv.gz, made from ReproNim/OpenNeuroDerivatives-NIDM).
CORD_TABLE: the same of one data set, and csa_C1, csa_C2, csa_C3 (mm2) of people whose cord was measured too
(DERIVED_piop2_brain_and_cord.csv, made from OpenNeuro ds002790 and PAM50-normalized-metrics).
Writes healthy_correlation.tsv and healthy_site_sd.tsv beside this file: aggregates, nobody's row.

Brain: correlation of the residuals of 18 volumes on age, age^2, sex, eTIV and data set. Cord: correlation of the
residual of its area with the brain's, from few people, so that each block of regions (CORD_BLOCKS) gets one value: the
block's mean correlation over those people, averaged (Fisher's z, by the degrees of freedom) with the published residual
correlations where there are any. Those are of patients after a fitted model that absorbed part of the correlation, so
they are first divided by the share that is left of it in the blocks of the brain, where both are known (PUBLISHED).
Site: SD between the data sets' residual means, in SDs of the residuals, less what sampling alone gives.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
CORD = "cord_csa"
CORTEX = ("frontal", "temporal", "parietal", "occipital", "insula", "cingulate")
STRIATUM = ("caudate", "putamen", "accumbens")
#: Published residual correlations between regions, in 391 people with MS and in 278 with NMOSD (aggregates of Zhuo et
#: al., BMC Medicine 2025;23:514).
PEOPLE = (391, 278)
PUBLISHED = [
    (CORTEX, CORTEX, (0.24, 0.37)),
    (("brainstem",), ("ventral_dc",), (0.44, 0.51)),
    (("brainstem", "ventral_dc"), ("cerebral_wm",), (0.31, 0.46)),
    (("thalamus", "pallidum"), ("cerebral_wm",), (0.32, 0.44)),
    (STRIATUM, STRIATUM, (0.20, 0.35)),
    (("hippocampus",), ("amygdala",), (0.33, 0.36)),
    (("cerebellum_gm",), ("cerebellum_wm",), (0.23, 0.36)),
]
#: Regions that share one correlation with the cord, and what is published of it.
CORD_BLOCKS = [
    (("brainstem", "ventral_dc"), (0.25, 0.16)),
    (CORTEX, (0.03, 0.06)),
    (("cerebellum_wm", "cerebellum_gm"), ()),
    (("cerebral_wm",), ()),
    (("thalamus", "hippocampus", "pallidum", "amygdala", *STRIATUM), ()),
]
#: SD of the cord's shifts between data sets, in SDs of people: the offsets of 7 data sets (2,306 healthy adults, area at
#: C1-C3 from T1w images) span 4.8 mm2, which is 2.70 SDs in seven, and the residual SD is 6.4 mm2.
CORD_SITE_SD = 4.8 / 2.70 / 6.4
#: Parameters of the regression beside the data sets: constant, age, age^2, sex, eTIV.
COVARIATES = 5


def volumes(table: pd.DataFrame, biomarkers: pd.DataFrame, label_names: pd.Series) -> pd.DataFrame:
    """The biomarkers made of labels, summed over the columns of FreeSurfer's tables (mm3)."""
    out = {}
    for row in biomarkers[biomarkers["kind"] == "labels"].itertuples():
        parts = []
        for name in label_names[[int(i) for i in row.labels.split(",")]]:
            if name.startswith("ctx-"):
                name = name[4:6] + "_" + name[7:] + "_volume"
            # FreeSurfer's white matter holds the corpus callosum and the hypointensities
            own = {
                "Left-Cerebral-White-Matter": "lhCerebralWhiteMatterVol",
                "Right-Cerebral-White-Matter": "rhCerebralWhiteMatterVol",
            }.get(name, name)
            if row.biomarker == "cerebral_wm" and own == name:
                continue
            column = table[own] if own in table else pd.Series(np.nan, index=table.index)
            if own + "-Proper" in table:  # FreeSurfer 6's name of the thalamus
                column = column.fillna(table[own + "-Proper"])
            parts.append(column)
        out[row.biomarker] = sum(parts)
    return pd.DataFrame(out)


def residuals(values: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """What age, age^2, sex and eTIV, and the data set where there are several, leave of every column."""
    age = (people["age"] - people["age"].mean()) / 10
    terms = pd.DataFrame({"one": 1.0, "age": age, "age2": age**2, "male": people["sex"] == "M", "etiv": people["etiv"]})
    terms["etiv"] = terms["etiv"] / 1e6
    terms = terms.join(pd.get_dummies(people["site"], drop_first=True)).astype(float)
    fit, *_ = np.linalg.lstsq(terms.to_numpy(), values.to_numpy(float), rcond=None)
    return values - terms.to_numpy() @ fit


def site_sd(values: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    """SD of the data sets' shifts in SDs of the residuals, sampling error taken out (0 at least)."""
    left = residuals(values, people)
    sd = np.sqrt((left**2).sum() / (len(left) - COVARIATES - people["site"].nunique() + 1))
    shifted = residuals(values, people.assign(site="one")) / sd
    groups = shifted.groupby(people["site"])
    n = groups.size()
    # analysis of variance: the expected mean square between groups is 1 + n0 variance of the shifts
    between = (groups.mean() ** 2).mul(n, axis=0).sum() / (len(n) - 1)
    n0 = (n.sum() - (n**2).sum() / n.sum()) / (len(n) - 1)
    return np.sqrt(((between - 1) / n0).clip(lower=0))


def share_left(matrix: pd.DataFrame) -> float:
    """Share of healthy people's correlation that the published ones have: mean over the blocks known both ways."""
    shares = []
    for rows, columns, published in PUBLISHED:
        pairs = [matrix.loc[a, b] for a in rows for b in columns if a != b]
        shares.append(np.average(published, weights=PEOPLE) / np.mean(pairs))
    return float(np.mean(shares))


def cord_row(left: pd.DataFrame, n_parameters: int, share: float) -> pd.Series:
    """Correlation of the cord with every region: one value a block, measured and published ones averaged."""
    measured = left.corr()[CORD]
    out = {}
    for regions, published in CORD_BLOCKS:
        sources = [(len(left) - n_parameters - 2, np.arctanh(measured[list(regions)]).mean())]
        sources += [(n - 3, np.arctanh(r / share)) for n, r in zip(PEOPLE, published, strict=False)]
        weight, z = np.array(sources).T
        out |= dict.fromkeys(regions, np.tanh((weight * z).sum() / weight.sum()))
    return pd.Series(out)


def people_of(table: pd.DataFrame, etiv: str, site: str | None) -> pd.DataFrame:
    """age, sex, etiv (mm3) and site."""
    people = pd.DataFrame({"age": pd.to_numeric(table["age"], errors="coerce"), "sex": table["sex"]})
    return people.assign(etiv=table[etiv], site=table[site] if site else "one")


def healthy_correlation(brain: pd.DataFrame, cord: pd.DataFrame, biomarkers, label_names) -> tuple:
    """Correlation (19 x 19), SD of site shifts, and the numbers of people behind the brain and the cord."""
    brain = brain[brain["diagnosis"] == "HC"]
    people, values = people_of(brain, "eTIV", "dataset"), volumes(brain, biomarkers, label_names)
    known = people.notna().all(axis=1) & values.notna().all(axis=1)
    people, values = people[known], values[known]
    matrix = residuals(values, people).corr()
    both = volumes(cord, biomarkers, label_names)
    both[CORD] = cord[["csa_C1", "csa_C2", "csa_C3"]].mean(axis=1, skipna=False)
    who = people_of(cord, "EstimatedTotalIntraCranialVol", None)
    measured = who.notna().all(axis=1) & both.notna().all(axis=1)
    row = cord_row(residuals(both[measured], who[measured]), COVARIATES, share_left(matrix))
    names = list(biomarkers.loc[biomarkers["kind"].isin(["cord", "labels"]), "biomarker"])
    matrix = matrix.reindex(index=names, columns=names)
    matrix.loc[CORD, row.index] = matrix.loc[row.index, CORD] = row
    matrix.loc[CORD, CORD] = 1.0
    sites = pd.concat([pd.Series({CORD: CORD_SITE_SD}), site_sd(values, people)]).loc[names]
    return matrix, sites, int(known.sum()), int(measured.sum())


def main(brain: str, cord: str) -> None:
    """Write the tables and say what is in them."""
    biomarkers = pd.read_csv(HERE / "biomarkers.tsv", sep="\t")
    label_names = pd.read_csv(HERE / "labels.tsv", sep="\t").set_index("label")["name"]
    matrix, sites, n_brain, n_cord = healthy_correlation(
        pd.read_csv(brain, low_memory=False), pd.read_csv(cord), biomarkers, label_names
    )
    values = np.linalg.eigvalsh(matrix)
    if values[0] <= 0:
        sys.exit("the correlation is not positive definite; nothing written")
    regions = matrix.drop(index=CORD, columns=CORD).to_numpy()
    print(f"{n_brain} people for the brain, {n_cord} for the cord")
    print(f"share of it in the published correlations {share_left(matrix):.2f}")
    print(f"mean r of {len(regions)} regions {regions[np.tril_indices(len(regions), -1)].mean():.3f}")
    print(
        f"eigenvalues {values[-1]:.2f} to {values[0]:.3f}; SD between data sets {sites.min():.2f} to {sites.max():.2f}"
    )
    options = {"sep": "\t", "float_format": "%.4f", "lineterminator": "\n"}
    matrix.rename_axis("biomarker").to_csv(HERE / "healthy_correlation.tsv", **options)
    sites.rename("sd").rename_axis("biomarker").to_csv(HERE / "healthy_site_sd.tsv", **options)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
