"""A study of a dozen people whose tables fit, and every check refusing a table of it that was broken by hand."""

import dataclasses
import json
import re
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuraxis.checks_results import CHECKS, OF_PAGE, PAGE, SMALLER, CheckError, Study, benjamini_hochberg, run_checks
from neuraxis.home import workflow_home
from neuraxis.labels import NORMAL
from neuraxis.normative.study import normative_tables
from neuraxis.schema import TABLES, read, write
from neuraxis.settings import Settings
from neuraxis.sustain import Draws, Parameters, SustainModel, Variant, ZScoreEvents, held_out, selection_table
from neuraxis.sustain.study import folds_table, subtype_tables
from neuraxis.tables import write_table

EVENTS = ZScoreEvents([[1, 2], [1, 2]], 4.0, biomarkers=["a", "b"])
NAMES = {1: "one", 2: "two"}


def model(sequences, healthy, n_people, fold=None):
    """A model as a fit would leave it."""
    variant = Variant("uniform")
    sequences = np.array(sequences)
    k = len(sequences)
    bumps = variant.bumps(4)
    drawn = np.tile(sequences.astype(np.int16), (2, 3, 1, 1))
    drawn[1, 2, 0, [1, 2]] = drawn[1, 2, 0, [2, 1]]
    shares, f = np.ones((k, 1)), np.full(k, 1 / k)
    flat = (2, k, 4)
    draws = Draws(
        drawn, np.tile(f, (2, 3, 1)), np.tile(shares, (2, 3, 1, 1)), np.full((2, 3), healthy), np.eye(2)[None, None],
        np.arange(6.0).reshape(2, 3), np.full(flat, 0.5), np.ones(flat),
    )  # fmt: skip
    key = ["MS", "everyone"] if fold is None else ["MS", "repeat", "0", "fold", str(fold)]
    starts = pd.DataFrame(
        {
            "n_subtypes": [k],
            "start": [0],
            "origin": ["random"],
            "n_people": [n_people],
            "log_likelihood": [-1.0],
            "shaken_log_likelihood": [-1.0],
        }
    ).assign(polished_log_likelihood=-1.0, label_disagreement=0.0)
    point = Parameters(sequences, f, shares, bumps, healthy, np.eye(2), -10.0)
    return SustainModel(EVENTS, variant, point, draws, starts, {"n_people": n_people, "key": key})


