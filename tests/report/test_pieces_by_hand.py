"""Pieces of the page and of the people's page on a few rows made by hand."""

import hashlib
import io
import json
import subprocess
from base64 import b64decode

import numpy as np
import pandas as pd
import pytest
from facts_of import association, diagnostics, disease, names, people, selection, study
from PIL import Image

from neuraxis import __version__
from neuraxis.labels import NORMAL
from neuraxis.report import page, sentences, views
from neuraxis.report import people as people_page
from neuraxis.report.checklists import answered
from neuraxis.report.facts import Tables, below_results, column_in_words
from neuraxis.report.methods import methods_text
from neuraxis.report.provenance import PACKAGES, commit_of, dataset_description, provenance

# ---------------------------------------------------------------- cells and tables


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (np.nan, ""), (pd.NA, ""), ("", ""), ("nan", "nan"), (True, "yes"), (np.bool_(False), "no"),
        (7, "7"), (9999, "9999"), (10000, "10,000"), (-9999, "-9999"), (-10000, "-10,000"), (np.int64(12345), "12,345"),
        (np.uint8(200), "200"), (2015.0, "2015"), (9999.0, "9999"), (10000.0, "10,000"), (-12345.0, "-12,345"),
        (0.12345, "0.123"), (12.345, "12.3"), (999.4, "999"), (999.6, "1,000"), (-1234.5, "-1,234"), (-999.6, "-1,000"),
        (1e15, "1,000,000,000,000,000"), (1.5e-7, "1.5e-07"),
    ],
)  # fmt: skip
def test_cells_as_they_are_shown(value, shown):
    assert views.cell(value) == shown


def test_a_whole_number_among_others_is_written_as_they_are():
    assert [views.cell(v, False) for v in (999.0, 1000.0, 9999.0, -1000.0)] == ["999", "1,000", "9,999", "-1,000"]
    assert [views.cell(v, False) for v in (1000, 12345)] == ["1000", "12,345"]
    assert views.whole([1.0, 2, None, "x"]) and views.whole([]) and not views.whole([1.0, 2.5])


def test_values_for_json():
    values = [None, np.nan, True, np.bool_(False), np.int64(3), 1.23456789, np.float32(0.5), "text", 1234567.0]
    assert [views.plain(v) for v in values] == [None, None, "yes", "no", 3, 1.23457, 0.5, "text", 1234570.0]
    assert isinstance(views.plain(np.int64(3)), int)
    assert str(views.as_json({"a": "</script>&\u2028\u2029é"})) == '{"a":"\\u003c/script\\u003e\\u0026\\u2028\\u2029é"}'


def test_a_table_of_as_many_cells_as_may_stand_open_does(monkeypatch):
    monkeypatch.setattr(views, "MOST_CELLS", 6)
    store = views.TableStore()
    six, seven = pd.DataFrame({"x": [1, 2, 3], "y": 4}), pd.DataFrame({"x": range(7)})
    assert str(views.any_table(store, "six", six, "c", "a <note>")).startswith("<p>a &lt;note&gt;</p><div")
    folded = str(views.any_table(store, "seven", seven, "c", "a <note>"))
    assert (
        folded.startswith('<details class="fold" data-table="seven">') and "</summary><p>a &lt;note&gt;</p>" in folded
    )
    assert "<p>" not in str(views.any_table(store, "seven", seven, "c")) and list(store.tables) == ["seven"]
    assert views.folded_table(store, "none", seven[:0], "c") == "" and "none" not in store.tables
    assert "(1 row)" in str(views.folded_table(store, "one", seven[:1], "c"))


def test_the_first_to_keep_a_table_decides_how_it_is_shown():
    store = views.TableStore()
    assert store.add("MS/clinical maps", pd.DataFrame({"n_group": [1]})) == "MS-clinical-maps"
    store.add("MS/clinical maps", pd.DataFrame({"n_group": [2]}))
    assert store.tables["MS-clinical-maps"] == {"columns": ["n_group"], "words": ["people in the group"], "rows": [[1]]}


def test_a_cell_of_forty_characters_is_short_and_one_more_is_long():
    table = pd.DataFrame({"k": ["a", "b"], "why": ["x" * 40, "y" * 41]})
    made = str(views.static_table(table, "t"))
    assert f"<td>{'x' * 40}</td>" in made and f'<td class="long">{"y" * 41}</td>' in made


@pytest.mark.parametrize(("dpi", "size", "pixels"), [(300, (600, 300), (300, 150)), (150, (90, 60), (90, 60)), (75, (60, 30), (60, 30))])  # fmt: skip
def test_pictures_are_made_smaller_and_never_larger(tmp_path, dpi, size, pixels):
    Image.new("RGB", size, "red").save(tmp_path / "a.png", dpi=(dpi, dpi))
    source, inches = views.picture(tmp_path / "a.png")
    with Image.open(io.BytesIO(b64decode(source.partition(";base64,")[2]))) as shown:
        assert shown.size == pixels
    assert inches == pytest.approx(size[0] / dpi, rel=1e-3)


