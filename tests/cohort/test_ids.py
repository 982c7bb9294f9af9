"""One id rule for all tables: spelling, sessions, the column of the person, and what happens where nothing matches."""

import warnings

import pytest

from neuraxis.cohort.ids import (
    BASELINE,
    People,
    counts_rows,
    id_column,
    match_ids,
    parse,
    refuse_repeats,
    scan_names,
    session_column,
    split_scans,
)
from neuraxis.cohort.templates import Locator, template_problem
from neuraxis.errors import InputError, NeuraxisWarning

LISTED = ["sub-001", "sub-MS-2", "sub-NMO_03", "007", "sub-10"]


@pytest.mark.parametrize(
    ("text", "person", "session"),
    [
        ("sub-001", "sub-001", ""),
        ("001", "sub-001", ""),
        ("1", None, ""),  # leading zeros count
        ("sub-007", "007", ""),
        ("MS-2", "sub-MS-2", ""),
        ("NMO_03", "sub-NMO_03", ""),
        ("NMO_03_T1w.nii.gz", "sub-NMO_03", ""),
        ("sub-001_ses-02_acq-ax_T2w.mgz", "sub-001", "ses-02"),
        ("sub-001_ses-01.long.sub-001", "sub-001", "ses-01"),
        ("sub-001.long.sub-001_base", "sub-001", ""),
        ("001/", "sub-001", ""),
        (" 001 ", "sub-001", ""),
        ("sub-001b", None, ""),
        ("sub-001_b", None, ""),  # somebody else's id, not a suffix
        ("sub-MS", None, ""),
        ("ses-02", None, "ses-02"),
        ("/data/fs/sub-001/", "sub-001", ""),  # paths in a column of ids
        ("C:\\fs\\001_ses-02", "sub-001", "ses-02"),
        ("/data/sub-001/ses-02", "sub-001", "ses-02"),
        ("sub\u2013001", "sub-001", ""),  # a dash for a hyphen
    ],
)
def test_a_person_under_any_spelling(text, person, session):
    assert People(LISTED).find(text) == (person, session)


def test_two_people_who_differ_by_the_prefix_alone_are_not_guessed():
    people = People(["sub-01", "01"])
    assert people.find("sub-01")[0] == "sub-01" and people.find("01")[0] == "01"
    assert People(["sub-01", "sub_01"]).find("01")[0] is None


@pytest.mark.parametrize(
    ("path", "person", "session"),
    [
        ("/d/sub-001/ses-01/anat/t2_seg.nii.gz", "sub-001", "ses-01"),
        ("/d/sub-001/anat/sub-001_ses-2011_t1w_seg.nii.gz", "sub-001", "ses-2011"),
        ("C:\\d\\001\\anat\\t2_seg.nii.gz", "sub-001", ""),
        ("/sub-10/data/007/bl/cord/t2_seg.nii.gz", "007", ""),  # the deepest folder
        ("/d/sub-001/sub-99_T1w_seg.nii.gz", None, ""),  # a named file of somebody else
        ("/d/sub-001_RPI_r_seg.nii.gz", "sub-001", ""),
    ],
)
def test_the_person_of_a_file(path, person, session):
    assert People(LISTED).find_path(path) == (person, session)


def test_a_file_of_two_sessions_is_refused():
    with pytest.raises(InputError, match="folder says ses-01, the file ses-02"):
        People(LISTED).find_path("/d/sub-001/ses-01/sub-001_ses-02_T2w_seg.nii.gz")


def test_ids_without_people():
    assert parse("training_seg_01") == ("training_seg_01", "")
    assert parse("sub-07_ses-02.nii.gz") == ("sub-07", "ses-02") and parse("MS_007_T1w") == ("MS_007", "")


def test_matching_tells_how_many_and_stops_where_nobody_is_meant():
    with pytest.raises(InputError) as error:
        match_ids(["1", "2", "3"], LISTED, what="features.etiv (e.tsv)")
    assert "features.etiv (e.tsv): none of its 3 ids is a participant; it has 1, 2" in str(error.value)
    assert "sub-001, sub-MS-2" in str(error.value)
    with pytest.warns(NeuraxisWarning, match=r"sct: 2 of 3 ids are participants; nobody is listed as sub-99"):
        got = match_ids(["sub-99", "10", "001"], LISTED, what="sct")
    assert got["participant_id"].tolist()[1:] == ["sub-10", "sub-001"] and got["participant_id"].isna()[0]


def test_a_scan_twice_under_two_spellings_is_refused():
    ids = ["sub-001_ses-01", "007", "001_ses-01"]
    names = scan_names(ids, LISTED, what="vols")
    assert names.tolist() == ["sub-001_ses-01", "007", "sub-001_ses-01"]
    with pytest.raises(InputError, match=r"vols: listed twice: sub-001_ses-01 \(sub-001_ses-01, 001_ses-01\)"):
        refuse_repeats(ids, names, what="vols")