def contrast(outcome, kind, estimate, error, **more):
    value = np.log(estimate)
    row = {"family": "f", "outcome": outcome, "type": "binary", "kind": kind, "contrast": kind, "method": "label"}
    row |= {"effect": "OR", "estimate": estimate, "low": np.exp(value - 1.959964 * error)}
    row |= {"high": np.exp(value + 1.959964 * error), "p": 2 * stats.norm.sf(abs(value / error))}
    row |= {"n": 30, "n_events": 12, "n_group": 10, "model": "logistic", "n_against": 8, "events_group": 3}
    row |= {"reportable": True, "reason": None, "subtype": "one", "against": "two"}
    return row | dict.fromkeys(("reliability", "check_p", "q"), np.nan) | dict.fromkeys(
        ("covariates", "check", "unit", "warning"), None
    ) | more  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The tables, made by the package where that is cheap."""
    root = tmp_path_factory.mktemp("study") / "results"
    rng = np.random.default_rng(2)
    ids = [f"s{i:02d}" for i in range(54)]
    people = pd.DataFrame({"participant_id": ids, "group": ["MS"] * 14 + ["HC"] * 40, "site": ["x", "y"] * 27})
    people["age"], people["sex"] = rng.normal(45, 9, 54).round(1), rng.choice(["M", "F"], 54)
    measures = pd.DataFrame({"participant_id": ids, "etiv": rng.normal(1.5e6, 1e5, 54).round()})
    for i, b in enumerate("ab"):
        measures[b] = (5000 - 10 * people["age"] - 500 * (rng.random(54) < 0.6) * (np.arange(54) < 14) * (2 - i)
                       + 150 * rng.normal(size=54)).round(2)  # fmt: skip
    later = measures.iloc[[1, 4, 4]].assign(
        session_id=["t1", "t1", "t2"], years=[1.0, 1.5, 3.0], a=[4000.0, 3800, 3600]
    )
    defined = pd.DataFrame({"biomarker": ["a", "b"], "direction": "fall", "plausible_low": 100.0})
    settings = {"age": "linear", "age_by_sex": False, "site": "none", "folds": 4}
    norms = normative_tables(measures, people, later, defined, settings, control="HC")
    put = {"cohort/participants.tsv": people, "features/measures.tsv": measures, "features/followup.tsv": later}
    put |= {
        f"normative/{n}.tsv": getattr(norms, n)
        for n in ("zscores", "values", "followup", "diagnostics", "covariance", "dropped")
    }
    qc = pd.DataFrame(
        {"participant_id": ["s03", "gone"], "rule": ["r", "s"], "biomarker": "a", "value": 1.0, "limits": ""}
    )
    put["features/qc.tsv"] = qc.assign(decision=["flagged", "excluded"])
    z = norms.zscores.set_index("participant_id")
    fold = folds_table(z["group"], people.set_index("participant_id")["site"], "MS", 2, 1)
    by = fold.set_index("participant_id")["fold"]
    whole = model([[0, 2, 1, 3], [1, 3, 0, 2]], 0.3, 14)
    parts = {f: model([[0, 2, 1, 3], [1, 0, 3, 2]][:: 1 - 2 * f], 0.2 + f / 3, 7, f) for f in (0, 1)}
    made = subtype_tables(
        whole, parts, z, by, norms.followup, pd.Series({"a": "one", "b": "two"}), disease="MS", control="HC", seed=1
    )
    held = held_out(z.loc[by.index], by.to_numpy()[None], {(0, f, 2): m for f, m in parts.items()})
    # densities of one subtype, for the steps between the numbers; no model stands behind them
    held.density[1] = 0.3 * held.subtypes[0] + 0.7 * held.subtypes[2]
    wide = pd.DataFrame({"participant_id": by.index, "fold": by.to_numpy(), "gaussian": held.gaussian})
    wide = wide.assign(**{f"k{k}": v for k, v in sorted(held.subtypes.items())})
    sums = wide.drop(columns="participant_id").groupby("fold").sum()
    sums.insert(0, "n_people", wide.groupby("fold").size())
    table = selection_table(held.subtypes, held.gaussian, fixed=2)
    table["reason"] = table["reason"].str.replace("fixed in the configuration", "taken")
    # what the rule takes must be what was taken
    for k in (0, 2):
        table["chosen"] = table["n_subtypes"] == k
        if k == 2 or abs(table.set_index("n_subtypes").loc[0, "gap_cvic"]) < 6:
            break
    put |= {
        "sustain/MS/folds.tsv": fold,
        "sustain/MS/heldout.tsv": wide,
        "sustain/MS/heldout_folds.tsv": sums.reset_index(),
    }
    put["sustain/MS/selection.tsv"] = table
    for file, name in {
        "subtypes": "subtypes", "label_draws": "draws", "followup": "followup", "names": "names", "event_order": "order",
        "positional_variance": "variance", "progression": "progression", "diagnostics": "diagnostics",
        "stability": "stability", "starts": "starts", "controls": "controls",
    }.items():  # fmt: skip
        put[f"sustain/MS/{file}.tsv"] = getattr(made, name)
    group = made.subtypes.set_index("participant_id")
    group = (
        group["oof_subtype"]
        .map(dict(zip(made.names["subtype"], made.names["name"], strict=True)))
        .mask(group["oof_normal_appearing"], NORMAL)
    )
    rows = [contrast("o", "subtype", 1.6, 0.2), contrast("o", "stage", 0.8, 0.3), contrast("u", "stage", 2.0, 0.2)]
    effects = pd.DataFrame([*rows, contrast("v", "stage", 1.2, 0.4, method="draws")])
    for _, part in effects.groupby(["kind", "method"]):
        effects.loc[part.index, "q"] = benjamini_hochberg(part["p"].to_numpy())
    put["clinical/MS/associations.tsv"] = effects
    maps = [(g, b, z.loc[group.index[group == g], b]) for g in sorted(set(group)) for b in "ab"]
    maps = pd.DataFrame(
        [{"group": g, "biomarker": b, "n": len(v), "mean_z": v.mean(), "sd_z": v.std()} for g, b, v in maps]
    )
    maps = maps.assign(t=1.0, p=np.linspace(0.01, 0.5, len(maps)), covariates="age, sex", circular=True)
    put["clinical/MS/maps.tsv"] = maps.assign(q=benjamini_hochberg(maps["p"].to_numpy()))
    scans = pd.DataFrame(
        {"participant_id": ["s01"] * 2 + ["s04"] * 3, "session_id": ["baseline", "t1", "baseline", "t1", "t2"]}
    )
    scans["years"], scans["group"] = [0, 1.0, 0, 1.5, 3.0], [group["s01"], "two", group["s04"], "one", "two"]
    scans = scans.assign(stage=1, stage_low=0, stage_high=2, expected_stage=1.0, mean_z=0.5, group_all="one")
    put["clinical/MS/scans.tsv"] = scans
    pairs = pd.crosstab(scans["group"], scans.groupby("participant_id")["group"].shift(-1)).stack()
    moves = pairs.rename_axis(["source", "target"]).rename("n").reset_index()
    put["clinical/MS/transitions.tsv"] = moves.assign(share=0.5)
    curve = pd.DataFrame(
        {"years": [0, 1.0, 2.0], "survival": [1, 0.8, 0.5], "low": [1, 0.5, 0.2], "high": [1, 0.9, 0.8]}
    )
    curve = curve.assign(at_risk=[9, 9, 6], n_events=[0, 2, 4], outcome="o", group="one", split="subtype")
    put["clinical/MS/survival.tsv"] = curve
    half = stats.t.ppf(0.975, 4) * 0.2
    slopes = {"group": ["one"], "n_people": 5, "n_scans": 11, "slope": 0.5, "low": 0.5 - half, "high": 0.5 + half}
    put["clinical/MS/slopes.tsv"] = pd.DataFrame(slopes).assign(p=2 * stats.t.sf(2.5, 4), reason=None, quantity="stage")
    half = stats.t.ppf(0.975, 5) * 0.9 / np.sqrt(6)
    put["clinical/MS/changes.tsv"] = pd.DataFrame(
        {
            "group": ["one"],
            "years": 1,
            "quantity": "stage",
            "n": 6,
            "change": 1.5,
            "low": 1.5 - half,
            "high": 1.5 + half,
            "sd": 0.9,
        }
    )
    p = np.array([0.01, 0.04, 0.03])
    put["clinical/MS/nuisance.tsv"] = pd.DataFrame(
        {
            "label": "stage",
            "variable": ["site", "sex", "age"],
            "test": "t",
            "effect": "e",
            "estimate": 0.1,
            "p": p,
            "n": 12,
        }
    ).assign(p_holm=[0.03, 0.06, 0.06], reason=None)
    trial = {"outcome": ["o"], "group": "one", "n": 9, "n_events": 4, "person_years": 20.0, "rate": 0.2}
    trial |= {
        "rate_low": stats.chi2.ppf(0.025, 8) / 40,
        "rate_high": stats.chi2.ppf(0.975, 10) / 40,
        "reportable": False,
    }
    trial |= dict.fromkeys(("risk", "risk_low", "risk_high", "n_per_arm", "n_per_arm_low", "n_per_arm_high"), np.nan)
    put["clinical/MS/trial.tsv"] = pd.DataFrame(trial).assign(years=2, hazard_ratio=0.7, power=0.8)
    claim = {"claim": ["c"], "subtype": "one", "outcome": "o", "reported": "higher", "effect": "OR", "estimate": 1.6}
    put["clinical/MS/reported.tsv"] = pd.DataFrame(claim).assign(low=1.1, high=2.3, n=30, q=0.02, verdict="agrees")
    planted = {"outcome": ["o"], "kind": "stage", "subtype": None, "against": None, "effect": "OR", "planted": 1.5}
    planted |= {"planted_low": 1, "planted_high": 2, "weighted": 1.6, "weighted_low": 1.1, "weighted_high": 2.2}
    planted |= {"label": 1.2, "label_low": 1, "label_high": 2, "same_direction": True, "covered": True}
    put["clinical/MS/planted.tsv"] = pd.DataFrame(planted)
    for path, frame in put.items():
        declared = path.replace("/MS/", "/D/")
        write(declared, frame, root / path, origin="SIMULATED" if "SIMULATED" in str(frame.get("origin", "")) else None)
    norms.norms.save(root / "normative/norms.json")
    whole.save(root / "sustain/MS/model.npz")
    for f, m in parts.items():
        m.save(root / f"sustain/MS/k2/fold{f}/model.npz")
    told = read("clinical/D/associations.tsv", root / "clinical/MS/associations.tsv")[["outcome", "estimate", "q"]]
    shown = {"columns": list(told), "rows": told.to_numpy().tolist()}
    (root / "report").mkdir()
    page = f'<p>x</p><script type="application/json" id="t-MS-clinical-associations">{json.dumps(shown)}</script>'
    (root / "report/index.html").write_text(page)
    return root


@pytest.fixture
def study(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "results")
    return Study(tmp_path / "results", ("MS",))


#: All but the first, because this study has only the tables that the checks read.
RULES = [r for r in CHECKS if r != "tables are as declared"]


def test_tables_that_fit_pass(study):
    table = run_checks(study, RULES)
    assert table["problems"].sum() == 0 and list(table["rule"]) == RULES and PAGE in RULES


def spoil(study, path, change):
    declared = path.replace("/MS/", "/D/")
    frame = read(declared, study.root / path)
    change(frame)
    write_table(frame, study.root / path)


def to(column, row, value):
    def change(frame):
        if isinstance(row, str):
            mask = frame.iloc[:, 0] == row
        else:
            mask = np.arange(len(frame)) == row
        frame.loc[mask, column] = value(frame.loc[mask, column]) if callable(value) else value

    return change


def swap(column):
    """Values of a column in reversed order: a join by position."""

    def change(frame):
        frame[column] = frame[column].to_numpy()[::-1]

    return change


def nobody_staged(frame):
    frame[["subtype", "stage"]] = 0


S = "sustain/MS/"
C = "clinical/MS/"
BROKEN = [
    ("intervals contain", C + "associations.tsv", to("low", 1, 1.5), r"row 2 \(o, stage, label\): estimate is outside low"),
    ("intervals contain", C + "survival.tsv", to("high", 1, 0.7), "survival is outside"),
    ("intervals contain", C + "planted.tsv", to("label_high", 0, 1.1), "label is outside label_low"),
    ("intervals match", C + "associations.tsv", to("low", 0, 1.15), "not symmetric"),
    ("intervals match", C + "associations.tsv", to("p", 2, 0.05), "p is not that of the estimate"),
    ("intervals match", C + "slopes.tsv", to("p", 0, 0.01), "slopes.tsv.*p is 0.01"),
    ("intervals match", C + "changes.tsv", to("high", 0, 2.0), "high is 2, and 2.44"),
    ("intervals match", C + "trial.tsv", to("rate_low", 0, 0.08), "rate_low is 0.08"),
    ("intervals match", C + "trial.tsv", to("rate", 0, 0.3), "rate is 0.3, and 0.2"),
    ("q is at least p", C + "associations.tsv", to("q", 0, 0.001), "q is below p"),
    ("q is at least p", C + "associations.tsv", to("q", 2, 0.5), "q is 0.5"),
    ("q is at least p", C + "maps.tsv", to("q", 0, 0.9), "maps.tsv.*q is 0.9"),
    ("q is at least p", C + "nuisance.tsv", to("p_holm", 1, 0.04), "p_holm is 0.04, and 0.06"),
    ("probabilities", S + "subtypes.tsv", to("oof_p_healthy", 2, 0.99), "oof_p_healthy and the staged probabilities sum to"),
    ("probabilities", S + "subtypes.tsv", to("p_subtype1", 3, lambda v: v + 0.1), "probabilities sum to"),
    ("probabilities", S + "subtypes.tsv", swap("oof_subtype"), "oof_subtype is not the most probable"),
    ("probabilities", S + "subtypes.tsv", to("stage_low", 0, 9), "stage is outside its interval"),
    ("probabilities", S + "subtypes.tsv", to("normal_appearing", 1, lambda v: ~v), "stage 0 is not normal-appearing"),
    ("probabilities", S + "subtypes.tsv", to("oof_confident", 1, lambda v: ~v), "oof_confident does not follow"),
    ("probabilities", S + "followup.tsv", to("p_healthy", 0, 0.99), "followup.tsv.*sum to"),
    ("probabilities", S + "positional_variance.tsv", to("place1", 0, 0.5), "places do not sum to 1"),
    ("probabilities", S + "event_order.tsv", lambda t: t.update(t["mean_position"] - 1), "they count from 1"),
    ("probabilities", S + "event_order.tsv", to("mean_position", 0, 2.0), "mean_position is 2"),
    ("selection", S + "selection.tsv", lambda t: t.update(2 * t["gap_se"]), "gap_se is"),
    ("selection", S + "selection.tsv", to("delta_cvic", 1, lambda v: -v), "delta_cvic is"),
    ("selection", S + "selection.tsv", to("delta_se", 2, lambda v: 2 * v), "delta_se is"),
    ("selection", S + "selection.tsv", to("cvic", 1, lambda v: -v), "cvic is"),
    ("selection", S + "selection.tsv", to("chosen", 0, lambda v: ~v), "models are chosen|the rule chooses"),
    ("selection", S + "heldout.tsv", lambda t: t.update(t["k2"] - 3), "heldout_loglik is"),
    ("selection", S + "heldout_folds.tsv", to("gaussian", 1, lambda v: v + 5), "heldout_folds.tsv.*gaussian is"),
    ("one fold", S + "folds.tsv", swap("fold"), "the fold is another than in folds.tsv|not spread evenly"),
    ("one fold", S + "folds.tsv", to("fold", 0, lambda v: 1 - v), "not spread evenly"),
    ("one fold", S + "heldout.tsv", to("participant_id", 0, "stranger"), "stranger.*people are not those of MS"),
    ("draws and counts", S + "names.tsv", to("n_staged_oof", 0, 99), "n_staged_oof is 99"),
    ("draws and counts", S + "label_draws.tsv", to("stage", 0, lambda v: 0 * v + (v == 0) * 3), "stage 0 is of no subtype"),
    ("draws and counts", S + "label_draws.tsv", nobody_staged, "draws do not follow"),
    ("draws and counts", S + "followup.tsv", to("years", 0, -1.0), "not later"),
    ("clinical tables", C + "maps.tsv", to("mean_z", 1, 3.3), "mean_z is 3.3"),
    ("clinical tables", C + "maps.tsv", swap("mean_z"), "mean_z is"),
    ("clinical tables", C + "transitions.tsv", lambda t: t.rename(columns={"source": "target", "target": "source"}, inplace=True), "n is"),
    ("clinical tables", C + "scans.tsv", to("years", 3, 4.0), "scans are not in order"),
    ("clinical tables", C + "scans.tsv", to("group", 0, "elsewhere"), "the group at baseline is another"),
    ("clinical tables", C + "survival.tsv", to("at_risk", 2, 12), "a curve of survivors rises"),
    ("clinical tables", C + "associations.tsv", to("subtype", 0, "three"), "no such subtype"),
    ("clinical tables", C + "associations.tsv", to("estimate", 0, np.nan), "neither an estimate nor a reason"),
    ("verdicts", C + "reported.tsv", to("low", 0, 0.9), "the interval includes no effect"),
    ("verdicts", C + "planted.tsv", to("covered", 0, False), "covered is not whether"),
    ("verdicts", "features/qc.tsv", swap("decision"), "excluded, but in measures.tsv"),
    ("verdicts", "normative/diagnostics.tsv", to("passed", 0, lambda v: ~v), "passed is not whether"),
    ("z come out again", "normative/zscores.tsv", lambda t: t.update(-t["a"]), "zscores.tsv.*a is"),
    ("z come out again", "features/measures.tsv", swap("b"), "zscores.tsv.*b is"),
    ("z come out again", "features/followup.tsv", lambda t: t.update(0 * t["years"] + 9), "normative/followup.tsv.*is"),
    ("out-of-fold labels", S + "subtypes.tsv", lambda t: t.update(0.25 + t["oof_p_healthy"] / 2), "oof_p_healthy is"),
    ("out-of-fold labels", S + "folds.tsv", lambda t: t.update(1 - t["fold"]), "oof_|k2 is"),
    ("out-of-fold labels", S + "heldout.tsv", lambda t: t.update(t["k2"] + 1), "k2 is"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "change", "words"), BROKEN, ids=[f"{i}-{b[0]}" for i, b in enumerate(BROKEN)])
def test_a_broken_table_is_named_with_its_row_and_rule(study, rule, path, change, words):
    name = next(r for r in RULES if rule in r)
    spoil(study, path, change)
    with pytest.raises(CheckError, match=words) as caught:
        run_checks(study, [name])
    assert name in str(caught.value) and "row" in str(caught.value) or "," in str(caught.value)


def test_measures_are_held_against_the_scans_own_files(study, tmp_path, request):
    """Label volumes of three people, two of them given to the other's row."""
    rows, sizes = [], {"s00": 4, "s20": 7, "s53": 5}
    for who, n in sizes.items():
        data = np.zeros((6, 6, 6), np.int16)
        data[:n, :3, :3], data[0, 3:5, 3:5] = 16, 99
        path = tmp_path / f"{who}.nii.gz"
        nib.save(nib.Nifti1Image(data, np.diag([2.0, 2, 2, 1])), path)
        rows.append({"participant_id": who, "session_id": "baseline", "file": str(path), "sha256": "x"})
    write("features/inputs.tsv", pd.DataFrame(rows), study.root / "features/inputs.tsv")
    measures = read("features/measures.tsv", study.root / "features/measures.tsv")
    measures = measures[measures["participant_id"].isin(sizes)].assign(brainstem=[4 * 72.0, 6 * 72.0, 5 * 72.0])
    rule = "measures are those of the scan's own files"
    defined = request.config.rootpath / "resources/biomarkers.tsv"
    write("features/measures.tsv", measures, study.root / "features/measures.tsv")
    options = {"biomarkers": defined, "cord": False}
    assert run_checks(Study(study.root, ("MS",), **options), [rule])["problems"].sum() == 0
    measures["brainstem"] = measures["brainstem"].to_numpy()[::-1]
    write("features/measures.tsv", measures, study.root / "features/measures.tsv")
    with pytest.raises(
        CheckError, match=r"features/measures.tsv, row 1.*brainstem is 360, and 288 by what it is made of"
    ):
        run_checks(Study(study.root, ("MS",), **options), [rule])
    run_checks(Study(study.root, ("MS",), labels=False, **options), [rule])