def test_a_picture_without_a_resolution_has_that_of_print(tmp_path):
    Image.new("RGB", (900, 300)).save(tmp_path / "a.png")
    assert views.picture(tmp_path / "a.png")[1] == 3


# ---------------------------------------------------------------- the flow of people


def test_the_flow_of_groups_in_order_without_rows_of_nobody():
    steps = [
        ("listed", "RIS", 3, 0), ("listed", "MS", 104, np.nan), ("listed", "HC", 60, 0), ("strangers", np.nan, 5, 5),
        ("complete", "MS", 101, 3), ("complete", "HC", np.nan, 1), ("last", "RIS", 0, 3),
    ]  # fmt: skip
    flow = pd.DataFrame(steps, columns=["step", "group", "n", "excluded"])
    boxes = views.flow_boxes(study(**{"cohort/flow": flow[:4], "features/flow": flow[4:]}))
    assert [b["group"] for b in boxes] == ["HC", "MS", "RIS"]
    assert boxes[0]["steps"] == [{"label": "listed", "n": 60, "excluded": 0}]
    assert boxes[2]["steps"] == [{"label": "listed", "n": 3, "excluded": 0}, {"label": "last", "n": 0, "excluded": 3}]
    assert [(s["label"], s["n"], s["excluded"]) for s in boxes[1]["steps"]] == [
        ("listed", 104, 0), ("complete", 101, 3), ("in the model", 100, 1), ("labelled out of fold", 100, 0)
    ]  # fmt: skip
    ends = boxes[1]["steps"][-1]["ends"]
    assert ends == [("normal-appearing", 20), ("spinal cord", 50), ("cortical", 30)]


def test_a_subtype_of_nobody_is_no_end_of_the_flow_and_nobody_enters_it_again():
    empty = disease(names=names((0, 80)), subtypes=people((0, 80)))
    steps = views.flow_boxes(study([empty]))[1]["steps"]
    assert steps[-1]["ends"] == [("normal-appearing", 20), ("spinal cord", 80)]
    more = disease(subtypes=people((40, 70)), names=names((40, 70)))  # 130 in the model, 100 listed
    assert views.flow_boxes(study([more]))[1]["steps"][-2]["excluded"] == 0


def test_reasons_of_exclusions_stand_at_the_step_of_the_quality_rules():
    flow = [
        {"group": "HC", "steps": [{"label": "quality rules", "excluded": 1}]},
        {"group": "MS", "steps": [{"label": "listed", "excluded": 2}, {"label": "quality rules", "excluded": 3}]},
        {"group": "RIS", "steps": [{"label": "quality rules", "excluded": 0}]},
    ]
    rows = [
        ("sub-000", "implausible", "excluded"), ("sub-000", "implausible", "excluded"), ("sub-001", "implausible", "excluded"),
        ("sub-001", "asymmetry", "excluded"), ("sub-002", "asymmetry", "flagged"), ("sub-159", "far", "excluded"),
    ]  # fmt: skip
    qc = pd.DataFrame(rows, columns=["participant_id", "rule", "decision"])
    told = page.reasons(study(**{"features/qc": qc}), flow)
    assert told[0]["steps"][0]["why"] == "far 1" and told[1]["steps"][1]["why"] == "implausible 2, asymmetry 1"
    assert "why" not in told[1]["steps"][0] and "why" not in told[2]["steps"][0]
    plain = [{"group": "MS", "steps": [{"label": "quality rules", "excluded": 1}]}]
    assert page.reasons(study(), plain) == [{"group": "MS", "steps": [{"label": "quality rules", "excluded": 1}]}]


# ---------------------------------------------------------------- the page


def test_the_first_line_counts_groups_sites_and_ages():
    listed = study().tables["cohort/participants"].assign(age=[20.4, 61.6] * 80)
    assert page.lead(study(**{"cohort/participants": listed})).startswith(
        "100 with MS and 60 controls (HC) from 2 sites, aged 20 to 62, "
    )
    assert page.lead(study(sites=("one site",))).startswith("100 with MS and 60 controls (HC), aged 40, ")
    alone = listed[listed["group"] == "HC"]
    assert page.lead(study([], sites=("a",), **{"cohort/participants": alone})).startswith(
        "60 controls (HC) from 2 sites"
    )


def test_portraits_have_the_colours_of_their_names_and_one_order_none():
    tints = {p["text"].partition(":")[0]: p["colour"] for p in page.portraits(disease())}
    assert set(tints) == {"Spinal cord", "Cortical"} and len(set(tints.values())) == 2 and all(tints.values())
    one = disease(selection=selection(1), names=names((80,), ("x",)), subtypes=people((80,)))
    assert [p["colour"] for p in page.portraits(one)] == [""]


