"""pySuStaIn's validation problems of every family beside ours, in one run on one core; writes benchmarks/families.tsv.

    python benchmarks/families.py --peer FOLDER [--peer-python PYTHON] [--problems Mixture Ordinal ...] [--steps N] [--short]

FOLDER is a checkout of ucl-pond/pySuStaIn (708fa22), PYTHON an interpreter that can import it; nothing of it is kept here.
Times are processor seconds. Each problem is built by the peer's own `test_sustain` and run by it in a process of its own (10 starts, up to 3 subtypes,
10,000 MCMC steps; 3-fold cross-validation with 5 starts and 2,000 steps); then by ours on the same arrays with as many
starts and steps, without healthy component and with uniform stage weights (the peer's model). `--short` leaves out
cross-validation.
"""

from __future__ import annotations

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PROBLEMS = ("Mixture", "Ordinal", "MixedType", "ZscoreMissing")
CLASSES = {"ZscoreMissing": "ZscoreSustainMissingData"}
STARTS, STEPS, MOST = 10, 10_000, 3
CV_STARTS, CV_STEPS, CV_FOLDS = 5, 2_000, 3
SEED = 42


def folds_of(n_people):
    return np.random.default_rng(SEED).permutation(np.arange(n_people) % CV_FOLDS)


# ------------------------------------------------------------------------------------------------ the peer's process


def peer_side(folder: Path, problem: str, out: Path, cross_validate: bool, steps: int) -> None:
    """Build, run and time one problem with the peer; its arrays and results go to `out`."""
    sys.path[:0] = [str(folder), str(folder / "tests")]
    os.chdir(folder / "tests")  # where it looks for its mixture densities
    import pickle

    import create_validation
    import matplotlib

    matplotlib.use("Agg")
    import pySuStaIn

    kind = getattr(pySuStaIn, CLASSES.get(problem, f"{problem}Sustain"))
    truth = create_validation.initialize_validation(SEED)

    def build(where, **changes):
        options = dict(truth["sustain_kwargs"], output_folder=str(where), use_parallel_startpoints=False, **changes)
        sizes = truth["n_biomarkers"], truth["n_samples"], truth["n_subtypes"], truth["ground_truth_subtypes"]
        return kind.test_sustain(*sizes, options, seed=SEED)

    found = {}
    with tempfile.TemporaryDirectory() as room:
        model = build(room)
        model.N_iterations_MCMC = steps
        data = model._AbstractSustain__sustainData
        for name in ("data", "zdata", "L_yes", "L_no", "prob_nl", "prob_score"):
            if getattr(data, name, None) is not None:
                found[f"in_{name}"] = np.asarray(getattr(data, name))
        for name in ("Z_vals", "max_biomarker_zscore", "z_vals", "score_vals", "mixed_data_vals"):
            if getattr(model, name, None) is not None:
                found[f"in_{name}"] = np.asarray(getattr(model, name))
        start = time.process_time()
        results = model.run_sustain_algorithm()
        found["seconds"] = time.process_time() - start
        found["subtype"], found["stage"] = results[2], results[4]
        for k in range(1, MOST + 1):
            with open(Path(room) / "pickle_files" / f"test_subtype{k - 1}.pickle", "rb") as file:
                saved = pickle.load(file)
            sequence, fraction = saved["ml_sequence_EM"], saved["ml_f_EM"]
            found[f"sequence{k}"], found[f"fraction{k}"] = sequence, fraction
            found[f"em{k}"] = model._calculate_likelihood(data, sequence, fraction)[0]
            found[f"chain{k}"] = saved["samples_likelihood"].ravel()
        sigma = np.ones_like(sequence, float), np.full(MOST, 0.01)
        start = time.process_time()
        model._perform_mcmc(data, sequence, fraction, 300, *sigma)
        found["step"] = (time.process_time() - start) / 300
    if cross_validate:
        with tempfile.TemporaryDirectory() as room:
            model = build(room)
            model.N_startpoints, model.N_iterations_MCMC = CV_STARTS, CV_STEPS
            folds = folds_of(truth["n_samples"])
            start = time.process_time()
            found["cvic"] = model.cross_validate_sustain_model([np.flatnonzero(folds == f) for f in range(CV_FOLDS)])[0]
            found["cv_seconds"] = time.process_time() - start
    np.savez(out, **found)


# ------------------------------------------------------------------------------------------------------- our process