def aseg(folder, **volumes):
    """Stats of one person as FreeSurfer writes them; returns the folder."""
    (folder / "stats").mkdir(parents=True)
    labels = {"Left-Thalamus": 10, "Right-Thalamus": 49, "Brain-Stem": 16}
    rows = [f"{i} {labels[n]} 100 {v:.1f} {n} 0 0 0 0 0" for i, (n, v) in enumerate(volumes.items(), 1)]
    head = [
        "# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, 1500000.0, mm^3",
        "# ColHeaders Index SegId NVoxels Volume_mm3 StructName normMean normStdDev normMin normMax normRange",
    ]
    (folder / "stats/aseg.stats").write_text("\n".join([*head, *rows]) + "\n")
    parcels = "# ColHeaders StructName NumVert SurfArea GrayVol ThickAvg ThickStd MeanCurv GausCurv FoldInd CurvInd"
    for side in ("lh", "rh"):
        (folder / f"stats/{side}.aparc.stats").write_text(f"{parcels}\ncuneus 100 900 2000 2.1 0.5 0.1 0.1 1 1\n")
    return folder


def test_measures_are_held_against_stats_of_the_scan(study, tmp_path, request):
    """Folders of results, by the reader that knows them; two people's swapped."""
    sizes = {"s00": 20000.0, "s20": 21000.0, "s53": 22000.0}
    rows = [
        {"participant_id": who, "session_id": "baseline", "file": str(aseg(tmp_path / who, **{"Brain-Stem": size})), "sha256": "x"}
        for who, size in sizes.items()
    ]  # fmt: skip
    write("features/inputs.tsv", pd.DataFrame(rows), study.root / "features/inputs.tsv")
    measures = read("features/measures.tsv", study.root / "features/measures.tsv")
    measures = measures[measures["participant_id"].isin(sizes)].assign(brainstem=list(sizes.values()), etiv=1.4e6)
    rule = "measures are those of the scan's own files"
    with_files = Study(study.root, ("MS",), biomarkers=request.config.rootpath / "resources/biomarkers.tsv", cord=False)
    write("features/measures.tsv", measures, study.root / "features/measures.tsv")
    assert run_checks(with_files, [rule])["problems"].sum() == 0  # the head size was given, and is no problem
    measures["brainstem"] = measures["brainstem"].to_numpy()[::-1]
    write("features/measures.tsv", measures, study.root / "features/measures.tsv")
    with pytest.raises(CheckError, match="brainstem is 22000, and 20000 by what it is made of"):
        run_checks(dataclasses.replace(with_files, known={}), [rule])


