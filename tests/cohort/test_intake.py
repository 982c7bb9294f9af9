"""People, groups, codes and repeated tables as they come: what is wrong is named, what is odd is warned of."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from neuraxis.clinical.cases import check_outcomes, complete_cases
from neuraxis.clinical.outcomes import declare
from neuraxis.cohort.participants import gather_cohort, read_participants, read_times
from neuraxis.cohort.scores import code_like, impossible
from neuraxis.errors import InputError, NeuraxisWarning

SCHEMA = yaml.safe_load((Path(__file__).parents[2] / "workflow/schemas/participants.schema.yaml").read_text())
HEAD = "participant_id\tgroup\tage\tsex\tedss\n"
ROWS = "sub-01\tControl\t30\tM\tn/a\nsub-02\tRRMS\t40\tF\t2.5\nsub-03\tSPMS\t50\tM\t6\nsub-04\tCIS\t20\tF\t1\n"


def table(tmp_path, text, name="participants.tsv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def read(path, **options):
    return read_participants(path, SCHEMA, **{"control": "HC", "diseases": ["MS"], **options})


def test_groups_are_merged_and_others_left_out_by_name(tmp_path):
    path = table(tmp_path, HEAD + ROWS)
    with pytest.warns(NeuraxisWarning, match=r"left out: sub-04 \(CIS\)"):
        people, flow = read(path, groups={"MS": ["RRMS", "SPMS"], "HC": ["Control"]})
    assert people["group"].tolist() == ["HC", "MS", "MS"]
    out = flow[flow["step"] == "group of the study"].set_index("group")
    assert out.loc["CIS", "who"] == "sub-04" and out["excluded"].sum() == 1 and out.loc["MS", "n"] == 2
    with pytest.raises(InputError, match=r"group not among HC, MS .*cohort.groups.*sub-04 \(CIS\)"):
        read(path)


def test_numbered_groups(tmp_path):
    path = table(tmp_path, "participant_id\tgroup\tage\tsex\na\t0\t30\tM\nb\t1\t40\tF\n")
    people, _ = read(path, groups={"HC": [0], "MS": [1]})
    assert people["group"].tolist() == ["HC", "MS"]


def test_a_group_called_na_where_the_configuration_names_it(tmp_path):
    path = table(tmp_path, "participant_id\tGroup\tage\tsex\na\tHC\t30\tM\nb\tNA\t40\tF\nc\t\t40\tF\n")
    with pytest.warns(NeuraxisWarning, match=r"left out: c \(\?\)$"):
        people, _ = read(path, groups={"MS": ["NA"], "HC": ["HC"]})
    assert people["group"].tolist() == ["HC", "MS"]
    with pytest.raises(InputError, match=r"group not among HC, MS .*: b \(\?\), c \(\?\)"):
        read(path)


def test_a_disease_named_as_people_write_it(tmp_path):
    path = table(tmp_path, "participant_id\tgroup\tage\tsex\na\tHC\t30\tM\nb\tRR-MS\t40\tF\n")
    people, _ = read(path, diseases=["RR-MS"])
    assert people["group"].tolist() == ["HC", "RR-MS"]


def test_a_phenotype_table_is_matched_by_id_and_must_match(tmp_path):
    path = table(tmp_path, "participant_id\tgroup\tage\tsex\nsub-001\tHC\t30\tM\nsub-002\tMS\t40\tF\n")
    more = table(tmp_path, "subject,sdmt\n002,44\n001,60\n", "p.csv")
    people, _ = read(path, phenotype=[more])
    assert people["sdmt"].tolist() == [60, 44]
    more.write_text("subject,sdmt\n2,44\n1,60\n")
    with pytest.raises(
        InputError, match="none of its 2 ids is a participant; it has 2, 1, cohort.participants has sub-001"
    ):
        read(path, phenotype=[more])
    more.write_text("subject,sdmt\n001,\n002,n/a\n")
    with pytest.raises(InputError, match="no participant has a value in it"):
        read(path, phenotype=[more])
    more.write_text("subject,sdmt\n001,5\nsub-001,6\n")
    with pytest.raises(InputError, match="listed more than once: sub-001"):
        read(path, phenotype=[more])


@pytest.mark.parametrize(
    ("name", "values", "bad"),
    [
        ("edss", [0, 2.5, 10], []),
        ("EDSS", [2.25, 99, -1, 4], [0, 1, 2]),
        ("sdmt", [99, 2.25], []),
    ],
)
def test_ranges_of_scores(name, values, bad):
    got, _ = impossible(name, pd.Series(values, dtype=float))
    assert np.flatnonzero(got).tolist() == bad


def test_an_impossible_score_is_refused_by_name(tmp_path):
    path = table(tmp_path, HEAD + "sub-01\tHC\t30\tM\tn/a\nsub-02\tMS\t40\tF\t99\nsub-03\tMS\t40\tF\t2.3\n")
    with pytest.raises(InputError, match=r"edss: must be 0 to 10 in steps of 0.5: sub-02 \(99.0\), sub-03 \(2.3\)"):
        read(path)


def test_codes_are_warned_of():
    years = pd.Series([10, 12, 9, 16, 999, 13, -9.0])
    assert np.flatnonzero(code_like(years)).tolist() == [4, 6]
    assert np.flatnonzero(code_like(pd.Series([20.0, 60, 40, 99]))).tolist() == [3]
    assert np.flatnonzero(code_like(pd.Series([14_000.0, 15_000, 14_200, 9999]))).tolist() == [3]
    assert (
        not code_like(pd.Series([20.0, 80, 40, 99])).any() and code_like(pd.Series([20.0, 80, 40, 99, 99])).sum() == 2
    )
    assert not code_like(pd.Series([95.0, 97, 99, 101])).any() and not code_like(pd.Series([1.0, 0, 9])).any()


def test_warned_codes_name_the_person(tmp_path):
    rows = "".join(f"s{i}\t{'HC' if i < 3 else 'MS'}\t30\tM\t{e}\n" for i, e in enumerate([10, 12, 9, 16, 999]))
    with pytest.warns(NeuraxisWarning, match=r"education: s4 \(999\) look like codes"):
        read(table(tmp_path, "participant_id\tgroup\tage\tsex\teducation\n" + rows))


def test_a_site_called_na(tmp_path):
    text = "participant_id\tgroup\tage\tsex\tsite\na\tHC\t30\tM\tNA\nb\tMS\t40\tF\tMI\n"
    path = table(tmp_path, text)
    with pytest.warns(NeuraxisWarning, match=r"site NA of 1 person is read as missing.*cohort.sites: \['NA'\]"):
        people, _ = read(path)
    assert people["participant_id"].tolist() == ["b"]
    people, _ = read(path, sites=["NA"])
    assert people["site"].tolist() == ["site NA", "MI"]


def test_columns_with_capitals_and_text_encodings(tmp_path):
    text = "participant_id\tgroup\tAge\tSex\tsite\na\tHC\t30\tM\tZürich\nb \tMS \t40\tF\tBern\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        people, _ = read(table(tmp_path, text, encoding=encoding))
        assert people["site"].tolist() == ["Zürich", "Bern"] and people["participant_id"].tolist() == ["a", "b"]
    with pytest.raises(InputError, match=r"not a UTF-8 text table \(line 2\)"):
        read(table(tmp_path, text, encoding="latin-1"))


def test_the_sites_heading_in_other_capitals_and_by_other_names(tmp_path):
    text = "participant_id\tgroup\tage\tsex\tSITE\na\tHC\t30\tM\t01\nb\tMS\t40\tF\t2\n"
    people, _ = read(table(tmp_path, text))
    assert people["site"].tolist() == ["01", "2"]
    for name in ("Centre", "scanner_id", "Site name"):
        with pytest.warns(NeuraxisWarning, match=f"no column site, .* scanned at one site; if {name} says where"):
            people, _ = read(table(tmp_path, text.replace("SITE", name)))
        assert people["site"].tolist() == ["one site", "one site"]


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        (["A", "a", "B"], "may be one are taken as several: A and a;"),
        (["1", "1.0", "01", "2"], "several: 01 and 1 and 1.0;"),
        (["Site 1", "site-01", "Site 10"], "several: Site 1 and site-01;"),
        (["1", "2", "99"], r"codes for missing are taken as sites: p2 \(99\);"),
        (["A", "-9", "Unknown"], r"taken as sites: p1 \(-9\), p2 \(Unknown\);"),
        (["1", "2", "9", "10", "11"], None),
        (["A1", "A2", "B1"], None),
    ],
)
def test_sites_that_are_odd_are_warned_of(tmp_path, sites, words):
    rows = "".join(f"p{i}\t{'HC' if i else 'MS'}\t30\tM\t{s}\n" for i, s in enumerate(sites))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        people, _ = read(table(tmp_path, "participant_id\tgroup\tage\tsex\tsite\n" + rows))
    assert people["site"].tolist() == sites
    text = " ".join(str(w.message) for w in said)
    assert re.search(words, text) if words else not text


def test_ages_that_are_codes_and_scores_that_are_words(tmp_path):
    rows = "".join(f"s{i}\t{'HC' if i < 3 else 'MS'}\t{a}\tM\t{e}\n" for i, (a, e) in enumerate(
        [(20, ""), (30, ""), (41, ""), (99, "01.May"), (62, "02.May"), (25, 3)]))  # fmt: skip
    with pytest.warns(NeuraxisWarning) as said:
        people, _ = read(table(tmp_path, HEAD + rows))
    assert people["age"].tolist() == [20, 30, 41, 99, 62, 25]
    text = " ".join(str(w.message) for w in said)
    assert "column age: s3 (99) look like codes" in text and "column edss: most" in text and "s4 ('02.May')" in text


def test_phenotype_rows_of_later_sessions_are_not_the_first(tmp_path):
    people = "participant_id\tgroup\tage\tsex\nsub-1\tHC\t30\tM\nsub-2\tMS\t40\tF\nsub-3\tMS\t40\tF\n"
    more = "participant_id\tSession ID\tsdmt\n1\t02\t9\n1\t01\t50\nsub-2\t02\t44\nsub-3\t02\t7\n"
    sessions = table(tmp_path, "participant_id\tsession_id\tyears\nsub-3\t02\t1\n", "sessions.tsv")
    extra = {"phenotype": [table(tmp_path, more, "p.tsv")], "baseline_session": "ses-01"}
    got = gather_cohort(table(tmp_path, people), SCHEMA, control="HC", diseases=["MS"], sessions=sessions, **extra)
    sdmt = got["participants"].set_index("participant_id")["sdmt"]
    assert sdmt.tolist()[:2] == [50, 44] and np.isnan(sdmt["sub-3"])  # the only session, but a listed follow-up
    path = table(tmp_path, more + "sub-1\tses-01\t3\n", "p.tsv")
    with pytest.raises(InputError, match=r"listed twice: sub-1_ses-01 \(1, sub-1\)"):
        read(table(tmp_path, people), phenotype=[path])


@pytest.mark.parametrize(
    ("key", "row", "words"),
    [
        ("visits", "sub-02\t365\t3", r"cannot be at these people's ages: sub-02 \(365\); are they days or months\?"),
        ("visits", "sub-02\t69.9\t3", None),
        ("visits", "sub-02\t70.1\t3", r"ages: sub-02 \(70.1\)"),
        ("relapses", "sub-02\t-40.5", r"ages: sub-02 \(-40.5\)"),
        ("relapses", "sub-02\t-39.5", None),
        ("sessions", "sub-02\t02\t400", r"cohort.sessions .*ages: sub-02 \(400\)"),
        ("sessions", "sub-02\tbaseline\t1", "a follow-up scan is called baseline: sub-02"),
        ("sessions", "sub-02\tses_02\t1", r"letters and digits.*sub-02 \('ses_02'\)"),
    ],
)
def test_years_that_nobody_lives_and_sessions_that_are_none(tmp_path, key, row, words):
    head = {"visits": "years\tedss", "relapses": "years", "sessions": "session_id\tyears"}[key]
    path = table(tmp_path, f"participant_id\t{head}\n{row}\n", "times.tsv")
    people = table(tmp_path, HEAD + "sub-01\tHC\t30\tM\tn/a\nsub-02\tMS\t40\tF\t2\n")
    settings = {"control": "HC", "diseases": ["MS"], key: path}
    if words is None:
        assert len(gather_cohort(people, SCHEMA, **settings)[key]) == 1
    else:
        with pytest.raises(InputError, match=words):
            gather_cohort(people, SCHEMA, **settings)


def test_a_session_written_as_a_number_with_a_decimal(tmp_path):
    path = table(tmp_path, "participant_id\tSession\tyears\na\t2.0\t1\n")
    got = read_times(path, ["a"], needed=("session_id", "years"), what="cohort.sessions")
    assert got["session_id"].tolist() == ["2"]


def test_repeated_tables_are_matched_and_checked(tmp_path):
    path = table(tmp_path, "participant_id\tyears\tedss\n031\t0\t2\n032\t1\t9.5\n")
    got = read_times(path, ["sub-032"], needed=("years", "edss"), what="cohort.visits", listed=["sub-031", "sub-032"])
    assert got[["participant_id", "edss"]].to_numpy().tolist() == [["sub-032", 9.5]]
    with pytest.raises(InputError, match="cohort.visits .*none of its 2 ids is a participant; it has 031, 032"):
        read_times(path, ["sub-1"], needed=("years", "edss"), what="cohort.visits")
    path.write_text("participant_id\tyears\tedss\n031\tinf\t2\n032\t1\t12\n")
    with pytest.raises(InputError) as error:
        read_times(path, ["031", "032"], needed=("years", "edss"), what="cohort.visits")
    assert "infinite: 031" in str(error.value) and "0 to 10 in steps of 0.5: 032 (12)" in str(error.value)


def test_the_whole_cohort_in_one_call(tmp_path):
    for name in ("sub-02/ses-2011", "01/ses-01", "sub-02/ses-2013", "zz/ses-01"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "aseg.mgz").touch()
    sessions = table(tmp_path, "participant_id\tsession_id\tyears\n02\t2013\t2\n", "sessions.tsv")
    path = table(tmp_path, HEAD + "sub-01\tHC\t30\tM\tn/a\nsub-02\tMS\t40\tF\t2\nsub-03\tMS\t50\tM\t6\n")
    got = gather_cohort(
        path,
        SCHEMA,
        control="HC",
        diseases=["MS"],
        sessions=str(sessions),
        segmentations=f"{tmp_path}/{{participant_id}}/{{session_id}}/aseg.mgz",
    )
    assert got["participants"]["participant_id"].tolist() == ["sub-01", "sub-02"]
    assert got["sessions"][["participant_id", "session_id"]].to_numpy().tolist() == [["sub-02", "2013"]]
    rows = got["flow"].set_index(["step", "group"])["who"]
    assert rows["segmentation found", "MS"] == "sub-03" and rows["segmentation without participant", "n/a"] == "zz"
    with pytest.raises(
        InputError, match=r"features.cord_mask: nobody has a file at .*; that of sub-01 would be .*/01/ses-01/c"
    ):
        gather_cohort(
            path,
            SCHEMA,
            control="HC",
            diseases=["MS"],
            segmentations=f"{tmp_path}/{{participant_id}}/{{session_id}}/aseg.mgz",
            templates={
                "features.labels": f"{tmp_path}/{{participant_id}}/{{session_id}}/aseg.mgz",
                "features.cord_mask": f"{tmp_path}/{{participant_id}}/{{session_id}}/cord.nii.gz",
            },
        )


PEOPLE = pd.DataFrame(
    {
        "group": ["MS"] * 30,
        "age": np.linspace(20, 60, 30),
        "edss": np.arange(30) % 12 / 2,
        "disease_duration": (np.arange(30) * 7 % 13 + 1.0),
    },
    index=[f"sub-{i}" for i in range(30)],
)
EDSS = declare(name="EDSS", column="edss", type="ordinal", covariates=("age", "disease_duration"))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("disease_duration", "<1", "disease_duration is no number: sub-3 ('<1')"),
        ("disease_duration", "20+", "disease_duration is no number: sub-3 ('20+')"),
        ("disease_duration", "unknown", "sub-3 ('unknown')"),
        ("disease_duration", "7,5", "sub-3 ('7,5'); write decimals with a point"),
        ("age", "18-38", "age is no number: sub-3 ('18-38')"),
        ("edss", "n.a.", "edss is no number: sub-3 ('n.a.')"),
        ("edss", "99", "edss must be 0 to 10 in steps of 0.5: sub-3 (99)"),
        ("edss", "inf", "sub-3 (inf)"),
    ],
)
def test_text_among_numbers_is_named_and_no_covariate_disappears(column, value, words):
    people = PEOPLE.astype({column: object})
    people.loc["sub-3", column] = value
    with pytest.raises(InputError) as error:
        check_outcomes([EDSS], people, "HC")
    assert words in str(error.value)
    people[column] = people[column].astype(str).where(people.index != "sub-3", "n/a")
    cases = complete_cases(EDSS, people)
    assert list(cases.x.columns) == ["age", "disease_duration"] and len(cases.y) == 29


def test_a_covariate_that_says_nothing_is_told():
    with pytest.warns(NeuraxisWarning, match="covariate age is the same for everyone"):
        complete_cases(EDSS, PEOPLE.assign(age=40))
    centre = declare(name="EDSS", column="edss", type="ordinal", covariates=("centre",))
    with pytest.warns(NeuraxisWarning, match="covariate centre has no second level with 5 people"):
        complete_cases(centre, PEOPLE.assign(centre=["a"] * 27 + ["b", "c", "d"]))


def test_a_code_among_the_others_values_is_looked_at_once():
    """Columns that hold a 99 somewhere in their range are no work of their own, in tables of thousands of columns."""
    from neuraxis.cohort.participants import _unsuspicious

    inside, above, below = [98.5, 99.0, 101.0], [20.0, 21.0, 30.0, 99.0], [3.0, 4.0, 5.0, -9.0]
    assert _unsuspicious(pd.Series(inside)) and _unsuspicious(pd.Series([1.5, np.nan]))
    assert not any(_unsuspicious(pd.Series(v)) for v in (above, below, [*inside, np.inf], [99.0, 99.0], ["a"]))