def our_problem(problem: str, found):
    """Events, data, constant to add to our log-likelihood, and the peer's number of every event of ours."""
    from neuraxis.sustain import MixedEvents, MixtureEvents, OrdinalEvents, ZScoreEvents
    from neuraxis.sustain.families.given import DensityEvents

    def zscores(thresholds, z_max):
        rows = [[z for z in row if z > 0] for row in thresholds]
        return ZScoreEvents(rows, np.ravel(z_max), allow_low_maximum=True)

    if problem == "Mixture":
        events = DensityEvents(1, [f"b{i}" for i in range(found["in_L_no"].shape[1])])
        return events, events.from_peer(found["in_L_no"], found["in_L_yes"]), 0.0, np.arange(events.n_events)
    if problem == "Ordinal":
        normal = found["in_prob_nl"]
        levels = found["in_prob_score"].reshape(len(normal), -1, normal.shape[1]).transpose(0, 2, 1)
        events = DensityEvents(levels.shape[2], [f"b{i}" for i in range(normal.shape[1])])
        return events, events.from_peer(normal, levels), 0.0, np.arange(events.n_events)
    if problem == "ZscoreMissing":
        events = zscores(found["in_Z_vals"], found["in_max_biomarker_zscore"])
        return events, found["in_data"], 0.0, np.arange(events.n_events)
    z, normal, levels = found["in_zdata"], found["in_prob_nl"], found["in_prob_score"]
    n_levels = (found["in_score_vals"] > 0).sum(axis=1)
    ordinal, single = np.flatnonzero(n_levels > 1), np.flatnonzero(n_levels == 1)
    # a score is the level whose probability is the right one's, here .9
    every = np.concatenate([normal[:, :, None], levels], axis=2)
    scores = every[:, ordinal].argmax(axis=2).astype(float)
    # event-based biomarkers come as densities: their log ratio is a value whose two unit Gaussians have that log ratio
    ratio = np.log(levels[:, single, 0] + 1e-250) - np.log(normal[:, single] + 1e-250)
    unit = {"kind": "gaussian", "normal_mean": -0.5, "normal_sd": 1.0, "abnormal_mean": 0.5, "abnormal_sd": 1.0}
    events = MixedEvents(
        [
            zscores(found["in_z_vals"], found["in_max_biomarker_zscore"]),
            OrdinalEvents(n_levels[ordinal].tolist(), 0.9, biomarkers=[f"ordinal{i}" for i in ordinal]),
            MixtureEvents([unit] * single.size, biomarkers=[f"event{i}" for i in single], floor=1e-300),
        ]
    )
    same = events.parts[2].encode(ratio).base.sum()
    constant = np.log(normal[:, single] + 1e-250).sum() - same
    # the peer numbers events level by level over all biomarkers, ours part by part
    peer = np.empty(events.n_events, int)
    peer[np.lexsort((events.biomarker, events.level))] = np.arange(events.n_events)
    return events, np.hstack([z, scores, ratio]), constant, peer