def test_measures_are_held_against_tables_of_many_people(study, tmp_path, request):
    """A table of SynthSeg and one of the Spinal Cord Toolbox, rows in another order, with a follow-up scan each."""
    who = ["s00", "s20", "s53"]
    volumes = pd.DataFrame({"subject": [*who[::-1], "s20_ses-02"], "total intracranial": 1.5e6})
    volumes["brain-stem"] = [22000.0, 21000.0, 20000.0, 19000.0]
    volumes.to_csv(tmp_path / "volumes.csv", index=False)
    areas = pd.DataFrame(
        {"Filename": [f"/d/{w}/t2.nii.gz" for w in who], "VertLevel": 2, "MEAN(area)": [70.0, 71.0, 72.0]}
    )
    areas.iloc[::-1].to_csv(tmp_path / "cord.csv", index=False)
    measures = read("features/measures.tsv", study.root / "features/measures.tsv")
    measures = measures[measures["participant_id"].isin(who)].assign(
        brainstem=[20000.0, 21000.0, 22000.0], cord_csa=[70.0, 71.0, 72.0]
    )
    rule = "measures are those of the tables that hold them"
    given = {"biomarkers": request.config.rootpath / "resources/biomarkers.tsv", "cord_levels": (2,)}
    tables = {"volume_tables": (tmp_path / "volumes.csv",), "sct": tmp_path / "cord.csv"}

    def checked(**changed):
        write("features/measures.tsv", measures.assign(**changed), study.root / "features/measures.tsv")
        return run_checks(Study(study.root, ("MS",), **given, **tables), [rule])["problems"].sum()

    assert checked() == 0
    assert checked(brainstem=[20000.0, 19000.0, 22000.0]) == 0  # another session of the same person is the first
    with pytest.raises(CheckError, match="brainstem is 22000, and 20000 by what it is made of"):
        checked(brainstem=[22000.0, 21000.0, 20000.0])
    with pytest.raises(CheckError, match="cord_csa is 72, and 70 by what it is made of"):
        checked(cord_csa=[72.0, 71.0, 70.0])


