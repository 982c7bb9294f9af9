"""People, groups, codes and repeated tables as they come: what is wrong is named, what is odd is warned of."""

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
    assert not code_like(pd.Series([95.0, 97, 99, 101])).any() and not code_like(pd.Series([1.0, 0, 9])).any()


def test_warned_codes_name_the_person(tmp_path):
    rows = "".join(f"s{i}\t{'HC' if i < 3 else 'MS'}\t30\tM\t{e}\n" for i, e in enumerate([10, 12, 9, 16, 999]))
    with pytest.warns(NeuraxisWarning, match=r"education: s4 \(999\) look like codes"):
        read(table(tmp_path, "participant_id\tgroup\tage\tsex\teducation\n" + rows))


def test_a_site_called_na(tmp_path):
    text = "participant_id\tgroup\tage\tsex\tsite\na\tHC\t30\tM\tNA\nb\tMS\t40\tF\tMI\n"
    path = table(tmp_path, text)
    with pytest.warns(NeuraxisWarning, match=r"site NA of 1 people is read as missing.*cohort.sites: \['NA'\]"):
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
