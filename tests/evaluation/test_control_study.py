"""The negative control of a study: which people, sites, norms and variants it is asked with."""

import pandas as pd

from neuraxis.evaluation import study
from neuraxis.sustain import ZScoreEvents


def test_a_study_asks_with_its_own_people_sites_norms_and_variants(monkeypatch):
    asked, anew = {}, {}

    def table(controls, events, **options):
        asked.update(options, controls=controls, events=events)
        return pd.DataFrame({"note": ["done"]})

    def controls_anew(measures, people, biomarkers, norms, modelled, **options):
        anew.update(options, given=(measures, people, biomarkers, norms), modelled=modelled)
        return "refitted"

    monkeypatch.setattr(study, "negative_control_table", table)
    monkeypatch.setattr(study, "controls_anew", controls_anew)
    z = pd.DataFrame(
        {"group": ["HC", "MS", "NMOSD", "HC", "MS", "HC", "MS"], "a": range(7)},
        index=pd.Index(["c1", "m1", "n1", "c2", "m2", "c3", "m3"], name="participant_id"),
    )
    people = pd.DataFrame({"participant_id": z.index[::-1], "site": list("abcdefg")})  # another order
    measures, biomarkers = pd.DataFrame({"etiv": [1.0]}), pd.DataFrame({"biomarker": ["a"]})
    events, norms = ZScoreEvents([1, 2], 4, biomarkers=["a"]), {"min_site_controls": 6}
    made = study.control_of_disease(
        z, people, measures, biomarkers, events, disease="MS", control="HC", norms=norms, main="smooth-controls",
        variants=["uniform-independent"], healthy=True, seed=7, n_samples=200, folds=3, max_subtypes=2,
    )  # fmt: skip
    assert made["note"].tolist() == ["done"] and asked["events"] is events
    assert list(asked["controls"].index) == ["c1", "c2", "c3"] and asked["n_people"] == 3
    assert asked["site"].to_dict() == {"c1": "g", "c2": "d", "c3": "b"}
    assert asked["patients_site"].to_dict() == {"m1": "f", "m2": "c", "m3": "a"}
    assert list(asked["variants"]) == ["smooth-controls", "uniform-independent"]
    assert asked["variants"]["smooth-controls"]["covariance"] == "covariance"
    assert asked["keep_at_site"] == 6 and asked["key"] == ("MS",) and asked["seed"] == 7
    # as many draws as a chain of 200 steps has sweeps
    assert (asked["n_samples"], asked["n_draws"], asked["folds"], asked["max_subtypes"]) == (200, 20, 3, 2)
    assert asked["refit"](z.index[:1]) == "refitted"
    assert all(got is want for got, want in zip(anew["given"], (measures, people, biomarkers, norms), strict=True))
    assert list(anew["modelled"]) == ["c1"] and anew["control"] == "HC" and anew["seed"] == 7