def test_models_of_another_fold_are_noticed(study):
    at = study.root / "sustain/MS/k2"
    a, b = at / "fold0/model.npz", at / "fold1/model.npz"
    first = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(first)
    with pytest.raises(CheckError, match="it was fitted for fold 1"):
        run_checks(study, ["out-of-fold labels are from the model that has not seen the person"])
    grown = SustainModel.load(a)
    grown.settings["n_people"] = 14
    grown.save(a)
    with pytest.raises(CheckError, match="it was fitted to 14 people; 7 are outside its fold"):
        run_checks(study, ["out-of-fold labels are from the model that has not seen the person"])


def test_the_page_shows_what_the_tables_say(study):
    page = study.root / "report/index.html"
    page.write_text(page.read_text().replace("1.6", "1.7", 1))
    with pytest.raises(
        CheckError, match=r"report/index.html, clinical/MS/associations.tsv, row 1 \(outcome o, estimate 1.7"
    ):
        run_checks(study, [PAGE])


def test_a_page_that_cannot_be_mailed_is_named(study, monkeypatch):
    size = (study.root / "report/index.html").stat().st_size
    monkeypatch.setattr("neuraxis.report.views.MOST_PAGE", size)
    assert run_checks(study, OF_PAGE)["rule"].tolist() == list(OF_PAGE)
    monkeypatch.setattr("neuraxis.report.views.MOST_PAGE", size - 1)
    with pytest.raises(
        CheckError,
        match=r"report/index.html, the file: has 0.0 MB, more than 0.*largest in it: .*the page can be mailed",
    ) as refused:
        run_checks(study, OF_PAGE)
    # no table is wrong, none is to be deleted; settings that exist are named
    words = str(refused.value)
    assert "too large to be mailed" in words and "cannot be;" not in words and "delete" not in words
    known = Settings.__dataclass_fields__
    assert {n.split(".")[0] for n in re.findall(r"\b[a-z]+\.[a-z_]+\b", SMALLER)} <= set(known)
    for name in (
        "clinical.outcomes",
        "sustain.variants",
        "sustain.leave_site_out",
        "clinical.treatment",
        "cohort.diseases",
    ):
        section, key = name.split(".")
        assert name in words and key in (workflow_home() / "config.yaml").read_text().partition(f"\n{section}:")[2]
    page = study.root / "report/index.html"
    page.write_text(page.read_text().replace("1.6", "1.7", 1))
    with pytest.raises(
        CheckError, match=r"(?s)results that cannot be.*estimate 1.7.*too large to be mailed.*the file: has"
    ):
        run_checks(study, OF_PAGE)


