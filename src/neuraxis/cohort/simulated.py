"""The simulated study cohort, built from published aggregates: people, regional measures, outcomes, truth.

Nothing here is a person's data. Sources: group sizes, ages, sexes, sites, counts per subtype and event orders
of Zhuo et al. 2025 (BMC Med 23:514); regional norms, cord area and clinical distributions from the aggregates
named in docs/cohort.md. Where the study gives no number, the value is this module's assumption and says so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..sustain import stream

GROUPS = {
    # n, age quartiles (25, 50, 75 %), share of women
    "HC": (1065, (31, 45, 54), 566 / 1065),
    "NMOSD": (278, (31, 43, 53), 256 / 278),
    "MS": (391, (27, 34, 42), 264 / 391),
}
SITES = {
    "MS": (92, 72, 52, 43, 35, 31, 24, 19, 15, 8),
    "NMOSD": (83, 54, 42, 27, 21, 21, 13, 9, 7, 1),
}
SUBTYPES = {
    "NMOSD": {"C": 87, "SC": 58, "CE": 26, "NA": 107},
    "MS": {"SC": 115, "DGM": 81, "C": 72, "NA": 123},
}
#: Median stage of people above 0 and the largest stage seen.
STAGES = {"NMOSD": (3.0, 37), "MS": (7.5, 52)}
#: Man aged 29: bilateral volume (mm3; cord mm2), CV, change per decade, women's share, power of eTIV.
NORMS = {
    "cord_csa": (71.0, 0.092, -0.006, 0.951, 0.15),
    "brainstem": (21600.0, 0.09, -0.010, 0.97, 0.6),
    "cerebellum_wm": (31000.0, 0.11, -0.015, 0.97, 0.6),
    "cerebellum_gm": (117300.0, 0.08, -0.025, 0.97, 0.5),
    "cerebral_wm": (500000.0, 0.075, -0.005, 0.99, 0.95),
    "frontal": (181200.0, 0.065, -0.031, 0.99, 0.8),
    "temporal": (123100.0, 0.065, -0.028, 0.98, 0.8),
    "parietal": (119000.0, 0.068, -0.031, 0.99, 0.8),
    "occipital": (51100.0, 0.08, -0.022, 0.98, 0.7),
    "insula": (15200.0, 0.075, -0.025, 0.99, 0.7),
    "cingulate": (20600.0, 0.095, -0.028, 0.99, 0.7),
    "thalamus": (16510.0, 0.075, -0.030, 0.99, 0.55),
    "hippocampus": (9470.0, 0.075, -0.015, 0.99, 0.5),
    "caudate": (7300.0, 0.10, -0.020, 0.99, 0.5),
    "putamen": (10990.0, 0.095, -0.040, 0.98, 0.45),
    "pallidum": (4330.0, 0.095, -0.020, 0.98, 0.5),
    "amygdala": (3700.0, 0.10, -0.018, 0.96, 0.5),
    "accumbens": (1200.0, 0.15, -0.050, 0.98, 0.3),
    "ventral_dc": (8730.0, 0.075, -0.015, 0.98, 0.6),
}
CORTEX = ("frontal", "temporal", "parietal", "occipital", "insula", "cingulate")
BLOCKS = [
    # regions, regions, residual correlation in MS, in NMOSD
    (CORTEX, CORTEX, 0.24, 0.37),
    (("brainstem",), ("ventral_dc",), 0.44, 0.51),
    (("brainstem", "ventral_dc"), ("cerebral_wm",), 0.31, 0.46),
    (("thalamus", "pallidum"), ("cerebral_wm",), 0.32, 0.44),
    (("caudate", "putamen", "accumbens"), ("caudate", "putamen", "accumbens"), 0.20, 0.35),
    (("hippocampus",), ("amygdala",), 0.33, 0.36),
    (("cerebellum_gm",), ("cerebellum_wm",), 0.23, 0.36),
    (("cord_csa",), ("brainstem", "ventral_dc"), 0.25, 0.16),
    (("cord_csa",), CORTEX, 0.03, 0.06),
]
SITE_SD = 0.3


def correlation(names, disease: str) -> np.ndarray:
    """Residual correlation (B, B) from the published blocks, made positive definite."""
    column = 3 if disease == "NMOSD" else 2
    r = np.full((len(names), len(names)), 0.05)
    np.fill_diagonal(r, 1.0)
    for block in BLOCKS:
        for a in block[0]:
            for b in block[1]:
                if a != b:
                    i, j = names.index(a), names.index(b)
                    r[i, j] = r[j, i] = block[column]
    values, vectors = np.linalg.eigh(r)
    r = (vectors * np.maximum(values, 0.05)) @ vectors.T
    d = np.sqrt(np.diag(r))
    return r / np.outer(d, d)


def published_points(orders: pd.DataFrame, disease: str, subtype: str, names) -> np.ndarray:
    """Curves (59, B) at the points 0..58 of the study's 57-event axis, from published event positions."""
    part = orders[(orders["disease"] == disease) & (orders["subtype"] == subtype)].set_index("biomarker")
    events = [(part.loc[b, f"position_z{z}"], z, b) for b in names for z in (1, 2, 3)]
    rank = {(b, z): i + 1 for i, (_, z, b) in enumerate(sorted(events, key=lambda e: (e[0], e[1], e[2])))}
    n = len(events)
    out = np.empty((n + 2, len(names)))
    for i, b in enumerate(names):
        out[:, i] = np.interp(np.arange(n + 2), [0, *(rank[b, z] for z in (1, 2, 3)), n + 1], [0, 1, 2, 3, 5])
    return out