def test_chapters_without_anything_are_left_out_and_follow_up_needs_scans(tmp_path):
    def part(**tables):
        store = views.TableStore()
        return page.disease_part(disease(**tables), tmp_path, store, page.Figures(store))

    plain = part()
    assert [c for c, _ in plain["chapters"]] == ["number", "subtypes", "trust", "nuisance", "clinical"]
    assert plain["id"] == "d-MS" and plain["tables"]["truth"] == [] and plain["lines"]["truth"] == []
    slopes = pd.DataFrame({"group": ["x"], "slope": [0.1]})
    absent = part(**{"clinical/slopes": slopes.assign(n_people=3, n_scans=4, low=0, high=1, quantity="stage")})
    assert "followup" not in dict(absent["chapters"])
    scanned = part(
        followup=pd.DataFrame({"participant_id": ["sub-001"]}),
        **{"clinical/slopes": slopes.assign(n_people=3, n_scans=4, low=0, high=1, quantity="stage")},
    )
    assert dict(scanned["chapters"])["followup"] == "Follow-up" and len(scanned["tables"]["followup"]) == 1
    order = part(event_order=pd.DataFrame({"subtype": [1], "biomarker": ["thalamus"], "mean_position": [1.0]}))
    assert "order" in dict(order["chapters"])


def test_names_are_listed_most_people_first_without_their_rule(tmp_path):
    store = views.TableStore()
    part = page.disease_part(disease(), tmp_path, store, page.Figures(store))
    (table,) = part["tables"]["subtypes"]
    assert table.index("spinal cord") < table.index("cortical") and "a rule" not in table
    assert "Names: a rule." in part["lines"]["subtypes"]
    one = disease(selection=selection(1), names=names((80,), ("x",)), subtypes=people((80,)))
    alone = page.disease_part(one, tmp_path, store, page.Figures(store))
    assert alone["tables"]["subtypes"] == [] and "Names:" not in " ".join(alone["lines"]["subtypes"])
    assert dict(alone["chapters"])["subtypes"] == "People with atrophy"
    assert dict(part["chapters"])["subtypes"] == "Subtypes"


def test_the_summary_holds_what_is_sure_and_warns_of_nothing(tmp_path):
    store = views.TableStore()
    part = page.disease_part(disease(), tmp_path, store, page.Figures(store))
    assert [s.name for s in part["sure"]] == [
        "number_best",
        "healthy_people",
        "folds_agree",
        "how_many_staged",
        "how_sure",
    ]
    unsure = page.disease_part(disease(subtypes=people(sure=0.6)), tmp_path, store, page.Figures(store))
    assert "how_sure" not in [s.name for s in unsure["sure"]]


def test_the_simulated_truth_is_a_chapter_of_the_studys_own_cohort(tmp_path):
    found = pd.DataFrame({"quantity": ["subtype"], "people": ["staged"], "value": [0.9], "best_possible": [1.0]})
    store = views.TableStore()
    mine = page.disease_part(disease(simulated=True, recovery=found), tmp_path, store, page.Figures(store))
    assert dict(mine["chapters"])["truth"] == "Against the simulated truth" and len(mine["tables"]["truth"]) == 1
    assert mine["lines"]["truth"][0].startswith("Best possible:")
    other = page.disease_part(disease(recovery=found), tmp_path, store, page.Figures(store))
    assert "truth" not in dict(other["chapters"])


def test_quality_findings_are_counted_by_decision(tmp_path):
    rows = [(f"sub-{i:03d}", "r", d) for i, d in enumerate(["excluded", "flagged", "flagged", "flagged"])]
    qc = pd.DataFrame(rows, columns=["participant_id", "rule", "decision"])
    text = page.render(study(**{"features/qc": qc}), tmp_path, title="t", logs=tmp_path, people=False)
    assert "1 finding excluded somebody, 3 flag somebody who stays" in text
    one = page.render(study(**{"features/qc": qc[:2]}), tmp_path, title="t", logs=tmp_path, people=False)
    assert "1 finding excluded somebody, 1 flags somebody who stays" in one


def test_failed_checks_are_listed_and_passed_ones_are_not(tmp_path):
    checks = pd.DataFrame(
        {"harmonisation": ["before", "after", "after"], "passed": [False, False, True], "biomarker": ["thalamus", "cord_csa", "frontal"],
         "check": ["all", "sex", "all"], "part": ["x", "M", "y"], "n": [20, 30, 40], "mean": 0.4, "sd": 1.1, "why": "w", "p": 0.1}
    )  # fmt: skip
    s = study(**{"normative/diagnostics": checks})
    text = page.render(s, tmp_path, title="t", logs=tmp_path, people=False)
    held = json.loads(text.partition('id="t-norms-failed">')[2].partition("</script>")[0])
    assert held["rows"] == [["Cord area", "sex", "M", 30, 0.4, 1.1, "w"]] and "Checks that failed" in text
    passed = page.render(
        study(**{"normative/diagnostics": checks[2:]}), tmp_path, title="t", logs=tmp_path, people=False
    )
    assert "Checks that failed" not in passed


