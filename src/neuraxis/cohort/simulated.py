"""The simulated study cohort, built from published aggregates: people, regional measures, outcomes, truth.

Nothing here is a person's data. Sources: group sizes, ages, sexes, sites, counts per subtype and event orders
of Zhuo et al. 2025 (BMC Med 23:514); regional norms, cord area and clinical distributions from the aggregates
named in docs/cohort.md; correlation between regions and shifts between sites of public healthy people
(resources/README.md). Where the study gives no number, the value is this module's assumption and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, name_some
from ..labels import NORMAL
from ..streams import stream
from .battery import simulate_battery

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
#: Sites where registration-based head size fails, and in which share of the patients: the study has 28 MS and 33
#: NMOSD people below 1.0 litre, nearly all from external sites.
FAILING_SITES, FAILING_SHARE, FAILING_FACTOR = (6, 7), 0.7, 0.62
#: Follow-up scans (assumptions): share of patients scanned again, years between scans, correlation of a person's
#: residuals between scans, stages gained a year once staged, share of normal-appearing people who start a year.
RESCANNED = 0.4
SCAN_GAP = (1.0, 2.0)
SCAN_CORRELATION = 0.97
STAGES_A_YEAR = {"MS": 0.6, "NMOSD": 0.2}
ONSET_A_YEAR = {"MS": 0.06, "NMOSD": 0.03}
DRUGS = {
    "MS": ("none", "injectable", "oral", "monoclonal"),
    "NMOSD": ("none", "mycophenolate", "rituximab", "steroids"),
}


@dataclass(frozen=True)
class SimulatedCohort:
    """Tables of one simulated cohort.

    Attributes
    ----------
    participants : DataFrame
        participant_id, group, site, age, sex, clinical columns, origin = SIMULATED.
    measures : DataFrame
        participant_id, session_id ("baseline" or "ses-02", ...), one column per biomarker (mm3, cord mm2), etiv
        (mm3, true head size) and etiv_measured (what a failing registration would report).
    truth : DataFrame
        participant_id, group, subtype, stage, session_id, for evaluation only.
    sessions : DataFrame
        participant_id, session_id, years since baseline, of the follow-up scans.
    visits : DataFrame
        participant_id, years, edss.
    relapses : DataFrame
        participant_id, years.
    """

    participants: pd.DataFrame
    measures: pd.DataFrame
    truth: pd.DataFrame
    sessions: pd.DataFrame
    visits: pd.DataFrame
    relapses: pd.DataFrame


def healthy_correlation(resources, names) -> np.ndarray:
    """Correlation (B, B) between regions of healthy people of one age, sex, head size and scanner.

    Raises
    ------
    InputError
        The table lacks a biomarker, or is no correlation: not symmetric, diagonal not 1, not positive definite.
    """
    path = Path(resources) / "healthy_correlation.tsv"
    table = pd.read_csv(path, sep="\t", index_col=0)
    absent = [b for b in names if b not in table.index or b not in table.columns]
    if absent:
        raise InputError(f"{path} has no correlation of {name_some(absent)}")
    r = table.loc[list(names), list(names)].to_numpy(float)
    if not np.allclose(r, r.T) or not np.allclose(np.diag(r), 1) or np.linalg.eigvalsh(r)[0] <= 0:
        raise InputError(f"{path} is no correlation: it must be symmetric, 1 on the diagonal, positive definite")
    return r


def site_sd(resources, names) -> np.ndarray:
    """SD (B,) of the shifts between sites, in SDs of healthy people."""
    path = Path(resources) / "healthy_site_sd.tsv"
    sd = pd.read_csv(path, sep="\t", index_col=0)["sd"]
    absent = [b for b in names if b not in sd.index]
    if absent:
        raise InputError(f"{path} has no SD of {name_some(absent)}")
    return sd[list(names)].to_numpy(float)


def site_shifts(resources, names, seed: int, n_sites: int = 10) -> np.ndarray:
    """Shift (n_sites, B) of every site in SDs of healthy people, each biomarker by itself."""
    return stream(seed, "site").standard_normal((n_sites, len(names))) * site_sd(resources, names)


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


def subtype_z(resources) -> pd.DataFrame:
    """Published mean z by disease, subtype and biomarker; "NA" is a subtype there, not a missing value."""
    return pd.read_csv(Path(resources) / "subtype_z.tsv", sep="\t", keep_default_na=False)


def normal_mean(regional: pd.DataFrame, disease: str, names) -> np.ndarray:
    """Mean z (B,) that normal-appearing people are drawn around: half the published one (an assumption)."""
    part = regional[(regional["disease"] == disease) & (regional["subtype"] == "NA")].set_index("biomarker")
    return part.loc[list(names), "mean_z"].astype(float).to_numpy() * 0.5


def true_model(resources, disease: str) -> dict:
    """The model the patients of one disease are drawn from, on the study's 57 events.

    Returns
    -------
    dict
        subtypes (list of str), biomarkers (list of str), sequences: for every subtype the list of its 57 events
        (biomarker, threshold) in order, weights (C, 58): P(subtype, stage), normal-appearing people spread over the subtypes' stage 0,
        healthy_mean (B,): mean z of normal-appearing people, covariance (B, B) of the residuals around the curves and around that
        mean, in z^2.
    """
    names = list(NORMS)
    orders = pd.read_csv(Path(resources) / "event_order.tsv", sep="\t", keep_default_na=False)
    parts = SUBTYPES[disease]
    subtypes = [s for s in parts if s != "NA"]
    total = sum(parts.values())
    staged = total - parts["NA"]
    median, most = STAGES[disease]
    n = 3 * len(names)
    stages = np.arange(1, n + 1)
    passing = 0.5 ** (1 / median)
    # who is drawn beyond the largest stage stands at it
    geometric = passing ** (stages - 1) * np.where(stages < most, 1 - passing, 1.0) * (stages <= most)
    sequences, weights = [], []
    for s in subtypes:
        part = orders[(orders["disease"] == disease) & (orders["subtype"] == s)].set_index("biomarker")
        events = [(part.loc[b, f"position_z{z}"], z, b) for b in names for z in (1, 2, 3)]
        sequences.append([(b, z) for _, z, b in sorted(events)])
        share = parts[s] / staged
        weights.append(np.concatenate([[parts["NA"] / total * share], parts[s] / total * geometric]))
    return {
        "subtypes": subtypes,
        "biomarkers": names,
        "sequences": sequences,
        "weights": np.maximum(np.array(weights), 1e-12),
        "healthy_mean": normal_mean(subtype_z(resources), disease, names),
        "covariance": healthy_correlation(resources, names),
    }


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


def progress(group, subtype, stage, years, rng) -> tuple[np.ndarray, np.ndarray]:
    """Subtype and stage `years` later: staged people move on, some normal-appearing people start."""
    later = stage + rng.poisson(STAGES_A_YEAR[group] * years) * (stage > 0)
    parts = {k: v for k, v in SUBTYPES[group].items() if k != "NA"}
    start = (stage == 0) & (rng.random(len(stage)) < 1 - np.exp(-ONSET_A_YEAR[group] * years))
    p = np.array(list(parts.values()), float)
    fresh = rng.choice(list(parts), len(stage), p=p / p.sum())
    subtype = np.where(start, fresh, subtype)
    return subtype.astype(object), np.minimum(np.where(start, 1, later), STAGES[group][1])


def mean_curve(group, subtype, stage, orders, regional, names) -> np.ndarray:
    """Expected z (n, B) of people of one disease at their subtype and stage."""
    z = np.zeros((len(stage), len(names)))
    if group == "HC":
        return z
    for s in SUBTYPES[group]:
        rows = subtype == s
        if s == "NA":
            z[rows] = normal_mean(regional, group, names)
        else:
            points = published_points(orders, group, s, names)
            z[rows] = 0.5 * (points[stage[rows]] + points[stage[rows] + 1])
    return z


def measured(z, age, male, etiv, names) -> pd.DataFrame:
    """Regional measures of people with these z-scores; at least a quarter of the norm."""
    frame = pd.DataFrame(index=range(len(z)))
    for i, b in enumerate(names):
        mean, sd = norm_of(b, age, male, etiv)
        frame[b] = np.maximum(mean - z[:, i] * sd, mean * 0.25)
    return frame


def simulate_cohort(resources, *, scale: float = 1.0, seed: int = 1) -> SimulatedCohort:
    """Draw the cohort.

    Parameters
    ----------
    resources : path
        Folder with event_order.tsv, subtype_z.tsv, healthy_correlation.tsv and healthy_site_sd.tsv.
    scale : float
        Share of the study's group sizes; 1 gives 1,065 / 278 / 391.
    seed : int

    Returns
    -------
    SimulatedCohort
    """
    names = list(NORMS)
    orders = pd.read_csv(Path(resources) / "event_order.tsv", sep="\t", keep_default_na=False)
    regional = subtype_z(resources)
    # controls and patients alike vary around what is expected of them as healthy people do
    root = np.linalg.cholesky(healthy_correlation(resources, names)).T
    site_shift = site_shifts(resources, names, seed)
    parts: dict[str, list] = {name: [] for name in SimulatedCohort.__dataclass_fields__}
    number = 0
    for group, (full, quartiles, women) in GROUPS.items():
        n = max(8, round(full * scale))
        rng = stream(seed, "cohort", group)
        age = np.clip(quartiles[1] + rng.standard_normal(n) * (quartiles[2] - quartiles[0]) / 1.349, 18, 78).round(1)
        male = rng.random(n) >= women
        counts = np.array(SITES.get(group, np.add(SITES["MS"], SITES["NMOSD"])), float)
        site = rng.choice(10, n, p=counts / counts.sum())
        etiv = np.where(male, rng.normal(1.55e6, 0.14e6, n), rng.normal(1.385e6, 0.12e6, n)).clip(1.05e6, 2.1e6)
        noise = rng.standard_normal((n, len(names))) @ root
        subtype = np.full(n, "HC", object)
        stage = np.zeros(n, int)
        if group != "HC":
            p = np.array(list(SUBTYPES[group].values()), float)
            subtype = rng.choice(list(SUBTYPES[group]), n, p=p / p.sum()).astype(object)
            median, most = STAGES[group]
            stage = np.minimum(rng.geometric(1 - 0.5 ** (1 / median), n), most)
            stage[subtype == "NA"] = 0
        ids = np.array([f"sub-SIM{number + i + 1:05d}" for i in range(n)])
        number += n
        etiv_measured = etiv.copy()
        if group != "HC":
            failing = np.isin(site, FAILING_SITES) & (rng.random(n) < FAILING_SHARE)
            etiv_measured[failing] *= FAILING_FACTOR

        def scan(rows, session, z, years, ids=ids, age=age, male=male, etiv=etiv, etiv_measured=etiv_measured):
            frame = measured(z, age[rows] + years, male[rows], etiv[rows], names)
            frame.insert(0, "participant_id", ids[rows])
            frame.insert(1, "session_id", session)
            return frame.assign(etiv=etiv[rows], etiv_measured=etiv_measured[rows])

        def true(rows, session, subtype, stage, group=group, ids=ids):
            return pd.DataFrame(
                {
                    "participant_id": ids[rows],
                    "group": group,
                    # a word, because "NA" would be read as missing
                    "subtype": np.where(subtype == "NA", NORMAL, subtype),
                    "stage": stage,
                    "session_id": session,
                }
            )

        everyone = np.arange(n)
        shift = site_shift[site]
        z = noise + shift + mean_curve(group, subtype, stage, orders, regional, names)
        parts["measures"].append(scan(everyone, "baseline", z, 0.0))
        parts["truth"].append(true(everyone, "baseline", subtype, stage))
        clinical, visits, relapses = simulate_outcomes(group, subtype, stage, age, male, stream(seed, "clinic", group))
        battery = simulate_battery(seed, group, subtype, stage, age, clinical["education"].to_numpy())
        parts["participants"].append(
            pd.DataFrame(
                {
                    "participant_id": ids,
                    "group": group,
                    "site": [f"site{s + 1:02d}" for s in site],
                    "age": age,
                    "sex": np.where(male, "M", "F"),
                }
            )
            .join(clinical)
            .join(battery)
        )
        for name, table in (("visits", visits), ("relapses", relapses)):
            table.insert(0, "participant_id", ids[table.pop("row").to_numpy(int)])
            parts[name].append(table)
        if group == "HC":
            continue
        again = stream(seed, "followup", group)
        rows = everyone[again.random(n) < RESCANNED]
        years = np.zeros(len(rows))
        now, at, residual = subtype[rows], stage[rows], noise[rows]
        for session in ("ses-02", "ses-03"):
            gap = again.uniform(*SCAN_GAP, len(rows)).round(2)
            years = years + gap
            now, at = progress(group, now, at, gap, again)
            fresh = again.standard_normal((len(rows), len(names))) @ root
            residual = SCAN_CORRELATION * residual + np.sqrt(1 - SCAN_CORRELATION**2) * fresh
            z = residual + shift[rows] + mean_curve(group, now, at, orders, regional, names)
            parts["measures"].append(scan(rows, session, z, years))
            parts["truth"].append(true(rows, session, now, at))
            parts["sessions"].append(
                pd.DataFrame({"participant_id": ids[rows], "session_id": session, "years": years.round(2)})
            )
            stay = again.random(len(rows)) < 0.4
            rows, years, now, at, residual = rows[stay], years[stay], now[stay], at[stay], residual[stay]
    tables = {name: pd.concat(t, ignore_index=True) for name, t in parts.items()}
    for name in ("participants", "sessions", "visits", "relapses"):
        tables[name]["origin"] = "SIMULATED"
    return SimulatedCohort(**tables)


def simulate_outcomes(group, subtype, stage, age, male, rng) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Clinical outcomes whose subtype effects follow the study's findings in direction; sizes are assumptions.

    Returns
    -------
    DataFrame
        Baseline and last-visit columns, one row a person.
    DataFrame
        row (of the person), years, edss: half-yearly visits. MS worsens at a hazard that grows with the stage,
        NMOSD by relapses that leave something behind.
    DataFrame
        row, years: relapses after baseline.
    """
    n = len(stage)
    education = np.clip(rng.normal(12.5, 3, n), 3, 22).round()
    has = lambda s: (subtype == s).astype(float)  # noqa: E731
    decline = {"MS": 0.9 * has("C") + 0.3 * has("DGM") + 0.2 * has("SC"), "NMOSD": 0.9 * has("C") + 0.2 * has("SC")}
    sdmt = 58 - 0.35 * (age - 40) + 0.9 * (education - 12.5) + 9 * rng.standard_normal(n)
    table = pd.DataFrame({"education": education})
    visits = pd.DataFrame({"row": [], "years": [], "edss": []})
    relapses = pd.DataFrame({"row": [], "years": []})
    if group == "HC":
        table["sdmt"] = sdmt.round()
        return table, visits, relapses
    sdmt -= 9 * decline[group] + 0.25 * stage
    duration = rng.gamma(1.3, 4.0, n).clip(0.1, 40)
    disability = {"MS": 1.0 * has("DGM") + 0.2 * has("C"), "NMOSD": 1.0 * has("C") + 0.3 * has("SC") - 0.5 * has("CE")}[
        group
    ]
    edss = 2.0 + 0.8 * disability + 0.06 * stage + 0.02 * (age - 40) + 0.03 * duration + 1.3 * rng.standard_normal(n)
    edss = (np.clip(edss, 0, 9) * 2).round() / 2
    frailty = rng.gamma(1.5, 1 / 1.5, n)
    rate = np.exp(np.log({"MS": 0.35, "NMOSD": 0.45}[group]) + 0.45 * has("SC") - 0.4 * has("CE")) * frailty
    table["disease_duration"] = duration.round(1)
    table["relapses"] = rng.poisson(rate * (duration + 0.5))
    table["edss"] = edss
    table["sdmt"] = sdmt.round().clip(0)
    table["drug"] = rng.choice(DRUGS[group], n, p=(0.3, 0.25, 0.25, 0.2))
    lesions = np.exp(np.log({"MS": 6000.0, "NMOSD": 1200.0}[group]) + 0.03 * stage + 1.1 * rng.standard_normal(n))
    table["lesion_volume"] = lesions.round()
    # follow-up: half-yearly visits, relapses at half the rate before treatment, permanent steps
    follow = rng.uniform(1.0, 6, n)
    rows, attacks = [], []
    converted = rng.exponential(1 / (0.015 * np.exp(0.05 * stage)), n)
    for i in range(n):
        times = np.sort(rng.uniform(0, follow[i], rng.poisson(0.5 * rate[i] * follow[i])))
        attacks += [(i, t) for t in times]
        if group == "MS":
            steps = np.cumsum(rng.exponential(1 / (0.06 * np.exp(0.04 * stage[i])), 8))
        else:
            steps = times[rng.random(len(times)) < 0.4]
        for t in [0.0, *np.arange(0.5, follow[i], 0.5)]:
            when = t + (rng.uniform(-0.06, 0.06) if t else 0.0)
            score = edss[i] + (1.0 if edss[i] <= 5 else 0.5) * (steps < when).sum()
            if t:
                score += 1.0 * ((when - times > 0) & (when - times < 0.12)).any()
                score += 0.5 * rng.choice((-1, 0, 1), p=(0.08, 0.84, 0.08))
            rows.append((i, when, np.clip(score, 0, 9.5)))
    visits = pd.DataFrame(rows, columns=["row", "years", "edss"])
    visits["years"] = visits["years"].round(3)
    relapses = pd.DataFrame(attacks, columns=["row", "years"]).astype({"row": int})
    relapses["years"] = relapses["years"].round(3)
    last = visits.groupby("row").last()
    table["followup_years"] = last["years"].clip(lower=0.5)
    needed = np.select([edss == 0, edss <= 5], [1.5, 1.0], 0.5)
    table["worsened"] = (last["edss"] - edss >= needed).astype(int)
    table["relapsed"] = np.isin(np.arange(n), relapses["row"]).astype(int)
    if group == "MS":
        table["spms_years"] = np.minimum(converted, table["followup_years"]).round(2).clip(lower=0.05)
        table["spms"] = (converted <= table["followup_years"]).astype(int)
    for column in ("edss", "sdmt", "relapses", "lesion_volume"):
        table.loc[rng.random(n) < 0.03, column] = np.nan
    return table, visits, relapses
