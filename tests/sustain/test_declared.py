"""Biomarkers of every family as a study declares them: definitions, events, measures, norms, new people."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.biomarkers import ordinal_of, read_biomarkers
from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.features.combine import combine
from neuraxis.normative.study import normative_tables
from neuraxis.sustain import MixedEvents, OrdinalEvents, ZScoreEvents, declared_events, events_from_dict, fit
from neuraxis.sustain.naming import systems_of

HEAD = "biomarker\tlabel\tkind\tlabels\tunit\tdirection\tplausible_low\tplausible_high\tsystem\tfamily\tthresholds\taccuracy"
ROWS = {
    "thalamus": "thalamus\tThalamus\tlabels\t10,49\tmm3\tfall\t5000\t30000\tsubcortical\tn/a\t1,2\tn/a",
    "frontal": "frontal\tFrontal\ttable\tn/a\tmm3\tfall\t50000\t300000\tcortical\tzscore\tn/a\tn/a",
    "nfl": "nfl\tNfL\tcolumn\tNfL (pg/ml)\tpg/ml\trise\t0.1\t1000\tn/a\tmixture\tn/a\tn/a",
    "gait": "gait\tGait\tcolumn\tn/a\tscore\trise\t0\t3\tn/a\tordinal\t0,1,3\t0.8",
    "mmse": "mmse\tMMSE\tcolumn\tn/a\tscore\tfall\t0\t30\tn/a\tordinal\t30,28,25\tn/a",
}
RULE = {"thresholds": [3, 1, 2], "choose_thresholds": True, "min_people": 2, "z_max": 5.0}


def definitions(tmp_path, *rows, head=HEAD):
    path = tmp_path / "biomarkers.tsv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return read_biomarkers(path)


def test_definitions_of_every_family(tmp_path):
    table = definitions(tmp_path, *ROWS.values()).set_index("biomarker", drop=False)
    assert table["family"].tolist() == ["zscore", "zscore", "mixture", "ordinal", "ordinal"]
    assert table["thresholds"].tolist() == [[1.0, 2.0], [], [], [0.0, 1.0, 3.0], [30.0, 28.0, 25.0]]
    assert table["accuracy"].tolist() == [0.9, 0.9, 0.9, 0.8, 0.9]
    assert table["labels"].tolist() == [[10, 49], [], ["NfL (pg/ml)"], ["gait"], ["mmse"]]
    assert ordinal_of(table) == ["gait", "mmse"]


def test_definitions_without_families_are_z_scores(tmp_path):
    short = "\t".join(HEAD.split("\t")[:9])
    row = "\t".join(ROWS["thalamus"].split("\t")[:9])
    table = definitions(tmp_path, row, head=short)
    assert table["family"].tolist() == ["zscore"] and table["thresholds"].tolist() == [[]]
    assert ordinal_of(table) == []


@pytest.mark.parametrize(
    ("name", "column", "value", "words"),
    [
        (
            "nfl",
            "family",
            "gaussian",
            "nfl: family must be one of zscore, mixture, mixture_kde, ordinal, not 'gaussian'",
        ),
        ("gait", "thresholds", "n/a", "gait: thresholds must hold its scores from normal to worst"),
        ("gait", "thresholds", "0,1,1", "gait: thresholds must be finite and different from one another"),
        ("gait", "thresholds", "0,one", "gait: thresholds must be numbers separated by commas, not '0,one'"),
        ("gait", "accuracy", "1.5", "gait: accuracy must be a probability between 0 and 1"),
        ("nfl", "thresholds", "1", "nfl: of family mixture, so it has one event"),
        ("thalamus", "thresholds", "2,1", "thalamus: thresholds must rise"),
        ("thalamus", "thresholds", "0,1", "thalamus: thresholds of z must be above 0"),
    ],
)
def test_wrong_families_are_refused_by_name(tmp_path, name, column, value, words):
    cells = ROWS[name].split("\t")
    cells[HEAD.split("\t").index(column)] = value
    with pytest.raises(InputError, match="biomarkers.tsv") as error:
        definitions(tmp_path, *(ROWS | {name: "\t".join(cells)}).values())
    assert words in str(error.value)


def people(n=60):
    """z of two regions, a marker that is high in the last third, and scores."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame(
        {
            "gait": rng.choice([0.0, 1.0, 3.0], n),
            "frontal": np.linspace(-1, 1.4, n),
            "nfl": np.where(np.arange(n) >= 40, 6.0, 0.0) + rng.normal(0, 1, n),
            "thalamus": np.linspace(0, 3.5, n),
            "mmse": rng.choice([30.0, 28.0, 25.0], n),
        },
        index=[f"p{i}" for i in range(n)],
    )
    X.loc["p3", ["gait", "nfl"]] = np.nan
    controls = pd.DataFrame(rng.normal(0, 1, (50, 5)), columns=list(X.columns)).assign(gait=0.0, mmse=30.0)
    return X, controls


