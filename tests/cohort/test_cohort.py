"""Participants tables checked whole; the simulated cohort has the published sizes."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.cohort.participants import read_participants
from neuraxis.cohort.simulated import correlation, simulate_cohort
from neuraxis.errors import InputError


def write(tmp_path, text):
    path = tmp_path / "participants.tsv"
    path.write_bytes(text.encode("utf-8-sig"))
    return path


def test_every_problem_is_named_at_once(tmp_path):
    path = write(
        tmp_path,
        "participant_id\tgroup\tage\tsex\r\ns1\tHC\t30\tM\r\ns1\tHC\t31\tF\r\ns 2\tHC\t40\tF\r\ns3\tXX\t50\tF\r\ns4\tMS\t300\tF\r\ns5\tMS\t30\tq\r\ns6\tMS\tabc\tF\r\n",
    )
    with pytest.raises(InputError) as error:
        read_participants(path, control="HC", diseases=["MS"])
    for words in (
        "more than once: s1",
        "odd characters: s 2",
        "s3 (XX)",
        "age outside 5-110 years: s4",
        "sex not M or F (male or female): s5",
        "age not a number: s6",
    ):
        assert words in str(error.value)


def test_missing_covariates_are_excluded_by_name(tmp_path):
    path = write(tmp_path, "participant_id\tgroup\tage\tsex\tsite\ns1\tHC\t30\tmale\ta\ns2\tMS\tn/a\tF\ta\n")
    people, flow = read_participants(path, control="HC", diseases=["MS"])
    assert people["participant_id"].tolist() == ["s1"] and people["sex"].tolist() == ["M"]
    row = flow[(flow["step"] == "age, sex and site known") & (flow["group"] == "MS")].iloc[0]
    assert row["excluded"] == 1 and row["who"] == "s2"


@pytest.mark.parametrize(("text", "words"), [("", "is empty"), ("participant_id\tage\ns1\t3\n", "group, sex")])
def test_unusable_tables(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_participants(write(tmp_path, text), control="HC", diseases=["MS"])


def test_simulated_cohort_has_the_studys_sizes(request):
    resources = request.config.rootpath / "resources"
    people, measures, truth = simulate_cohort(resources, seed=2)
    assert people["group"].value_counts().to_dict() == {"HC": 1065, "MS": 391, "NMOSD": 278}
    assert (people["origin"] == "SIMULATED").all() and measures["participant_id"].equals(people["participant_id"])
    assert people.groupby("group")["age"].median().to_dict() == pytest.approx(
        {"HC": 45, "NMOSD": 43, "MS": 34}, abs=2.5
    )
    sick = truth[truth["group"] == "MS"]
    assert (sick["subtype"] == "NA").mean() == pytest.approx(123 / 391, abs=0.06)
    assert (sick.loc[sick["subtype"] == "NA", "stage"] == 0).all()
    assert sick.loc[sick["stage"] > 0, "stage"].median() == pytest.approx(7.5, abs=2)
    again = simulate_cohort(resources, seed=2)
    pd.testing.assert_frame_equal(measures, again[1])
    assert not measures.equals(simulate_cohort(resources, seed=3)[1])


def test_residual_correlation_is_a_correlation():
    from neuraxis.cohort.simulated import NORMS

    r = correlation(list(NORMS), "NMOSD")
    assert np.allclose(np.diag(r), 1) and np.linalg.eigvalsh(r).min() > 0
    i, j = list(NORMS).index("brainstem"), list(NORMS).index("ventral_dc")
    assert r[i, j] == pytest.approx(0.51, abs=0.06)