def norm_of(name: str, age, male, etiv) -> tuple[np.ndarray, float]:
    """Expected measure of healthy people and the SD around it."""
    ref, cv, slope, women, power = NORMS[name]
    mean = (
        ref
        * np.where(male, 1.0, women)
        * (1 + slope * (np.asarray(age) - 29) / 10)
        * (np.asarray(etiv) / 1.55e6) ** power
    )
    return mean, ref * cv * 0.85


def simulate_cohort(resources, *, scale: float = 1.0, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Draw the cohort.

    Parameters
    ----------
    resources : path
        Folder with event_order.tsv and subtype_z.tsv.
    scale : float
        Share of the study's group sizes; 1 gives 1,065 / 278 / 391.
    seed : int

    Returns
    -------
    participants : DataFrame
        participant_id, group, site, age, sex, clinical columns, origin = SIMULATED.
    measures : DataFrame
        participant_id, one column per biomarker (mm3, cord mm2), etiv (mm3).
    truth : DataFrame
        participant_id, subtype, stage; for evaluation only.
    """
    names = list(NORMS)
    orders = pd.read_csv(Path(resources) / "event_order.tsv", sep="\t", keep_default_na=False)
    # "NA" is a subtype here, not a missing value
    regional = pd.read_csv(Path(resources) / "subtype_z.tsv", sep="\t", keep_default_na=False)
    site_shift = stream(seed, "site").normal(0, SITE_SD, (10, len(names)))
    people, values, truths = [], [], []
    number = 0
    for group, (full, quartiles, women) in GROUPS.items():
        n = max(8, round(full * scale))
        rng = stream(seed, "cohort", group)
        age = np.clip(quartiles[1] + rng.standard_normal(n) * (quartiles[2] - quartiles[0]) / 1.349, 18, 78).round(1)
        male = rng.random(n) >= women
        counts = np.array(SITES.get(group, np.add(SITES["MS"], SITES["NMOSD"])), float)
        site = rng.choice(10, n, p=counts / counts.sum())
        etiv = np.where(male, rng.normal(1.55e6, 0.14e6, n), rng.normal(1.385e6, 0.12e6, n)).clip(1.05e6, 2.1e6)
        noise = rng.standard_normal((n, len(names))) @ np.linalg.cholesky(correlation(names, group)).T
        subtype = np.full(n, "HC", object)
        stage = np.zeros(n, int)
        z = noise + site_shift[site]
        if group != "HC":
            parts = SUBTYPES[group]
            p = np.array(list(parts.values()), float)
            subtype = rng.choice(list(parts), n, p=p / p.sum()).astype(object)
            median, most = STAGES[group]
            stage = np.minimum(rng.geometric(1 - 0.5 ** (1 / median), n), most)
            stage[subtype == "NA"] = 0
            for s in parts:
                rows = subtype == s
                if s == "NA":
                    part = regional[(regional["disease"] == group) & (regional["subtype"] == "NA")].set_index(
                        "biomarker"
                    )
                    z[rows] += part.loc[names, "mean_z"].astype(float).to_numpy() * 0.5
                else:
                    points = published_points(orders, group, s, names)
                    z[rows] += 0.5 * (points[stage[rows]] + points[stage[rows] + 1])
        frame = pd.DataFrame({"etiv": etiv})
        for i, b in enumerate(names):
            mean, sd = norm_of(b, age, male, etiv)
            frame[b] = np.maximum(mean - z[:, i] * sd, mean * 0.25)
        ids = [f"sub-SIM{number + i + 1:05d}" for i in range(n)]
        number += n
        clinical = simulate_outcomes(group, subtype, stage, age, male, rng)
        people.append(
            pd.DataFrame(
                {
                    "participant_id": ids,
                    "group": group,
                    "site": [f"site{s + 1:02d}" for s in site],
                    "age": age,
                    "sex": np.where(male, "M", "F"),
                }
            ).join(clinical)
        )
        frame.insert(0, "participant_id", ids)
        values.append(frame)
        truths.append(pd.DataFrame({"participant_id": ids, "group": group, "subtype": subtype, "stage": stage}))
    participants = pd.concat(people, ignore_index=True)
    participants["origin"] = "SIMULATED"
    return participants, pd.concat(values, ignore_index=True), pd.concat(truths, ignore_index=True)


def simulate_outcomes(group, subtype, stage, age, male, rng) -> pd.DataFrame:
    """Clinical outcomes whose subtype effects follow the study's findings in direction; sizes are assumptions."""
    n = len(stage)
    education = np.clip(rng.normal(12.5, 3, n), 3, 22).round()
    has = lambda s: (subtype == s).astype(float)  # noqa: E731
    decline = {"MS": 0.9 * has("C") + 0.3 * has("DGM") + 0.2 * has("SC"), "NMOSD": 0.9 * has("C") + 0.2 * has("SC")}
    sdmt = 58 - 0.35 * (age - 40) + 0.9 * (education - 12.5) + 9 * rng.standard_normal(n)
    table = pd.DataFrame({"education": education})
    if group == "HC":
        table["sdmt"] = sdmt.round()
        return table
    sdmt -= 9 * decline[group] + 0.25 * stage
    duration = rng.gamma(1.3, 4.0, n).clip(0.1, 40)
    disability = {"MS": 1.0 * has("DGM") + 0.2 * has("C"), "NMOSD": 1.0 * has("C") + 0.3 * has("SC") - 0.5 * has("CE")}[
        group
    ]
    edss = 2.0 + 0.8 * disability + 0.06 * stage + 0.02 * (age - 40) + 0.03 * duration + 1.3 * rng.standard_normal(n)
    rate = np.exp(np.log({"MS": 0.35, "NMOSD": 0.45}[group]) + 0.45 * has("SC") - 0.4 * has("CE"))
    table["disease_duration"] = duration.round(1)
    table["relapses"] = rng.poisson(rate * (duration + 0.5) * rng.gamma(1.5, 1 / 1.5, n))
    table["edss"] = (np.clip(edss, 0, 9) * 2).round() / 2
    table["sdmt"] = sdmt.round().clip(0)
    hazard = 0.05 * np.exp(0.04 * stage * (group == "MS") + 0.5 * has("SC") * (group == "NMOSD"))
    time = rng.exponential(1 / hazard)
    follow = rng.uniform(0.5, 6, n)
    table["followup_years"] = np.minimum(time, follow).round(2).clip(0.05)
    table["worsened"] = (time <= follow).astype(int)
    for column in ("edss", "sdmt", "relapses"):
        table.loc[rng.random(n) < 0.03, column] = np.nan
    return table