def test_events_of_every_family_by_hand(tmp_path):
    X, controls = people()
    events, table = declared_events(X, **RULE, definitions=definitions(tmp_path, *ROWS.values()), controls=controls)
    assert isinstance(events, MixedEvents)
    assert events.names == [
        "frontal z>=1", "thalamus z>=1", "thalamus z>=2", "nfl abnormal", "gait score>=1", "mmse score<=28",
        "gait score>=3", "mmse score<=25",
    ]  # fmt: skip
    assert events.families == {"frontal": "zscore", "thalamus": "zscore", "nfl": "mixture"} | dict.fromkeys(
        ("gait", "mmse"), "ordinal"
    )
    rows = table.set_index(["biomarker", "threshold"])
    assert (
        rows["kept"].to_dict()["frontal", 2.0] is False
        and rows["kept"].drop(index=[("frontal", 2), ("frontal", 3)]).all()
    )
    assert ("thalamus", 3.0) not in rows.index  # of its own thresholds, not the study's
    assert rows.at[("thalamus", 2.0), "n_people"] == (X["thalamus"] >= 2).sum()
    assert (
        rows.at[("gait", 1.0), "n_people"] == (X["gait"] >= 1).sum()
        and rows.at[("gait", 3.0), "n_people"] == (X["gait"] == 3).sum()
    )
    assert rows.at[("mmse", 28.0), "n_people"] == (X["mmse"] <= 28).sum()
    assert rows.at[("nfl", 1.0), "n_people"] == 20
    again = events_from_dict(events.to_dict())
    assert again.names == events.names
    # accuracy: the probability of the right score, the rest spread over the others
    ordinal = events.parts[-1]
    assert ordinal.probabilities[0][0].tolist() == pytest.approx([0.8, 0.1, 0.1])


def test_one_family_alone_and_no_event_of_z(tmp_path):
    X, controls = people()
    plain, table = declared_events(X[["thalamus", "frontal"]], **RULE)
    assert isinstance(plain, ZScoreEvents) and set(table["family"]) == {"zscore"}
    assert list(table["threshold"]) == [1, 2, 3] * 2
    some = definitions(tmp_path, *ROWS.values())
    calm = X.assign(thalamus=0.0, frontal=0.0)[["thalamus", "frontal", "gait"]]
    events, table = declared_events(calm, **RULE, definitions=some)
    assert isinstance(events, OrdinalEvents) and not table.loc[table["family"] == "zscore", "kept"].any()
    with pytest.raises(InputError, match="no biomarker has 2 people"):
        declared_events(calm[["thalamus", "frontal"]], **RULE, definitions=some)
    fixed = declared_events(X[["frontal", "thalamus"]], **RULE | {"choose_thresholds": False}, definitions=some)[0]
    assert fixed.thresholds == ((1.0, 2.0, 3.0), (1.0, 2.0))
    with pytest.raises(InputError, match="mixture need the controls"):
        declared_events(X, **RULE, definitions=some)
    strange = controls[["thalamus", "gait"]].assign(gait=5.0)
    with pytest.raises(InputError, match="gait has scores 0, 1, 3, but the data 5 of 0"):
        declared_events(X[["thalamus", "gait"]], **RULE, definitions=some, controls=strange)
    with pytest.raises(InputError, match="gait has scores 0, 1, 3, but the data 2 of p7"):
        declared_events(
            X.assign(gait=X["gait"].where(X.index != "p7", 2.0)), **RULE, definitions=some, controls=controls
        )


def test_a_marker_that_parts_nobody_is_left_out_of_the_chosen(tmp_path):
    X, controls = people()
    some = definitions(tmp_path, *ROWS.values())
    for nfl, words in (
        (X["thalamus"] * 0 + controls["nfl"].mean(), "nfl is left out"),
        (-X["nfl"], "on the healthy side"),
    ):
        changed = X.assign(nfl=nfl)
        with pytest.warns(NeuraxisWarning, match=words):
            events, table = declared_events(changed, **RULE, definitions=some, controls=controls)
        assert "nfl" not in events.biomarkers and "gait" in events.biomarkers
        assert table.set_index("biomarker").loc["nfl", ["kept", "n_people"]].tolist() == [False, 0]
        with pytest.raises(InputError, match="nfl"):
            declared_events(changed, **RULE | {"choose_thresholds": False}, definitions=some, controls=controls)
    with pytest.raises(InputError, match="no biomarker keeps an event: .*healthy side"), pytest.warns(NeuraxisWarning):
        declared_events(-X[["nfl"]], **RULE, definitions=some, controls=controls)