def test_two_diseases_are_compared_and_one_is_not(tmp_path):
    other = disease()
    object.__setattr__(other, "name", "NMOSD")
    tables = {f"sustain/crossdisease/{n}": pd.DataFrame() for n in ("projection_counts", "joint_diagnostics")}
    tables["sustain/crossdisease/similarity"] = pd.DataFrame(
        {
            "disease_a": "MS",
            "name_a": ["one", "two"],
            "disease_b": "NMOSD",
            "name_b": "x",
            "tau": [0.4, 0.2],
            "tau_chance": 0.1,
        }
    )
    tables["sustain/crossdisease/enrichment"] = pd.DataFrame(
        {"subtype": [1, 2], "name": ["cortical", "x"], "disease": "MS", "n": [70, 30], "share_of_staged": [0.7, 0.3], "p": 0.01}
    )  # fmt: skip
    both = page.render(study([disease(), other], **tables), tmp_path, title="t", logs=tmp_path, people=False)
    assert "Diseases compared" in both and "Likeness of event orders" in both
    assert "One joint model of all diseases" in both and "under the other's model" not in both


def test_what_has_one_value_by_definition_is_a_sentence_and_no_table(tmp_path):
    """One subtype of the joint model has everyone, and two orders have one likeness."""
    other = disease()
    object.__setattr__(other, "name", "NMOSD")
    tables = {
        "projection_counts": pd.DataFrame(),
        "joint_diagnostics": pd.DataFrame(),
        "similarity": pd.DataFrame(
            {"disease_a": ["MS"], "name_a": "with atrophy", "disease_b": "NMOSD", "name_b": "with atrophy", "tau": 0.4, "tau_chance": 0.1}
        ),
        "enrichment": pd.DataFrame(
            {"subtype": 1, "name": "x", "disease": ["MS", "NMOSD"], "n": [70, 1], "share_of_staged": 1.0, "odds_ratio": np.nan, "p": 1.0}
        ),
    }  # fmt: skip
    s = study([disease(), other], **{f"sustain/crossdisease/{k}": t for k, t in tables.items()})
    text = page.render(s, tmp_path, title="t", logs=tmp_path, people=False)
    part = text.partition('id="compared"')[2].partition("</section>")[0]
    assert "<table" not in part and "share" not in part
    assert "has one order, for everyone: 70 people with MS and 1 person with NMOSD are staged in it" in part
    told = "MS with atrophy and NMOSD with atrophy (tau 0.40); two random orders: 0.10."
    assert told in part and "have not converged" not in part
    unsure = disease(diagnostics=diagnostics(r_hat=1.2))
    object.__setattr__(unsure, "name", "NMOSD")
    s = study([disease(), unsure], **{f"sustain/crossdisease/{k}": t for k, t in tables.items()})
    text = page.render(s, tmp_path, title="t", logs=tmp_path, people=False)
    part = text.partition('id="compared"')[2].partition("</section>")[0]
    assert f"{told} The chains of NMOSD have not converged: the orders may change with more steps." in part


@pytest.mark.parametrize(("k", "there"), [(1, False), (2, True)])
def test_with_one_order_nothing_is_told_of_subtypes_that_holds_by_definition(tmp_path, k, there):
    """Its ARI is 0 and the probability of its only subtype 1, whoever the people are."""
    of = {"selection": selection(1), "names": names((80,), ("cortical",)), "subtypes": people((80,))} if k == 1 else {}
    calibration = pd.DataFrame(
        [
            {"labels": "out of fold", "quantity": q, "class": "all", "n": 80, "stated": 1.0, "observed": 0.4, "low": 0.3, "high": 0.5}
            for q in ("P(healthy)", "P(subtype), truly staged people")
        ]
    )  # fmt: skip
    recovery = pd.DataFrame({"quantity": ["subtype ARI, truly staged people", "stage Spearman correlation"], "n": 80, "out_of_fold": [0.0, 0.8]})  # fmt: skip
    d = disease(simulated=True, calibration=calibration, recovery=recovery, **of)
    s = study([d])
    text = page.render(type(s)(s.tables, s.config, s.diseases, s.biomarkers, {}, "HC", True), tmp_path, title="t", logs=tmp_path, people=False)  # fmt: skip
    assert ("subtype ARI" in text) == there and "stage Spearman correlation" in text
    assert ("P(subtype)" in text) == there and "P(healthy)" in text
    assert ("of the most probable subtype, in people who are truly staged" in text) == there


def test_scans_that_stay_in_one_group_have_no_table_of_changes(tmp_path):
    for target, there in (("with atrophy", False), ("normal-appearing", True)):
        rows = [
            ("with atrophy", "with atrophy", 5),
            ("with atrophy", target, 2),
            ("normal-appearing", "with atrophy", 0),
        ]
        moved = pd.DataFrame(rows, columns=["source", "target", "n"]).assign(share=0.5)
        followup = pd.DataFrame({"participant_id": ["sub-000"]})
        d = disease(followup=followup, **{"clinical/transitions": moved})
        text = page.render(study([d]), tmp_path, title="t", logs=tmp_path, people=False)
        assert ("Group to group" in text) == there
        assert ("All scans stand in one group (with atrophy): nobody is seen to change it." in text) != there


