"""What figures are said to show, what stands at the top of the page, and what facts are read from which rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from facts_of import association, diagnostics, disease, names, people, selection, study
from PIL import Image

from neuraxis.figures.declared import OF_DISEASE
from neuraxis.labels import NORMAL
from neuraxis.report import page, sentences, views
from neuraxis.report.methods import MOST_NAMED, Reference, methods_text, own_norms, references, what_measured
from neuraxis.report.sentences import FINDINGS

ONE = {"selection": selection(1), "names": names((80,), ("x",)), "subtypes": people((80,))}
BAD = diagnostics(1.2)


def test_the_figure_of_numbers_tells_distances_and_how_the_number_came():
    assert (
        FINDINGS["selection"](disease())
        == "CVIC above the best: k = 0: 300, k = 1: 90, k = 2: 0, k = 3: 12, k = 4: 31; 2 chosen."
    )
    assert FINDINGS["selection"](disease({"sustain": {"n_subtypes": 2}})).endswith("; 2 fixed.")


def test_the_figure_of_stages_tells_the_staged_alone():
    d = disease(names=names((3, 2)), subtypes=people((3, 2), 9, stages=[[1, 2, 9], [4, 7]]))
    assert FINDINGS["stages"](d) == "5 people are staged, median stage 4, highest 9."
    one = disease(names=names((1, 0)), subtypes=people((1, 0), 4, stages=[[3], [1]]))
    assert FINDINGS["stages"](one) == "1 person is staged, median stage 3, highest 3."
    assert FINDINGS["stages"](disease(subtypes=people((0, 0), 4), names=names((0, 0)))) == ""


def effects(*rows):
    return {"clinical/associations": pd.DataFrame([association(**r) for r in rows])}


def test_the_figure_of_effects_names_the_first_four():
    rows = [
        {"outcome": o, "q": q}
        for o, q in (("A", 0.04), ("B", 0.01), ("C", 0.02), ("D", 0.03), ("E", 0.035), ("F", 0.5))
    ]
    told = FINDINGS["forest"](disease(**effects(*rows)))
    assert told.startswith(
        "5 of 6 tested contrasts pass a false-discovery rate of 5 %, first B (cortical against the other subtypes), C ("
    )
    assert told.endswith(" and E (cortical against the other subtypes).") and "A (" not in told
    assert (
        FINDINGS["forest"](disease(**effects({"q": 0.5})))
        == "0 of 1 tested contrast pass a false-discovery rate of 5 %."
    )
    assert (
        FINDINGS["forest"](disease(diagnostics=BAD, **effects({})))
        == "The chains have not converged, so no result is told."
    )


def test_the_figure_of_measures_tells_what_differs_between_whom():
    rows = [
        {"outcome": "A", "q": 0.01}, {"outcome": "A", "q": 0.02, "subtype": "spinal"}, {"outcome": "B", "q": 0.05},
        {"outcome": "C", "q": 0.3, "kind": "atrophy"}, {"outcome": "D", "q": 0.01, "kind": "stage"},
    ]  # fmt: skip
    assert FINDINGS["boxes"](disease(**effects(*rows))) == (
        "Between subtypes, A differs (q < 0.05; 2 measures tested). Between any atrophy and none, nothing differs detectably "
        "(q < 0.05; 1 measure tested)."
    )
    two = [{"outcome": o, "q": 0.01, "kind": "atrophy"} for o in "AB"]
    assert (
        FINDINGS["boxes"](disease(**effects(*two)))
        == "Between any atrophy and none, A and B differ (q < 0.05; 2 measures tested)."
    )
    assert (
        FINDINGS["boxes"](disease(diagnostics=BAD, **effects({})))
        == FINDINGS["boxes"](disease(**{"clinical/associations": None}))
        == ""
    )


def test_the_figure_of_curves_names_intervals_of_tau_without_nought():
    rows = [
        ("A", "cortical", 0.2, 0.0, 0.4), ("B", "cortical", -0.5, -0.7, -0.001), ("C", "cortical", 0.3, 0.001, 0.5),
        ("D", "cortical", -0.4, -0.8, 0.0), ("E", "cortical", np.nan, np.nan, np.nan), ("A", "spinal", 0.1, -0.1, 0.3),
        ("B", "spinal", 0.6, 0.4, 0.8),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["outcome", "subtype", "kendall_tau", "tau_low", "tau_high"])
    twice = pd.concat([table, table])  # a row a point of the curve
    assert FINDINGS["stage"](disease(**{"clinical/stage_curves": twice})) == (
        "Cortical: B (tau -0.50) and C (tau 0.30) of 5 measures go with stage by an interval of tau without 0. "
        "Spinal: B (tau 0.60) of 2 measures goes with stage by an interval of tau without 0."
    )
    alone = table[table["subtype"] == "spinal"][:1]
    assert FINDINGS["stage"](disease(**ONE, **{"clinical/stage_curves": alone})).startswith(
        "nothing of 1 measure goes with stage"
    )
    assert FINDINGS["stage"](disease(diagnostics=BAD, **{"clinical/stage_curves": table})) == ""


def test_the_figure_of_regions_counts_those_that_differ_and_names_three():
    rows = [
        ("cortical", b, t, q)
        for b, t, q in (
            ("frontal", 2.5, 0.01),
            ("thalamus", -4.0, 0.001),
            ("own", 3.0, 0.049),
            ("cord_csa", 2.6, 0.02),
            ("e", 1.0, 0.05),
            ("f", np.nan, 0.001),
        )
    ]
    rows += [("spinal cord", "frontal", -1.0, 0.4), (NORMAL, "frontal", -9.0, 0.001)]
    maps = pd.DataFrame(rows, columns=["group", "biomarker", "t", "q"])
    assert FINDINGS["brain_t"](disease(**{"clinical/maps": maps.assign(n=9, mean_z=0.0)})) == (
        "Spinal cord: 0 of 1 region at q < 0.05. Cortical: 4 of 5 regions at q < 0.05, most Thalamus (t -4.0), own (t +3.0) "
        "and Cord area (t +2.6)."
    )
    assert FINDINGS["brain_t"](disease(**ONE, **{"clinical/maps": maps})) == "" == FINDINGS["brain_t"](disease())
    assert FINDINGS["brain_t"](disease(**{"clinical/maps": maps.drop(columns="q")})) == ""


def test_the_figure_of_likeness_names_the_most_and_the_least_alike_of_two_diseases():
    rows = [("MS", "a", "NMOSD", "c", 0.1), ("MS", "a", "MS", "b", 0.95), ("MS", "b", "NMOSD", "c", 0.8), ("MS", "b", "NMOSD", "d", -0.4),
            ("MS", "a", "NMOSD", "d", np.nan)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["disease_a", "name_a", "disease_b", "name_b", "tau"])
    chance = table.assign(tau_chance=[0.1, 0.9, 0.1, 0.4, 0.9])

    def told(table):
        return FINDINGS["similarity"](study(**{"sustain/crossdisease/similarity": table}))

    assert told(chance) == (
        "Of two diseases most alike are MS b and NMOSD c (tau 0.80), least MS b and NMOSD d (tau -0.40); two random orders: 0.20."
    )
    assert told(table[:2]) == "MS a and NMOSD c (tau 0.10)." and told(table[1:2]) == told(table[:0]) == ""


def test_the_figures_of_order_say_where_each_subtype_of_somebody_begins():
    order = pd.DataFrame(
        [(1, "thalamus", 1.0), (2, "cord_csa", 2.0), (2, "frontal", 1.0)],
        columns=["subtype", "biomarker", "mean_position"],
    )
    assert FINDINGS["progression"](disease(event_order=order)) == (
        "spinal cord: begins in Frontal cortex and Cord area. cortical: begins in Thalamus."
    )
    empty = disease(event_order=order, names=names((0, 80)), subtypes=people((0, 80)))
    assert FINDINGS["progression"](empty) == "spinal cord: begins in Frontal cortex and Cord area."
    assert FINDINGS["progression"](disease(event_order=order[:1])) == "cortical: begins in Thalamus."


def test_figures_of_what_is_not_there_or_not_to_be_believed_say_nothing():
    slopes = pd.DataFrame(
        {"group": ["a"], "slope": 0.5, "low": 0.1, "high": 0.9, "n_people": 20, "n_scans": 41, "quantity": "stage"}
    )
    for chains, told in ((diagnostics(), True), (BAD, False)):
        d = disease(diagnostics=chains, **{"clinical/slopes": slopes})
        assert bool(FINDINGS["transitions"](d)) == told
        row = {"outcome": ["W"], "model": "clinical", "c": 0.6, "c_low": 0.5, "c_high": 0.7, "n": 9, "n_events": 5}
        assert (
            bool(FINDINGS["calibration"](disease(diagnostics=chains, **{"clinical/prediction": pd.DataFrame(row)})))
            == told
        )
    assert FINDINGS["reliability"](disease()) == "" == FINDINGS["negative_control"](disease(negative_control=None))
    assert FINDINGS["ternary"](disease()) == FINDINGS["probability"](disease()) == (
        "100% of the staged have a subtype of probability 0.9 or more."
    )  # fmt: skip
    nobody = disease(subtypes=people((0, 0), 4), names=names((0, 0)))
    assert FINDINGS["ternary"](nobody) == FINDINGS["probability"](nobody) == ""


def test_what_is_sure_stands_in_one_line():
    variants = pd.DataFrame({"variant": ["a", "a", "b"], "n_subtypes": [1, 2, 3], "chosen": ["False", "True", "True"]})
    control = pd.DataFrame(
        {
            "variant": ["a", "a", "b"],
            "n_subtypes": [0, 1, 1],
            "chosen": [True, False, True],
            "n_people": 9,
            "note": np.nan,
        }
    )
    assert sentences.surety(disease(variants=variants, negative_control=control)) == (
        "variants of the model support 2, 3; in healthy people 0, 1; 100% of the staged with a subtype of probability 0.9 or more"
    )
    assert sentences.surety(disease(variants=variants[:2], negative_control=None, diagnostics=BAD)) == (
        "the chains have not converged"
    )
    assert sentences.surety(disease(negative_control=control.assign(n_subtypes=np.nan), **ONE)) == ""


def test_a_portrait_of_twenty_people_is_enough():
    for n, few in ((19, True), (20, False)):
        d = disease(names=names((n, 60)), subtypes=people((n, 60)))
        assert ("Too few for conclusions." in sentences.portrait(d, 1)) == few
    assert sentences.portrait(disease(names=names((0, 80)), subtypes=people((0, 80))), 1) == ""
    assert sentences.portrait(disease(), 1) == "Cortical: 30 people (30% of all with MS); median stage 5.5, highest 10."


def test_cautions_of_whether_stages_mean_anything_stand_before_others():
    d = disease(diagnostics=BAD, controls=pd.DataFrame({"quantity": ["share of controls at stage 1 or above"], "value": [0.3]}),
                selection=selection(healthy=3.0), names=names((1, 79)), subtypes=people((1, 79)))  # fmt: skip
    found = [s.name for s in sentences.warnings_first(study([d])) if s.name != "checks_failed"]
    assert found == ["chains", "controls_are_staged", "healthy_better", "small_subtype", "nothing_clinical"]
    alone = [s.text for s in sentences.warnings_first(study([d]))]
    assert not any(t.startswith("MS: ") for t in alone)


# ---------------------------------------------------------------- facts


def test_the_mean_z_s_correlation_is_that_of_the_staged():
    rows = [("mean z", "all", 0.1), ("largest z", "staged", 0.2), ("mean z", "staged", 0.3)]
    table = pd.DataFrame(rows, columns=["baseline", "people", "value"])
    assert disease(baselines=table).mean_z_rho == 0.3 and np.isnan(disease(baselines=table[:2]).mean_z_rho)


@pytest.mark.parametrize(
    ("stages", "sizes", "normal", "gap"),
    [([[1, 8], [8]], (5, 4), 0, None), ([[1] * 5 + [8] * 5, [8]], (10, 0), 0, (2, 7, 5, 5)), ([[1] * 4 + [8] * 6, [8]], (10, 0), 0, None),
     ([[1] * 6 + [8] * 4, [8]], (10, 0), 0, None), ([[1] * 5 + [3] * 35, [3]], (40, 0), 0, None),
     ([[1] * 5 + [4] * 35, [4]], (40, 0), 0, (2, 3, 5, 35)), ([[3] * 40, [3]], (40, 0), 5, (1, 2, 5, 40)), ([[3] * 40, [3]], (40, 0), 4, None)],
)  # fmt: skip
def test_a_gap_has_two_empty_stages_and_five_people_on_either_side(stages, sizes, normal, gap):
    d = disease(subtypes=people(sizes, normal, stages=stages), names=names(sizes))
    assert d.gap == gap


def test_the_best_number_has_the_lowest_cvic_wherever_it_stands():
    table = selection(1, {0: 20.0, 1: 3.0, 2: 0.0}).iloc[::-1]
    d = disease(selection=table)
    assert (d.best, d.k, d.by_rule, d.largest, list(d.tried.index)) == (2, 1, 1, 2, [0, 1, 2])
    assert disease(selection=selection(1, {0: 20.0, 1: 3.0}).assign(gap_se=np.nan)).by_rule == 1


def test_scores_are_ordinal_biomarkers_that_somebody_has_a_level_of():
    defined = pd.DataFrame({"biomarker": ["thalamus", "gait", "none", "absent"], "label": ["T", "G", "N", "A"], "kind": "column",
                            "labels": [[]] * 4, "system": "n/a", "family": ["zscore", "ordinal", "ordinal", "ordinal"]})  # fmt: skip
    values = pd.DataFrame({"thalamus": [1.0, 2.0], "gait": [np.nan, 2.0], "none": np.nan})
    s = study(biomarkers=defined, **{"features/measures": values})
    assert list(s.scores["label"]) == ["G"] and list(s.measured["label"]) == ["T"] and s.absent == ["A"]
    assert study(biomarkers=defined.drop(columns="family"), **{"features/measures": values}).scores.empty


# ---------------------------------------------------------------- methods


def test_thirteen_measures_of_a_table_are_counted_and_twelve_named():
    for n, told in (
        (MOST_NAMED, "M0, M1, M2"),
        (MOST_NAMED + 1, "Measures as they stand there were taken from one table of measures"),
    ):
        labels = [f"M{i}" for i in range(n)]
        defined = pd.DataFrame(
            {
                "biomarker": [f"m{i}" for i in range(n)],
                "label": labels,
                "kind": "table",
                "labels": [[]] * n,
                "system": "n/a",
            }
        )
        z = pd.DataFrame({"participant_id": ["a"], "group": ["HC"]} | {f"m{i}": [0.0] for i in range(n)})
        assert what_measured(study(biomarkers=defined, **{"normative/zscores": z})).startswith(told)
        columns = what_measured(study(biomarkers=defined.assign(kind="column"), **{"normative/zscores": z}))
        assert (f"{n} further measures were taken from the participants' tables" == columns) == (n > MOST_NAMED)


def test_methods_of_two_diseases_have_a_model_each():
    other = replace(disease(), name="NMOSD")
    assert ", one model: " in " ".join(methods_text(study())) and ", one model per disease: " in " ".join(
        methods_text(study([disease(), other]))
    )


def test_norms_of_one_s_own_are_told_by_what_differs():
    config = {"normative": {"overrides": {"frontal": {"age": "linear", "site": "none"}, "thalamus": {"site": "none", "age": "linear"},
                                          "cord_csa": {"age": "spline", "folds": 3}, "absent": {"age": "linear"}}}}  # fmt: skip
    assert (
        own_norms(study(config=config))
        == " For Frontal cortex: a line in age and no site term. For Thalamus: no site term and a line in age. For Cord area: folds 3."
    )


def test_papers_of_one_two_and_three_authors_have_their_names():
    def told(authors, **more):
        return Reference("k", authors, "Title", "Journal", 1999, **more).text

    assert told("Cox, David R.") == "Cox (1999). Title. Journal."
    assert (
        told("A, B. and C, D.", volume="7", pages="1-9", doi="10.1/x")
        == "A & C (1999). Title. Journal 7:1-9. doi:10.1/x"
    )
    assert told("A, B. and C, D. and others", volume="7") == "A et al. (1999). Title. Journal 7."
    book = Reference("k", "A, B.", "T", "Press", 1999, pages="1-9-x", kind="book").bibtex
    assert (
        book
        == "@book{k,\n  author = {A, B.},\n  title = {{T}},\n  publisher = {Press},\n  year = {1999},\n  pages = {1--9-x}\n}"
    )


#: Papers that every study cites, with or without a disease; that models need; that clinical questions need.
ALWAYS, MODELLED, ASKED = (
    {"vonelm2007", "molder2021"},
    {"young2018", "vehtari2017", "vehtari2021", "mowinckel2020"},
    {"benjamini1995", "rubin1987"},
)
FAMILIES = pd.DataFrame({"biomarker": ["thalamus", "gait", "nfl"], "label": ["T", "G", "N"], "kind": "column", "labels": [[]] * 3,
                         "system": "n/a", "family": ["zscore", "ordinal", "mixture"]})  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, MODELLED | ASKED),
        ({"diseases": []}, set()),
        ({"config": {"clinical": {"outcomes": []}}}, MODELLED),
        ({"biomarkers": FAMILIES, "features/measures": FAMILIES.set_index("biomarker").T[["gait"]]}, MODELLED | ASKED | {"young2021"}),
        ({"biomarkers": FAMILIES, "features/measures": FAMILIES.set_index("biomarker").T[["nfl"]]}, MODELLED | ASKED | {"fonteijn2012"}),
        ({"biomarkers": FAMILIES, "features/measures": FAMILIES.set_index("biomarker").T, "diseases": []}, set()),
        ({"config": {"normative": {"site": "combat"}}}, MODELLED | ASKED | {"johnson2007", "fortin2018"}),
        ({"config": {"normative": {"site": "combat_gam"}}, "diseases": []}, {"johnson2007", "fortin2018", "pomponio2020"}),
        ({"config": {"normative": {"site": "combat"}}, "sites": ("a",)}, MODELLED | ASKED),
        ({"config": {"features": {"sct": "csa.csv"}}}, MODELLED | ASKED | {"deleener2017"}),
        ({"config": {"clinical": {"outcomes": [{"name": "W", "column": "w", "type": "survival", "time": "t"}]}}},
         MODELLED | ASKED | {"cox1972", "davidsonpilon2019"}),
        ({"config": {"clinical": {"outcomes": [{"name": "W", "column": "w", "type": "survival", "time": "t"}]}}, "diseases": []}, set()),
    ],
)  # fmt: skip
def test_papers_are_cited_where_what_they_are_of_was_done(changes, more):
    given = {"diseases": None, "config": None} | changes
    assert {r.key for r in references(study(**given))} == ALWAYS | more


# ---------------------------------------------------------------- the page


def test_figures_of_the_summary_are_numbered_first_and_the_others_as_they_stand():
    made = page.Figures(views.TableStore())
    made.shown = [{"first": f} for f in (False, True, False, True)]
    made.number()
    assert [f["number"] for f in made.shown] == [3, 1, 4, 2]


def test_a_figure_is_as_wide_as_its_inches_and_named_by_its_finding(tmp_path):
    png = tmp_path / "selection.png"
    Image.new("RGB", (600, 300)).save(png, dpi=(300, 300))
    figure = next(f for f in OF_DISEASE if f.name == "selection")
    made = page.Figures(views.TableStore())
    shown = made.show(figure, png, {}, disease(), "k")
    assert (shown["width"], shown["id"], shown["first"]) == (216, "k", figure.first) and made.shown == [shown]
    assert shown["alt"].endswith(f". {FINDINGS['selection'](disease())}")
    assert made.show(figure, tmp_path / "absent.png", {}, disease(), "k") is None and len(made.shown) == 1


@pytest.mark.parametrize(("size", "kept"), [(6, True), (7, False)])
def test_data_of_as_many_cells_as_are_held_are_kept(tmp_path, size, kept):
    png = tmp_path / "a.png"
    Image.new("RGB", (30, 20)).save(png)
    store = views.TableStore()
    tables = {"MS/x": pd.DataFrame({"x": range(size)}), "MS/none": pd.DataFrame({"x": []})}
    shown = page.Figures(store, views.Held(data=6)).show(OF_DISEASE[0], png, tables, disease(), "a")
    assert (shown["tables"] == ["MS-x"], shown["tables_at"] == []) == (kept, kept) and list(store.tables) == [
        "MS-x"
    ] * kept


def test_a_page_holds_as_much_as_can_be_mailed():
    assert (views.MOST_CELLS, views.LONG_TEXT, views.DPI) == (
        160,
        40,
        150,
    )  # a screen of cells; a line; a screen's fineness
    assert (views.MOST_VECTOR, views.MOST_DATA, views.MOST_PAGE) == (300_000, 300_000, 15_000_000)
    assert [(h.dpi, h.vector, h.data) for h in views.HOLDING] == [
        (150, 300_000, 300_000),
        (150, 0, 300_000),
        (110, 0, 30_000),
        (80, 0, 0),
    ]


def test_the_first_line_counts_in_thousands_and_names_who_is_not_there():
    listed = pd.DataFrame(
        {"participant_id": range(2501), "group": ["MS"] * 1500 + ["HC"] * 1001, "age": 40.0, "site": "a", "sex": "F"}
    )
    s = study([disease(), replace(disease(), name="NMOSD")], **{"cohort/participants": listed})
    assert page.lead(s).startswith("1,500 with MS, 0 with NMOSD and 1,001 controls (HC) from 1 site, aged 40, ")


def test_at_least_seven_cautions_stand_open_and_all_that_are_never_folded(tmp_path, monkeypatch):
    seen = {}
    real = page.PAGES.get_template

    class Template:
        def render(self, known, **more):
            seen.update(known)
            return real("index.html.j2").render(known, **more)

    monkeypatch.setattr(page.PAGES, "get_template", lambda name: Template())
    provenance = {
        "commit": "a1",
        "uncommitted_changes": True,
        "python": "3",
        "seed": 7,
        "versions": {"numpy": "2", "pandas": "3"},
        "config": {"x": 1},
    }
    page.render(replace(study(), provenance=provenance), tmp_path, title="t", logs=tmp_path, people=True)
    assert seen["n_open"] == 7 and seen["people_page"] == "people.html" and seen["cross"] is None
    assert seen["versions"] == "neuraxis at commit a1 with uncommitted changes, Python 3, seed 7. numpy 2, pandas 3."
    assert '"x"' not in seen["provenance"] and '"seed": 7' in seen["provenance"]
    one = sentences.Said("w", True, "chains")
    monkeypatch.setattr(
        page.sentences, "warnings_first", lambda s: [one] * 9 + [sentences.Said("x", True, "other")] * 3
    )
    page.render(study([]), tmp_path, title="t", logs=tmp_path, people=False)
    assert seen["n_open"] == 9 and seen["people_page"] == ""
    assert seen["versions"].startswith("neuraxis at commit unknown, Python , seed .")