def test_a_table_of_the_page_that_is_compared_with_nothing_is_named(study):
    page = study.root / "report/index.html"
    page.write_text(page.read_text().replace('id="t-MS-clinical-associations"', 'id="t-MS-associations"'))
    with pytest.raises(CheckError, match="MS-associations.*none of the study's"):
        run_checks(study, [PAGE])


def test_the_page_calls_biomarkers_by_their_labels(study, tmp_path):
    columns = "biomarker\tlabel\tkind\tlabels\tunit\tdirection\tplausible_low\tplausible_high\tsystem\n"
    (tmp_path / "defined.tsv").write_text(columns + "a\tFirst one\ttable\tn/a\tmm\tfall\tn/a\tn/a\tn/a\n")
    page, labelled = study.root / "report/index.html", Study(study.root, ("MS",), biomarkers=tmp_path / "defined.tsv")
    order = study.table("sustain/MS/event_order.tsv")[["subtype", "biomarker", "mean_position"]]

    def shown(table):
        body = json.dumps({"columns": list(table), "rows": table.to_numpy().tolist()})
        page.write_text(f'<script type="application/json" id="t-MS-event-order">{body}</script>')

    shown(order.assign(biomarker=order["biomarker"].replace({"a": "First one"})))
    assert run_checks(labelled, [PAGE])["problems"].sum() == 0
    shown(order.assign(biomarker=order["biomarker"].replace({"a": "Another"})))
    with pytest.raises(CheckError, match="biomarker Another.*a row that the table has not"):
        run_checks(labelled, [PAGE])