def test_a_figure_s_number_follows_its_place_and_the_summary_s_come_first():
    figures = page.Figures(views.TableStore())
    figures.shown = [{"first": False, "id": "a"}, {"first": True, "id": "b"}, {"first": False, "id": "c"}]
    figures.number()
    assert {f["id"]: f["number"] for f in figures.shown} == {"b": 1, "a": 2, "c": 3}


def test_cautions_stay_open_as_many_as_there_are_on_top(tmp_path, monkeypatch):
    """Seven, or all that say whether stages mean anything; the rest is folded, and counted."""
    monkeypatch.setattr(page, "OPEN_CAUTIONS", 1)
    s = study(
        [disease(controls=pd.DataFrame({"quantity": ["share of controls at stage 1 or above"], "value": [0.75]}))]
    )
    cautions = sentences.warnings_first(s)
    top = sum(w.name in sentences.ON_TOP for w in cautions)
    assert 1 < top < len(cautions)
    text = page.render(s, tmp_path, title="t", logs=tmp_path, people=False)
    assert f"{len(cautions) - top} more caution" in text


# ---------------------------------------------------------------- people one by one


def later(person, years, stage, subtype, normal=False):
    return {
        "participant_id": person, "session_id": f"y{years}", "years": years, "stage": stage, "stage_low": stage - 1,
        "stage_high": stage + 2, "subtype": subtype, "normal_appearing": normal,
    }  # fmt: skip


def one_by_one():
    """MS of three people (one normal-appearing, one within the controls' stages), two patients not modelled, a control."""
    table = people((1, 1), 1)
    table["oof_confident"], table["above_controls"] = [True, False, True], [False, True, False]
    d = disease(
        subtypes=table, names=names((1, 1)),
        followup=pd.DataFrame([later("sub-000", 2.0, 4, 1), later("sub-000", 1.0, 0, 2, True), later("sub-002", 1.5, 3, 2)]),
    )  # fmt: skip
    listed = pd.DataFrame(
        {"participant_id": ["hc-1", "sub-000", "sub-001", "sub-002", "sub-003", "sub-004", "hc-2", "hc-3"],
         "group": ["HC", "MS", "MS", "MS", "MS", "MS", "HC", "HC"], "age": [30.0, 41, 42, 43, 44, np.nan, 50, 60],
         "sex": ["F", "M", "F", None, "M", "F", "F", "M"], "site": list("abababab")}
    )  # fmt: skip
    z = pd.DataFrame(
        {"participant_id": ["hc-1", "sub-000", "sub-001", "sub-002", "sub-003", "hc-2", "hc-3"],
         "group": ["HC", "MS", "MS", "MS", "MS", "HC", "HC"], "cord_csa": [0.0, 1.23456, 2, -1, 0.5, 1, 2],
         "frontal": np.nan, "thalamus": [-1.0, np.nan, 0.25, 1, 2, 0, 3]}
    )  # fmt: skip
    qc = pd.DataFrame(
        [("sub-004", "far", "excluded"), ("sub-004", "far", "excluded"), ("sub-001", "odd", "flagged"), ("sub-001", "asym", "flagged")],
        columns=["participant_id", "rule", "decision"],
    )  # fmt: skip
    visits = pd.DataFrame(
        {"participant_id": ["sub-000", "sub-003", "sub-000"], "years": [0.0, 1.0, 2.5], "edss": [2.0, np.nan, 3.5]}
    )
    tables = {"cohort/participants": listed, "normative/zscores": z, "features/qc": qc, "cohort/visits": visits}
    return study([d], **tables)


def test_every_person_has_a_row_patients_first():
    made = people_page.records(one_by_one())
    rows = {r[0]: r for r in made["people"]}
    assert [r[0] for r in made["people"]] == [
        "sub-000",
        "sub-001",
        "sub-002",
        "sub-003",
        "sub-004",
        "hc-1",
        "hc-2",
        "hc-3",
    ]
    # person, group, site, age, sex, subtype, probability, stage, low, high, scans, visits, flags
    assert rows["sub-000"][:-1] == [
        "sub-000", "MS", "b", 41.0, "M", "cortical", 0.931, 1, 0, 4, 3, 2, "stage within the controls'"
    ]  # fmt: skip
    assert rows["sub-001"][5:-1] == ["spinal cord", 0.931, 1, 0, 4, 1, 0, "odd; asym; uncertain subtype"]
    assert rows["sub-002"][3:-1] == [43.0, "", NORMAL, 0.9, 0, 0, 3, 2, 0, ""]
    assert rows["sub-003"][5:-1] == ["not modelled", None, None, None, None, 1, 0, ""]
    assert rows["sub-004"][3:-1] == [None, "F", "no measures", None, None, None, None, 0, 0, "far (excluded)"]
    assert rows["hc-1"][5:-1] == ["control", None, None, None, None, 1, 0, ""]
    assert all(len(r) == len(people_page.COLUMNS) + 1 for r in made["people"])
    assert made["names"] == [NORMAL, "cortical", "spinal cord"] == list(made["tints"])