def split(names, **options):
    got = split_scans(names, **{"baseline": "ses-01", **options})
    return {k: [tuple(r) for r in t.itertuples(index=False)] for k, t in got.items()}


def test_the_only_session_is_the_baseline_and_the_same_in_all_tables():
    got = split(
        {"volumes": ["a", "b_ses-2011", "c_ses-9", "c_ses-10"], "sct": ["a_ses-2010", "b_ses-2011", "c_ses-10"]}
    )
    assert got["volumes"] == [("a", BASELINE), ("b", BASELINE), ("c", BASELINE), ("c", "ses-10")]
    assert got["sct"] == [("a", BASELINE), ("b", BASELINE), ("c", "ses-10")]


def test_the_earliest_of_several_is_said(recwarn):
    split({"v": ["c_ses-10", "c_ses-9"]})
    assert "earliest is taken as the baseline of c (ses-9)" in str(recwarn[0].message)


def test_the_only_session_that_is_not_listed_is_the_first():
    split = split_scans({"a": ["p_ses-02", "p_ses-03"]}, baseline="ses-01", follow=[("p", "02")])["a"]
    assert split["session_id"].tolist() == ["02", BASELINE]


def test_a_prefix_ends_with_its_dash():
    people = People(["sub-ject1", "1"])
    assert (
        people.find("subject1") == (None, "") and people.find("sub1") == (None, "") and people.find("sub_1")[0] == "1"
    )


def test_listed_follow_ups_and_configured_labels():
    got = split(
        {"v": ["a_ses-02", "b_ses-02", "b_ses-00", "d", "d_ses-02", "e_ses-01", "e_ses-02"]}, follow=[("a", "02")]
    )
    assert got["v"] == [
        ("a", "02"),
        ("b", "ses-02"),
        ("b", BASELINE),
        ("d", BASELINE),
        ("d", "ses-02"),
        ("e", BASELINE),
        ("e", "ses-02"),
    ]


def test_a_session_column_counts():
    names = scan_names(["1", "1", "2"], ["sub-1", "sub-2"], what="t", sessions=["baseline", "02", None])
    assert split({"t": names})["t"] == [("sub-1", BASELINE), ("sub-1", "ses-02"), ("sub-2", BASELINE)]


@pytest.mark.parametrize(
    ("columns", "first", "name"),
    [
        (["", "participant_id", "x"], ["1", "2"], "participant_id"),
        (["subject", "participant_id"], None, "participant_id"),
        (["", "x"], ["1", "2", "3"], None),
        (["", "x"], ["0", "1"], None),
        (["", "x"], ["sub-1", "sub-2"], ""),
        (["", "x"], ["2", "3", "1"], None),  # a sorted table keeps its row numbers
        (["", "x"], ["1", "0"], None),
        (["", "x"], ["01", "02"], ""),
        (["", "x"], ["101", "102"], ""),
        (["lh.aparc.DKTatlas.volume", "x"], None, "lh.aparc.DKTatlas.volume"),
        (["rh.aparc.a2009s.thickness"], None, "rh.aparc.a2009s.thickness"),
        (["Measure:mean", "x"], None, "Measure:mean"),
        (["SubjID", "Dx"], None, "SubjID"),
        (["Patient ID", "x"], None, "Patient ID"),
        (["colour", "x"], ["a"], None),
        (["id", "Measure:volume"], ["1", "2"], "Measure:volume"),  # id may be the row's
        (["id", "lh.aparc.volume"], ["1", "2"], "lh.aparc.volume"),
        (["id", "x"], ["1", "2"], "id"),
        (["record_id", "x"], None, "record_id"),
        (["record_id", "subject"], None, "subject"),
    ],
)
def test_which_column_is_the_person(columns, first, name):
    assert id_column(columns, first) == name
    assert counts_rows(["1", "2"]) and not counts_rows(["1", "3"]) and not counts_rows(["1", "1"])


def test_numbers_without_a_name_are_people_with_a_warning():
    with pytest.warns(NeuraxisWarning, match="if it counts rows, name the column that holds the people"):
        assert id_column(["", "x"], ["2", "5", "3"]) == ""  # rows that are left of a longer table look like this
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert id_column(["", "x"], ["101", "205"]) == "" and id_column(["", "x"], ["002", "005", "003"]) == ""


def test_an_id_with_a_decimal_is_the_whole_number():
    assert People(["7", "070", "sub-8"]).find("7.0") == ("7", "") and People(["sub-8"]).find("8.0")[0] == "sub-8"
    assert People(["70"]).find("7.0")[0] is None and parse("7.0_x") == ("7.0_x", "")