def test_the_page_calls_subtypes_by_their_names_and_biomarkers_by_their_families(study, tmp_path):
    """Where the study has said its configuration, as every finished one has."""
    columns = "biomarker\tlabel\tkind\tlabels\tunit\tdirection\tplausible_low\tplausible_high\tsystem\n"
    (tmp_path / "defined.tsv").write_text(columns + "a\tFirst one\ttable\tn/a\tmm\tfall\tn/a\tn/a\tn/a\n")
    config = {"features": {}, "sustain": {}, "clinical": {"outcomes": []}}
    (study.root / "provenance.json").write_text(json.dumps({"config": config}))
    told = Study(study.root, ("MS",), biomarkers=tmp_path / "defined.tsv")
    names = study.table("sustain/MS/names.tsv").set_index("subtype")["name"].to_dict()
    order = study.table("sustain/MS/event_order.tsv")[["subtype", "biomarker", "mean_position"]]
    assert len(set(names.values())) == 2

    def shown(subtypes):
        table = order.assign(
            subtype=order["subtype"].map(subtypes), biomarker=order["biomarker"].replace({"a": "First one"})
        )
        body = json.dumps({"columns": list(table), "rows": table.to_numpy().tolist()})
        page = f'<script type="application/json" id="t-MS-event-order">{body}</script>'
        (study.root / "report/index.html").write_text(page)
        return run_checks(told, [PAGE])["problems"].sum()

    assert shown(names) == 0
    with pytest.raises(CheckError, match="a row that the table has not"):
        shown({1: names[2], 2: names[1]})  # swapped
    (study.root / "provenance.json").unlink()
    with pytest.raises(CheckError, match="a row that the table has not"):
        shown(names)  # nothing is known of the page's words