def test_a_persons_own_view_holds_profile_probabilities_course_and_visits():
    made = people_page.records(one_by_one())
    of = {r[0]: r[-1] for r in made["people"]}
    assert made["biomarkers"] == ["cord_csa", "thalamus"] and made["labels"] == ["Cord area", "Thalamus"]
    assert of["sub-000"]["z"] == [1.235, None] and of["sub-001"]["z"] == [2.0, 0.25] and "z" not in of["sub-004"]
    assert of["sub-000"]["p"] == [[NORMAL, 0.02], ["cortical", 0.931], ["spinal cord", 0.049]]
    assert of["sub-000"]["course"] == [
        [0.0, 1, 0, 4, "cortical"], [1.0, 0, -1, 2, NORMAL], [2.0, 4, 3, 6, "cortical"]
    ]  # fmt: skip
    assert of["sub-002"]["course"] == [[0.0, 0, 0, 3, NORMAL], [1.5, 3, 2, 5, "spinal cord"]]
    assert of["sub-000"]["visits"] == [[0.0, 2.0], [2.5, 3.5]] and "visits" not in of["sub-003"]
    assert "course" not in of["hc-1"] and of["hc-1"]["z"] == [0.0, -1.0]
    # of the controls' 0, 1 and 2, and -1, 0 and 3
    assert made["band"] == [[0.05, 1.95], [-0.95, 2.85]]


def test_without_quality_findings_or_visits_nobody_has_any():
    bare = one_by_one()
    tables = dict(bare.tables) | {"features/qc": pd.DataFrame(), "cohort/visits": pd.DataFrame()}
    made = people_page.records(study(bare.diseases, **tables))
    assert [r[-2] for r in made["people"]][:3] == ["stage within the controls'", "uncertain subtype", ""]
    assert [r[-3] for r in made["people"]] == [0] * 8


# ---------------------------------------------------------------- facts


def test_the_first_three_measures_of_every_order():
    order = pd.DataFrame(
        [(2, "cord_csa", 4.0), (2, "cord_csa", 1.0), (2, "frontal", 3.0), (2, "own", 2.0), (2, "thalamus", 5.0), (1, "thalamus", 1.5)],
        columns=["subtype", "biomarker", "mean_position"],
    )  # fmt: skip
    d = disease(event_order=order)
    assert d.first_events == {
        1: [("Thalamus", 1.5)], 2: [("Cord area", 1.0), ("own", 2.0), ("Frontal cortex", 3.0)]
    }  # fmt: skip
    assert d.measures == ["Cord area", "Frontal cortex", "own", "Thalamus"] and disease().measures == []


def test_the_most_affected_measures_of_groups_of_five():
    maps = pd.DataFrame(
        [("x", "frontal", 5, 0.5), ("x", "cord_csa", 9, 2.5), ("x", "own", 9, 1.5), ("x", "thalamus", 9, 1.0), ("y", "frontal", 4, 3.0)],
        columns=["group", "biomarker", "n", "mean_z"],
    )  # fmt: skip
    d = disease(**{"clinical/maps": maps})
    assert d.most_affected == {"x": [("Cord area", 2.5), ("own", 1.5), ("Thalamus", 1.0)]}


def test_shares_and_gains_of_a_disease():
    d = disease(selection=selection(2, healthy=-4.5, gaussian=7.25))
    assert (d.n, d.n_staged, d.share_normal, d.controls_staged) == (100, 80, pytest.approx(0.2), 0.04)
    assert d.healthy_gain == pytest.approx(-4.5) and d.gaussian_gain == pytest.approx(7.25)
    assert np.isnan(disease().gaussian_gain) and np.isnan(
        disease(selection=selection(2, {1: 9.0, 2: 0.0})).healthy_gain
    )
    assert np.isnan(disease(controls=None).controls_staged)
    assert np.isnan(disease(controls=pd.DataFrame({"quantity": ["x"], "value": [1.0]})).controls_staged)
    half = people((10, 10), 0)
    half.loc[:4, "oof_p_subtype1"] = [0.9, 0.89, 0.9, 0.95, 0.5]
    assert disease(subtypes=half).sure == pytest.approx(18 / 20)
    assert np.isnan(disease(subtypes=people((0, 0), 5)).sure)


@pytest.mark.parametrize(
    ("gaps", "chosen"),
    [({0: 6.0, 1: 0.0}, 0), ({0: 6.1, 1: 0.0}, 1), ({0: 90.0, 1: 6.0, 2: 0.0}, 1), ({0: 90.0, 1: 7.0, 2: 0.0}, 2)],
)
def test_the_rule_takes_the_smallest_within_six(gaps, chosen):
    d = disease(selection=selection(1, gaps))
    assert d.by_rule == chosen and d.best == max(gaps) == d.largest
    wide = selection(1, gaps).assign(gap_se=6.5)
    assert disease(selection=wide).by_rule == (0 if gaps[0] <= 6.5 else 1 if gaps[1] <= 6.5 else 2)