def compare(problem: str, found, cross_validate: bool, steps: int) -> dict:
    """Ours on the peer's arrays, beside its results."""
    from scipy.stats import kendalltau
    from sklearn.metrics import adjusted_rand_score

    from neuraxis.sustain import FitSettings, Variant, fit
    from neuraxis.sustain.problem import Problem
    from neuraxis.sustain.sampler import Sampler

    events, X, constant, peer = our_problem(problem, found)
    settings = FitSettings(
        variant=Variant(healthy=False, stage_prior="uniform"),
        n_startpoints=STARTS,
        n_samples=steps,
        n_chains=1,
    )
    options = {"covariance": "independent" if events.gaussian else None, "progress": False}
    fit(X, events, 1, settings.with_(n_startpoints=2, n_samples=50), **options)  # compile
    start = time.process_time()
    model, models = None, {}
    for k in range(1, MOST + 1):
        models[k] = model = fit(X, events, k, settings, previous=model, **options)
    seconds = time.process_time() - start
    row = {"problem": problem, "n_people": len(X), "n_events": events.n_events}
    values, _ = events.check_data(X)
    packed = Problem(values, events, settings.variant)
    sampler = Sampler(packed, models[MOST].point, np.random.default_rng(SEED), settings.sweep_every)
    sampler.steps(1000, True)
    start = time.process_time()
    sampler.steps(50_000)
    step = (time.process_time() - start) / 50_000
    back = np.argsort(peer)  # the peer's event number to ours
    for k in range(1, MOST + 1):
        theirs = back[found[f"sequence{k}"].astype(int)].reshape(k, -1)
        at_theirs = likelihood(packed, models[k], theirs, found[f"fraction{k}"]) + constant
        row[f"loglik_k{k}"] = models[k].ml_log_likelihood + constant
        row[f"peer_loglik_k{k}"] = float(found[f"em{k}"])
        row[f"peer_at_ours_k{k}"] = at_theirs - float(found[f"em{k}"])
        places = np.argsort(models[k].sequences, axis=1), np.argsort(theirs, axis=1)
        tau = np.array([[kendalltau(a, b).statistic for b in places[1]] for a in places[0]])
        row[f"tau_k{k}"] = float(tau.max(axis=1).min())
    subtype, own = np.ravel(found["subtype"]), models[MOST].posterior(X)[0]
    label = own.sum(axis=2).argmax(axis=1)
    stage = own[np.arange(len(X)), label].argmax(axis=1)
    valid = np.isfinite(subtype)
    row["subtype_ari"] = adjusted_rand_score(subtype[valid], label[valid])
    row["same_stage"] = float(np.mean(np.ravel(found["stage"])[valid] == stage[valid]))
    row |= {"peer_run_s": float(found["seconds"]), "run_s": seconds, "run_ratio": float(found["seconds"]) / seconds}
    row |= {
        "peer_step_ms": 1e3 * float(found["step"]),
        "step_ms": 1e3 * step,
        "step_ratio": float(found["step"]) / step,
    }
    if cross_validate:
        small = settings.with_(n_startpoints=CV_STARTS, n_samples=CV_STEPS)
        folds, lpd = folds_of(len(X)), {}
        start = time.process_time()
        for f in range(CV_FOLDS):
            model = None
            for k in range(1, MOST + 1):
                model = fit(X[folds != f], events, k, small, previous=model, **options)
                lpd.setdefault(k, np.zeros(len(X)))[folds == f] = model.log_predictive_density(X[folds == f])
        row["cv_s"], row["peer_cv_s"] = time.process_time() - start, float(found["cv_seconds"])
        for k in range(1, MOST + 1):
            row[f"cvic_k{k}"] = -2 * (lpd[k].sum() + constant)
            row[f"peer_cvic_k{k}"] = float(found["cvic"][k - 1])
    return row


def likelihood(packed, model, sequences, fractions) -> float:
    """Our log-likelihood at the peer's parameters."""
    from dataclasses import replace

    point = replace(model.point, sequences=np.asarray(sequences, np.int64), fractions=np.ravel(fractions).astype(float))
    return float(packed.posterior([point])[2].sum())


def save(row) -> None:
    """Put one problem into the table, whose other problems stay: the peer takes long for some."""
    import pandas as pd

    path = Path(__file__).with_suffix(".tsv")
    table = pd.DataFrame({row["problem"]: row.drop("problem")}).rename_axis("quantity")
    if path.is_file():
        old = pd.read_csv(path, sep="\t", index_col="quantity").drop(columns=row["problem"], errors="ignore")
        table = old.join(table, how="outer").reindex([*table.index, *old.index.difference(table.index)])
    table.astype(float).to_csv(path, sep="\t", float_format="%.5g")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, required=True, help="checkout of pySuStaIn")
    parser.add_argument("--peer-python", help="interpreter that can import it; by default this one")
    parser.add_argument("--problems", nargs="+", default=PROBLEMS, choices=PROBLEMS)
    parser.add_argument("--steps", type=int, default=STEPS, help="MCMC steps of both")
    parser.add_argument("--short", action="store_true", help="without cross-validation")
    parser.add_argument("--keep", type=Path, help="folder for the peer's arrays; reused where already there")
    parser.add_argument("--as-peer", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_peer:
        peer_side(
            options.peer.resolve(), options.as_peer[0], Path(options.as_peer[1]), not options.short, options.steps
        )
        return
    import pandas as pd

    with tempfile.TemporaryDirectory() as room:
        for problem in options.problems:
            out = (options.keep or Path(room)) / f"{problem}.npz"
            if not out.is_file():
                command = [
                    options.peer_python or sys.executable,
                    __file__,
                    "--peer",
                    options.peer,
                    "--as-peer",
                    problem,
                ]
                command += [out.resolve(), "--steps", options.steps, *(["--short"] if options.short else [])]
                subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            row = pd.Series(compare(problem, dict(np.load(out)), not options.short, options.steps))
            print(row.to_string(), flush=True)
            save(row)


if __name__ == "__main__":
    main()