def test_templates_of_the_longitudinal_stream_are_no_scans():
    rows = ["sub-1", "sub-1_ses-2.long.sub-1", "sub-1_ses-1.long.sub-1", "sub-2", "/fs/sub-3", "sub-3_ses-1.long.sub-3"]
    with pytest.warns(NeuraxisWarning, match="which are no scans, are left aside: sub-1, /fs/sub-3"):
        names = scan_names(rows, ["sub-1", "sub-2", "sub-3"], what="x")
    assert names.tolist() == [None, "sub-1_ses-2", "sub-1_ses-1", "sub-2", None, "sub-3_ses-1"]


@pytest.mark.parametrize("label", ["follow up", "ses-0_2", "ses-M12/a", "2.5"])
def test_sessions_that_no_file_can_have_are_refused(label):
    with pytest.raises(InputError, match=rf"letters and digits.*not those of b \('{label.removeprefix('ses-')}'\)"):
        scan_names(["a", "b"], ["a", "b"], what="x", sessions=["ses-1", label])


def test_which_column_is_the_session():
    assert session_column(["id", "Session ID"]) == "Session ID" and session_column(["SessionID", "x"]) == "SessionID"
    assert session_column(["session", "session_id"]) == "session_id" and session_column(["ses", "sessions"]) is None


def test_a_listed_follow_up_is_nobodys_first_image(tmp_path):
    for session in ("ses-00", "ses-01"):
        (tmp_path / f"sub-1_{session}.nii").write_text("")
    template = f"{tmp_path}/{{participant_id}}_{{session_id}}.nii"
    assert Locator([template], "ses-01")("sub-1", "baseline")[0].endswith("sub-1_ses-01.nii")
    find = Locator([template], "ses-01", [("sub-1", "01")])
    assert find("sub-1", "baseline")[0].endswith("sub-1_ses-00.nii")
    assert find("sub-1", "01")[0].endswith("sub-1_ses-01.nii")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("/d/{participant_id}/a.nii", ""),
        ("/d/{participant_id}/{session_id}/a.nii", ""),
        ("/d/{session_id}/a.nii", "no {participant_id}"),
        ("/d/a.nii", "no {participant_id}"),
        ("/d/{subject}/a.nii", "unknown field {subject}"),
        ("/d/{participant_id.real}/a.nii", "unknown field"),
        ("/d/{participant_id:>9}/a.nii", "with a format"),
        ("/d/{participant_id", "braces"),
        ("/d/{}/a.nii", "unknown field"),
    ],
)
def test_templates(template, words):
    problem = template_problem(template)
    assert (words in problem) if words else problem == ""


def test_files_are_found_under_other_spellings_and_dated_sessions(tmp_path):
    for name in ("001/ses-2011", "sub-MS-2/ses-01", "sub-MS-2/ses-02", "sub-10/ses-02", "sub-10/ses-05", "9/ses-1"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "aseg.mgz").touch()
    find = Locator([f"{tmp_path}/{{participant_id}}/{{session_id}}/aseg.mgz", ""], "ses-01", [("sub-10", "02")])
    assert find("sub-001", BASELINE) == (f"{tmp_path}/001/ses-2011/aseg.mgz", None)
    assert find("sub-MS-2", BASELINE)[0].endswith("ses-01/aseg.mgz")
    assert find("sub-MS-2", "02")[0].endswith("sub-MS-2/ses-02/aseg.mgz")
    assert find("sub-10", BASELINE)[0].endswith("ses-05/aseg.mgz")  # ses-02 is a listed follow-up
    assert find.exists("sub-001") and not find.exists("sub-3") and find.all_ids() >= {"001", "9"}


def test_letters_with_accents_are_the_same_however_they_are_stored():
    """macOS writes names of files with the accent as a letter of its own."""
    people = People(["sub-é1", "sub-2"])
    assert people.find("sub-e\u03011") == ("sub-é1", "") and people.find("e\u03011")[0] == "sub-é1"
    assert People(["sub-e\u03011"]).find("sub-é1")[0] == "sub-e\u03011"


def test_the_log_counts_matched_ids_and_those_without_their_prefix(caplog):
    with caplog.at_level("INFO"), pytest.warns(NeuraxisWarning, match="3 of 4 ids are participants; .* listed as 99"):
        match_ids(["07", "sub-08", "9", "99"], ["sub-07", "sub-08", "sub-9"], what="t.tsv")
    assert "t.tsv: 3 of 4 ids are participants, 2 of them without the prefix sub-" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        match_ids(["sub-08"], ["sub-07", "sub-08"], what="t.tsv")
    assert "1 of 1 id is a participant" in caplog.text and "prefix" not in caplog.text