def test_subtypes_are_ranked_by_people_and_then_by_number():
    table = names((30, 50, 30), ("a", "b", "c"))
    d = disease(names=table.iloc[::-1], subtypes=people((30, 50, 30)))
    assert d.ranked == [(2, "b", 50), (1, "a", 30), (3, "c", 30)] and d.names == {2: "b", 1: "a", 3: "c"}


def test_columns_of_people_in_words():
    config = {"clinical": {"outcomes": [{"name": "EDSS", "column": "edss"}, {"name": "x"}]}}
    assert [column_in_words(c, config) for c in ("edss", "strata of edss", "etiv", "a_b_c", "strata of site_of")] == [
        "EDSS", "strata of EDSS", "head size", "a b c", "strata of site of"
    ]  # fmt: skip


def test_tables_are_read_once_and_named_by_their_room(tmp_path):
    assert below_results("selection", "MS") == "sustain/MS/selection.tsv"
    assert below_results("clinical/maps", "MS") == "clinical/MS/maps.tsv"
    tables = Tables(None, {"a": pd.DataFrame({"x": [1]})})
    assert tables["none"].empty and set(tables) == {"a", "none"} and len(tables) == 2


def test_what_a_study_measured_and_where():
    plain = study()
    assert plain.n_sites == 2 and plain.absent == [] and plain.cord == ["Cord area"] and not plain.has_head_size
    wanted = study(
        config={"features": {"use": ["frontal", "cord_csa"]}},
        **{"features/measures": pd.DataFrame(columns=["cord_csa"])},
    )
    assert wanted.absent == ["Frontal cortex"]
    sized = pd.DataFrame({"participant_id": ["a", "b"], "etiv": [np.nan, 1.5e6]})
    assert study(**{"features/measures": sized}).has_head_size
    assert not study(**{"features/measures": sized[:1]}).has_head_size
    assert [d.name for d in plain.predicted] == [] and plain.n_scanned_again == 0
    some = disease(
        **{"clinical/prediction": pd.DataFrame({"c": [np.nan, 0.6]})},
        followup=pd.DataFrame({"participant_id": ["a", "a", "b"]}),
    )
    assert [d.name for d in study([some]).predicted] == ["MS"] and study([some, some]).n_scanned_again == 4


def test_sites_without_controls_are_of_several_sites():
    listed = pd.DataFrame({"group": ["HC", "MS", "MS", "MS", "HC"], "site": ["b", "c", "a", "b", np.nan]})
    assert study(**{"cohort/participants": listed}).sites_without_controls == ["a", "c"]
    assert study(**{"cohort/participants": listed[1:2]}).sites_without_controls == []


# ---------------------------------------------------------------- provenance


def test_provenance_names_versions_seed_and_checksums(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"abc")
    known = provenance({"seed": 7, "x": [1]}, [tmp_path / "a.tsv"], tmp_path)
    assert known["commit"] == "not a git checkout" and known["uncommitted_changes"] is False
    assert known["seed"] == 7 and known["config"] == {"seed": 7, "x": [1]} and set(known["versions"]) == set(PACKAGES)
    assert known["sha256"] == {str(tmp_path / "a.tsv"): hashlib.sha256(b"abc").hexdigest()}
    assert known["workflow"] == f"neuraxis {__version__}" and known["versions"]["numpy"] == np.__version__


def test_a_commit_is_that_of_the_workflow_s_own_checkout(tmp_path):
    def git(*words):
        subprocess.run(
            ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=b@c", *words],
            check=True,
            capture_output=True,
        )

    git("init")
    (tmp_path / "f").write_text("1")
    git("add", "f")
    git("commit", "-m", "x")
    commit, changed = commit_of(tmp_path)
    assert len(commit) == 40 and changed is False
    (tmp_path / "f").write_text("2")
    assert commit_of(tmp_path) == (commit, True)
    (tmp_path / "inside").mkdir()
    assert commit_of(tmp_path / "inside") == ("", False)
    (tmp_path / "inside/COMMIT").write_text("ab12+\n")
    assert commit_of(tmp_path / "inside") == ("ab12", True)
    (tmp_path / "inside/COMMIT").write_text("ab12\n")
    assert commit_of(tmp_path / "inside") == ("ab12", False)


def test_the_description_names_edition_and_kind():
    known = {"config": {"report": {"title": "T"}, "cohort": {"source": "files"}}, "commit": "a1"}
    made = dataset_description(known)
    assert made["BIDSVersion"] == "1.10.0" and made["DatasetType"] == "derivative"
    assert made["GeneratedBy"][0]["Description"].endswith(", commit a1")


