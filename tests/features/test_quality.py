"""Quality rules by hand: what is an outlier, who is excluded, who is only flagged, and who stays."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.features.measures import check_units, quality
from neuraxis.features.stats import biomarkers_from_labels

BIOMARKERS = pd.DataFrame(
    {
        "biomarker": ["x"], "unit": ["mm3"], "plausible_low": [50.0], "plausible_high": [200.0], "kind": ["labels"],
        "labels": [[10, 49]],
    }
)  # fmt: skip


def people(n=11):
    """Site s has values around 100 with a median absolute deviation of 3; t has too few people to judge."""
    s = [91.0, 94, 96, 97, 98, 100, 102, 103, 104, 106, 109][:n]
    t = [100.0, 100, 160]
    table = pd.DataFrame({"participant_id": [f"p{i:02d}" for i in range(n + 3)], "etiv": 1.5e6, "x": [*s, *t]})
    return table, pd.DataFrame({"participant_id": table["participant_id"], "site": ["s"] * n + ["t"] * 3})


def broken(table, site, **options):
    got = quality(table, site.sample(frac=1, random_state=1), BIOMARKERS, **options)
    return {(r.participant_id, r.rule) for r in got.itertuples()}, got


def test_an_outlier_is_far_in_scaled_median_absolute_deviations():
    table, site = people()
    # median 100, deviations 0 2 2 3 3 4 4 6 6 9 9: their median is 4, one SD 1.4826 * 4 = 5.93
    for row, value, far in (
        (10, 100 + 5 * 5.93 + 0.1, True),
        (10, 100 + 5 * 5.93 - 0.1, False),
        (0, 100 - 5 * 5.93 - 0.1, True),
        (0, 100 - 5 * 5.93 + 0.1, False),
    ):
        changed = table.assign(x=table["x"].where(table.index != row, value))
        assert ((f"p{row:02d}", "outlier of its site") in broken(changed, site)[0]) is far
    rules, got = broken(table.assign(x=table["x"].where(table.index != 10, 135)), site)
    assert rules == {("p10", "outlier of its site")}  # p13 is as far off, in a site of three
    assert got.iloc[0][["biomarker", "value", "limits"]].tolist() == ["x", 135, "5 MAD"]
    assert broken(table.assign(x=table["x"].where(table.index != 10, 121)), site, limit=3)[0] == {
        ("p10", "outlier of its site")
    }
    nine, few = people(9)
    assert broken(nine.assign(x=nine["x"].where(nine.index != 8, 150)), few)[0] == set()
    ten, enough = people(10)
    assert broken(ten.assign(x=ten["x"].where(ten.index != 9, 150)), enough)[0] == {("p09", "outlier of its site")}


def test_each_limit_has_two_sides():
    table, site = people()
    for value, wrong in ((49.9, True), (50.0, False), (200.0, False), (200.1, True)):
        changed = table.assign(x=table["x"].where(table.index != 13, value))
        assert (("p13", "implausible") in broken(changed, site)[0]) is wrong
    for value, wrong in ((0.99e6, True), (1.0e6, False), (2.3e6, False), (2.31e6, True)):
        changed = table.assign(etiv=table["etiv"].where(table.index != 4, value))
        assert broken(changed, site)[0] == ({("p04", "implausible eTIV")} if wrong else set())
    assert ("p02", "missing") in broken(table.assign(x=table["x"].where(table.index != 2)), site)[0]


def test_asymmetry_holes_labels_and_scores():
    table, site = people()
    side = np.r_[np.linspace(-0.02, 0.02, 13), 0.3]
    rules, _ = broken(table.assign(asymmetry_x=side), site)
    assert rules == {("p13", "asymmetric")}
    # far from the others, but below a tenth
    assert broken(table.assign(asymmetry_x=np.r_[np.linspace(-0.002, 0.002, 13), 0.09]), site)[0] == set()
    holes = np.r_[[10.0, 11, 12, 13, 14, 15, 16, 17, 18, 60, 1], [9, 9, 90]]
    assert broken(table.assign(surface_holes=holes), site)[0] == {("p09", "surface holes")}  # few holes are no fault
    absent = [""] * 3 + ["17, 53"] + [np.nan] * 10
    assert broken(table.assign(labels_absent=absent), site)[0] == {("p03", "missing labels")}
    scores = pd.DataFrame({"cortex": [0.64, 0.65, np.nan]}, index=["p05", "p01", "p00"])
    assert broken(table, site, scores=scores)[0] == {("p05", "QC score")}
    assert broken(table, site, scores=scores, score_min=0.6)[0] == set()


@pytest.mark.parametrize(("value", "words"), [(0.1, "mixed units: p04"), (100.0, None), (49.0, None)])
def test_a_slip_of_units_is_named_with_its_factor(value, words):
    table, _ = people()
    changed = table.assign(x=table["x"].where(table.index != 4, value))
    if words:
        with pytest.raises(
            Exception, match=f"{words}.*look like ml, the others are mm3; multiply their values by 1000"
        ):
            check_units(changed, BIOMARKERS)
        with pytest.raises(Exception, match="median 0.1 looks like ml, not mm3; multiply the column by 1000"):
            check_units(table.assign(x=table["x"] / 1000), BIOMARKERS)
    else:
        check_units(changed, BIOMARKERS)


def test_left_is_minus_right_over_both(tmp_path):
    names = tmp_path / "labels.tsv"
    names.write_text("label\tname\n10\tLeft-Thalamus\n49\tRight-Thalamus\n")
    volumes = pd.DataFrame({10: [60.0, 40, 50], 49: [40.0, 60, np.nan]}, index=["p", "q", "r"])
    got = biomarkers_from_labels(volumes, BIOMARKERS, names)
    assert got["x"].tolist() == pytest.approx([100, 100, np.nan], nan_ok=True)
    assert got["asymmetry_x"].tolist() == pytest.approx([0.2, -0.2, np.nan], nan_ok=True)
    assert got["labels_absent"].tolist() == ["", "", "49"]