def test_absent_and_undeclared_tables_are_named(study):
    with pytest.raises(CheckError, match=r"clinical/MS/table1.tsv, all rows: there is no such table"):
        run_checks(study, ["tables are as declared"])
    for declared in TABLES.values():
        path = study.root / declared.path.replace("/D/", "/MS/")
        if declared.always and not path.exists():
            columns = [c.name for c in declared.columns if not c.many]
            write_table(pd.DataFrame(columns=columns), path)
    assert run_checks(Study(study.root, ("MS",)), ["tables are as declared"])["problems"].sum() == 0
    spoil(study, "features/qc.tsv", lambda t: t.insert(0, "mood", 1))
    with pytest.raises(CheckError, match="features/qc.tsv, somewhere: column mood is not declared"):
        run_checks(Study(study.root, ("MS",)), ["tables are as declared"])


def test_benjamini_hochberg_by_hand():
    assert benjamini_hochberg(np.array([0.04, 0.01, 0.03, 0.9])) == pytest.approx([0.16 / 3, 0.04, 0.16 / 3, 0.9])


def test_without_diseases_nothing_is_asked_of_what_comes_after_the_norms(tmp_path):
    (tmp_path / "cohort").mkdir()
    with pytest.raises(CheckError) as error:
        run_checks(Study(tmp_path, ()), ["tables are as declared"])
    assert "cohort/flow.tsv" in str(error.value)
    assert "clinical/" not in str(error.value) and "sustain/" not in str(error.value)
    with pytest.raises(CheckError, match="sustain/MS/sizes.tsv"):
        run_checks(Study(tmp_path, ("MS",)), ["tables are as declared"])


@pytest.mark.parametrize(
    ("rule", "path", "column"),
    [
        ("z come out again", "normative/zscores.tsv", "a"),
        ("z come out again", "normative/followup.tsv", "a"),
        ("out-of-fold labels", S + "subtypes.tsv", "oof_expected_stage"),
        ("out-of-fold labels", S + "subtypes.tsv", "p_healthy"),
        ("out-of-fold labels", S + "heldout.tsv", "k2"),
    ],
)
def test_numbers_made_again_may_differ_by_a_thousandth_and_two_thousandths(study, rule, path, column):
    """The largest of the patients' numbers, a twentieth within and a thirtieth beyond what is allowed."""
    name = next(r for r in RULES if rule in r)
    frame = study.table(path)
    patients = frame[frame["participant_id"] < "s14"][column]
    at = patients.abs().idxmax()
    value = patients[at]
    assert abs(value) > 0.5  # so that either part of the tolerance is felt
    for share, named in ((0.95, False), (1.03, True)):
        spoil(study, path, to(column, at, value - share * (1e-3 * abs(value) + 2e-3)))
        found = list(CHECKS[name](Study(study.root, ("MS",), n_some=14)))
        assert [p.words.partition(" is")[0] for p in found] == [column] * named