def test_a_subtype_is_named_by_the_first_event_of_a_falling_score():
    order = pd.DataFrame({"subtype": 1, "biomarker": ["mmse", "mmse", "thalamus"], "threshold": [28.0, 25.0, 1.0],
                          "mean_position": [1.0, 9.0, 4.0]})  # fmt: skip
    assert systems_of(order, pd.Series({"mmse": "cognition", "thalamus": "subcortical"})) == {1: "cognition"}


def table_of(tmp_path, n=8):
    rows = [f"s{i},1500000,{15000 + 100 * i},{150000 + 1000 * i}" for i in range(n)]
    path = tmp_path / "measures.csv"
    path.write_text("participant_id,etiv,thalamus,frontal\n" + "\n".join(reversed(rows)) + "\n")
    return path


def test_participants_columns_become_biomarkers_by_id(tmp_path, request):
    defined = definitions(tmp_path, *ROWS.values())
    who = pd.DataFrame(
        {
            "participant_id": [f"s{i}" for i in range(8)],
            "group": ["HC"] * 4 + ["MS"] * 4,
            "site": "one",
            "gait": [0, 0, 0, 0, 3, 1, np.nan, 3],
            "mmse": [30, 30, 28, 30, 25, 28, 30, 25],
            "NfL (pg/ml)": [8.0, 9, 10, 11, 30, 31, 32, 33],
        }
    )
    sessions = pd.DataFrame(columns=["participant_id", "session_id", "years"])
    options = {
        "source": "table",
        "measures": [table_of(tmp_path)],
        "label_names": request.config.rootpath / "resources/labels.tsv",
    }
    got = combine(who, sessions, defined, **options)
    table = got.measures.set_index("participant_id")
    assert table.loc["s4", ["thalamus", "nfl", "gait", "mmse"]].tolist() == [15400, 30, 3, 25]
    assert np.isnan(table.at["s6", "gait"]) and table["nfl"].sort_index().tolist() == who["NfL (pg/ml)"].tolist()
    assert not got.qc["biomarker"].isin(["gait", "mmse"]).any()
    with pytest.raises(
        InputError, match=r"participants \(and cohort.phenotype\) have no column NfL \(pg/ml\) \(of nfl\)"
    ):
        combine(who.drop(columns="NfL (pg/ml)"), sessions, defined, **options)
    unused = combine(who.drop(columns="NfL (pg/ml)"), sessions, defined, use=["thalamus", "gait"], **options)
    assert list(unused.measures) == ["participant_id", "etiv", "thalamus", "gait"]
    low = combine(who.assign(**{"NfL (pg/ml)": [0.05, *[9.0] * 7]}), sessions, defined, **options)  # no slip of unit
    assert low.measures.set_index("participant_id").at["s0", "nfl"] == 0.05
    with pytest.raises(InputError, match="gait: no number: .*s5"):
        combine(who.assign(gait=[0, 0, 0, 0, 3, "slow", 1, 3]), sessions, defined, **options)


def cohort():
    """60 people: a marker that grows with age and not with the head, and a score."""
    n = 60
    rng = np.random.default_rng(2)
    people = pd.DataFrame(
        {
            "participant_id": [f"s{i}" for i in range(n)],
            "group": ["HC"] * 40 + ["MS"] * 20,
            "age": rng.uniform(20, 60, n),
            "sex": ["M", "F", "F"] * 20,
            "site": "one",
        }
    )
    etiv = rng.normal(1.5e6, 1e5, n)
    measures = pd.DataFrame({"participant_id": people["participant_id"], "etiv": etiv})
    measures["thalamus"] = 0.01 * etiv + rng.normal(0, 500, n)
    measures["frontal"] = 0.1 * etiv + rng.normal(0, 5000, n)
    measures["nfl"] = 5 + 0.1 * people["age"] + rng.normal(0, 1, n) + np.where(people["group"] == "MS", 8, 0)
    measures["gait"] = np.where(people["group"] == "MS", 3.0, 0.0)
    measures["mmse"] = 30.0
    return people, measures


NORMS = {"age": "linear", "age_by_sex": False, "head_size": "covariate", "site": "none", "folds": 4}