def test_checklists_link_every_disease_that_has_the_chapter():
    s = study([disease(**{"clinical/associations": pd.DataFrame([association()])})])
    parts = [
        {"name": "MS", "id": "d-MS", "chapters": [("clinical", "Clinical meaning")]},
        {"name": "NMOSD", "id": "d-N", "chapters": []},
    ]
    items = {i["number"]: i["links"] for i in answered(s, parts)[0]["items_"]}
    assert items["7"] == [("methods", "Methods"), ("d-MS-clinical", "MS: Clinical meaning")]
    assert items["15, 16"] == [("d-MS-clinical", "MS: Clinical meaning")]
    assert items["9"] == [("limitations", "Limitations")]  # no chapter of nuisance in this page
    assert "15, 16" not in {i["number"] for i in answered(s, parts[1:])[0]["items_"]}


def test_an_outcome_of_which_one_contrast_is_found_is_not_called_not_found():
    rows = [
        association(outcome="EDSS", q=0.01), association(outcome="EDSS", q=0.4, subtype="spinal cord"), association(outcome="SDMT", q=0.3),
        association(outcome="SDMT", q=0.05, subtype="spinal cord"), association(outcome="PASAT", q=0.9),
        association(outcome="PASAT", kind="stage", q=0.8, contrast="stage"), association(outcome="SDMT", kind="stage", q=0.001, contrast="stage"),
        association(outcome="NfL", reportable=False, reason="only 3 people"), association(outcome="NfL", reportable=False, reason="only 7 people"),
        association(outcome="PASAT", reportable=False, reason="odd"),
    ]  # fmt: skip
    lines = sentences.family_sentences(pd.DataFrame(rows), "disability", "MS")
    assert lines[0] == "MS, disability: 7 of 10 contrasts tested, 2 pass a false-discovery rate of 5 %."
    assert lines[3:] == [
        "Tested and not found (q >= 0.05), differences between subtypes: SDMT and PASAT.",
        "Tested and not found (q >= 0.05), effects of stage: PASAT.",
        "Not testable, differences between subtypes: NfL (fewer than 20 people in a group or 10 events).",
        "Not testable, differences between subtypes: 1 of 2 of PASAT (odd).",
    ]


def test_sd_by_age_or_constant():
    assert "; SD constant; positive" in " ".join(methods_text(study()))
    assert "; SD by age; positive" in " ".join(methods_text(study(config={"normative": {"sd": "age"}})))
    assert ", fitted robustly; SD" in " ".join(methods_text(study(config={"normative": {"robust": True}})))


def test_what_adds_by_the_test_and_not_out_of_sample_is_linked():
    nested = pd.DataFrame(
        {
            "outcome": ["A", "B", "C", "D", "E"],
            "model": "mean z",
            "p": [0.01, 0.01, 0.2, 0.01, 0.01],
            "n_events": [30, 30, 30, 9, 0],
        }
    )
    steps = [("A", "+ stage", -0.01), ("A", "+ subtype", 0.0), ("B", "+ stage", -0.02), ("B", "+ subtype", 0.01), ("C", "+ stage", -0.1),
             ("D", "+ stage", -0.1), ("A", "+ mean z", 0.5)]  # fmt: skip
    predicted = pd.DataFrame(steps, columns=["outcome", "model", "added_low"]).assign(added=0.01)
    (line,) = sentences.linking_sentences(nested, predicted, 2)
    assert line.startswith(
        "A: subtype and stage add by the likelihood-ratio test, and neither adds detectably out of sample."
    )
    assert "atrophy and stage add" in sentences.linking_sentences(nested, predicted, 1)[0]
    assert sentences.linking_sentences(nested, predicted.assign(added=np.nan), 2) == []
    assert (
        sentences.linking_sentences(nested[:0], predicted, 2)
        == sentences.linking_sentences(nested, predicted[:0], 2)
        == []
    )


@pytest.mark.parametrize(("people_too", "simulated"), [(True, True), (False, False)])
def test_the_report_is_a_page_a_page_of_people_and_results_in_sentences(tmp_path, monkeypatch, people_too, simulated):
    known = study([disease(simulated=simulated)])
    monkeypatch.setattr(page, "read_study", lambda *a, **k: known)
    asked = []
    monkeypatch.setattr(
        page, "write_people", lambda s, path, **k: asked.append((path.name, k["title"], list(k["label_names"])))
    )
    (tmp_path / "labels.tsv").write_text("label\tname\n10\tthalamus\n")
    (tmp_path / "people.html").write_text("of an earlier run")
    options = {
        "title": "t",
        "diseases": ["MS"],
        "control": "HC",
        "simulated": simulated,
        "biomarkers": "",
        "logs": tmp_path,
    }
    words = {"MS": tmp_path / "results.txt"}
    page.write_report(
        tmp_path,
        tmp_path / "index.html",
        label_names=tmp_path / "labels.tsv",
        people=people_too,
        words=words,
        **options,
    )
    assert asked == ([("people.html", "t", ["thalamus"])] if people_too else [])
    assert (tmp_path / "people.html").exists() == people_too
    lines = (tmp_path / "results.txt").read_text().splitlines()
    assert (lines[0] == "SIMULATED DATA") == simulated and lines[simulated:] == sentences.clinical_sentences(
        known.diseases[0]
    )
    assert ('href="people.html"' in (tmp_path / "index.html").read_text()) == people_too