def test_scores_go_into_the_model_as_they_are_and_have_no_norm(tmp_path):
    people_, measures = cohort()
    defined = definitions(tmp_path, *ROWS.values())
    later = pd.DataFrame({"participant_id": ["s50"], "session_id": ["ses-2"], "years": [2.0], "etiv": [1.5e6],
                          "thalamus": [15000.0], "frontal": [150000.0], "nfl": [np.nan]})  # fmt: skip
    made = normative_tables(measures, people_, later, defined, NORMS, control="HC")
    assert list(made.zscores.columns) == ["participant_id", "group", "thalamus", "frontal", "nfl"]
    assert list(made.values.columns) == [*made.zscores.columns, "gait", "mmse"]
    assert made.values.drop(columns=["gait", "mmse"]).equals(made.zscores)
    values = made.values.set_index("participant_id")
    assert values.loc["s59", "gait"] == 3 and values.loc["s1", "gait"] == 0
    assert set(made.norms.models) == {"thalamus", "frontal", "nfl"} and "gait" not in made.followup
    assert made.norms.settings["nfl"].head_size == "none" and made.norms.settings["thalamus"].head_size == "covariate"
    # the marker needs no head size
    no_size = measures.assign(etiv=measures["etiv"].where(measures["participant_id"] != "s55"))
    z = normative_tables(no_size, people_, later, defined, NORMS, control="HC").zscores.set_index("participant_id")
    assert np.isnan(z.at["s55", "thalamus"]) and z.at["s55", "nfl"] == pytest.approx(
        made.zscores.set_index("participant_id").at["s55", "nfl"]
    )
    own = NORMS | {"overrides": {"nfl": {"head_size": "covariate"}}}
    assert (
        normative_tables(measures, people_, later, defined, own, control="HC").norms.settings["nfl"].head_size
        == "covariate"
    )
    only = defined[defined["family"] == "ordinal"]
    with pytest.raises(InputError, match="no biomarker has a norm: all are ordinal"):
        normative_tables(measures[["participant_id", "etiv", "gait"]], people_, later, only, NORMS, control="HC")


def test_a_new_person_is_placed_with_scores_and_marker(tmp_path):
    from neuraxis.newpeople.place import stage
    from neuraxis.newpeople.shared import REFERENCE, SharedModel, open_model

    people_, measures = cohort()
    defined = definitions(tmp_path, *ROWS.values())
    made = normative_tables(
        measures, people_, measures.iloc[:0].assign(session_id="", years=1.0), defined, NORMS, control="HC"
    )
    values = made.values.set_index("participant_id")
    sick, controls = values[values["group"] == "MS"], values[values["group"] == "HC"]
    used = ["thalamus", "frontal", "nfl", "gait"]
    events, _ = declared_events(
        sick[used], **RULE | {"choose_thresholds": False}, definitions=defined, controls=controls
    )
    model = fit(sick, events, 1, covariance="independent", n_startpoints=1, n_samples=50, n_chains=1, n_draws=10)
    card = {"title": "t", "simulated": False, "diseases": {"MS": {}}, "age_range": [20, 60]}
    rules = {"exclude_rules": [], "cord_levels": [1], "missing": "keep", "source": "table", "outlier_limit": 5.0}
    rules |= {"qc_score_min": 0.65, "sct_select": "", "sct_repeats": "refuse"}
    some = defined[defined["biomarker"].isin(used)].reset_index(drop=True)
    shared = SharedModel(
        card, rules, some, made.norms, pd.DataFrame(columns=REFERENCE), {"MS": model}, {"MS": {1: "one"}}, {}
    )
    shared.check()
    shared.save(tmp_path / "a.neuraxis")
    again = open_model(tmp_path / "a.neuraxis")
    assert again.biomarkers.set_index("biomarker").at["gait", "thresholds"] == [0.0, 1.0, 3.0]
    row = measures.set_index("participant_id").loc[["s55"]].rename(index={"s55": "new"})
    about = people_.set_index("participant_id").loc["s55"]
    placed = stage(again, table=row, participant_id="new", age=about["age"], sex=about["sex"])
    want = model.assign(sick.loc[["s55"]])
    assert placed.table["p_healthy"].iloc[0] == pytest.approx(want["p_healthy"].iloc[0], abs=1e-9)
    assert placed.table["stage"].iloc[0] == want["stage"].iloc[0]
    two = pd.concat([row, row.rename(index={"new": "odd"}).assign(gait=2.0)])
    both = pd.DataFrame({"participant_id": ["new", "odd"], "age": about["age"], "sex": about["sex"]})
    one = stage(again, table=two, people=both)
    assert (
        one.table["participant_id"].tolist() == ["new"] and "gait has scores 0, 1, 3" in one.refused["reason"].iloc[0]
    )
    lacking = stage(again, table=row.drop(columns="gait"), participant_id="new", age=about["age"], sex=about["sex"])
    assert any("left out of the staging: Gait" in n for n in lacking.notes["new"])
    calm = stage(again, table=row.assign(gait=0.0), participant_id="new", age=about["age"], sex=about["sex"])
    assert calm.table["p_healthy"].iloc[0] > placed.table["p_healthy"].iloc[0]
    assert "gait" not in placed.z and "new" in placed.page("new")
