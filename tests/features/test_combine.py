"""Tables joined by scan into one: right values on shuffled rows, and what stops where nobody is meant."""

import gzip
import os

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from neuraxis.biomarkers import read_biomarkers
from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.features.combine import combine, count_ids, same_files
from neuraxis.features.extract import add_cord, batch_of, extract_batch, fingerprint, there, trace
from neuraxis.features.headsize import with_head_size
from neuraxis.features.measures import possible

PEOPLE = pd.DataFrame(
    {"participant_id": [f"sub-00{i}" for i in range(1, 6)], "group": ["HC", "MS", "MS", "HC", "MS"], "site": "one"}
)
NO_SESSIONS = pd.DataFrame(columns=["participant_id", "session_id", "years"])
VOLUMES = "subject,total intracranial,left thalamus,right thalamus\n"


@pytest.fixture
def defined(request):
    return read_biomarkers(request.config.rootpath / "resources" / "biomarkers.tsv")


@pytest.fixture
def run(request, tmp_path, defined):
    def run(files, sessions=NO_SESSIONS, people=PEOPLE, **options):
        paths = {}
        for name, text in files.items():
            paths[name] = tmp_path / f"{name}.csv"
            paths[name].write_text(text)
        own = {k: str(paths[k]) for k in ("sct", "etiv", "qc_scores") if k in paths}
        source = "table" if "table" in paths else "volume_tables"
        tables = [paths[k] for k in ("table", "volumes", "more") if k in paths]
        labels = request.config.rootpath / "resources" / "labels.tsv"
        return combine(people, sessions, defined, source=source, measures=tables, label_names=labels, **own, **options)

    return run


def volumes(*rows):
    return VOLUMES + "".join(f"{i},{1500000 + n},{7000 + n},{7100 + n}\n" for i, n in rows)


def sct(*rows):
    head = "Timestamp,Filename,Slice (I->S),VertLevel,MEAN(area)\n"
    return head + "".join(f"t,/d/{f}_T2w_seg.nii.gz,1:9,{v},{a + v}\n" for f, a in rows for v in (3, 1, 2))


def test_everything_by_id_and_nothing_by_row(run):
    files = {
        "volumes": volumes(("005", 5), ("sub-002", 2), ("sub-001_T1w", 1), ("004", 4), ("sub-003", 3)),
        "sct": sct(("sub-003", 60), ("sub-001", 70), ("sub-005", 80), ("sub-004", 50)),
        "etiv": "participant_id\tetiv\n003\t1303000\n001\t1301000\n",
        "qc_scores": "subject,thalamus\n004,0.4\n002,0.9\n005,0.8\n",
    }
    got = run(files)
    table = got.measures.set_index("participant_id").sort_index()
    assert table["thalamus"].tolist() == [14102, 14104, 14106, 14108, 14110]
    assert table["etiv"].tolist() == [1301000, 1500002, 1303000, 1500004, 1500005]
    assert table["cord_csa"].tolist() == pytest.approx([72, np.nan, 62, 52, 82], nan_ok=True)
    low = got.qc[got.qc["rule"] == "QC score"]
    assert low["participant_id"].tolist() == ["sub-004"]
    assert got.flow.set_index(["step", "group"]).loc[("measured", "MS"), "n"] == 3


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"volumes": volumes(("1", 1), ("2", 2))},
            "features.volume_tables .*none of its 2 ids is a participant; it has 1, 2",
        ),
        ({"sct": sct(("sub-9", 60))}, "features.sct .*none of its 1 id "),
        ({"etiv": "participant_id,etiv\n9,1500000\n"}, "features.etiv .*none of its 1 id "),
        ({"etiv": "participant_id,etiv\n001,\n"}, "features.etiv .*no participant has a head size"),
        (
            {"etiv": "participant_id,session_id,etiv\n001,02,1500000\n001,01,n/a\n"},
            "none of its scans is one of the measured",
        ),
        ({"qc_scores": "subject,thalamus\n9,0.5\n"}, "features.qc_scores .*none of its 1 id "),
        (
            {"volumes": volumes(("sub-001", 1), ("sub-001_ses-01", 3), ("sub-002", 2))},
            r"two scans are the baseline of sub-001 \(sub-001, sub-001_ses-01\); see cohort.baseline_session",
        ),
        ({"volumes": volumes(("sub-001", 1), ("001", 2))}, r"listed twice: sub-001 \(sub-001, 001\)"),
    ],
)
def test_a_table_that_gives_nobody_a_value_stops(run, files, words):
    with pytest.raises(InputError, match=words):
        run({"volumes": volumes(("sub-001", 1), ("sub-002", 2)), **files})


def test_dated_and_longitudinal_scans(run):
    files = {
        "volumes": volumes(
            ("sub-001_ses-2011", 1), ("sub-002_ses-01.long.sub-002", 2), ("sub-002_ses-02.long.sub-002", 12)
        ),
        "sct": sct(("sub-001_ses-2011", 70), ("sub-002_ses-02", 60)),
    }
    sessions = pd.DataFrame({"participant_id": ["sub-002"], "session_id": ["ses-02"], "years": [1.5]})
    got = run(files, sessions)
    table = got.measures.set_index("participant_id")
    assert table["thalamus"].to_dict() == {"sub-001": 14102, "sub-002": 14104}
    assert table["cord_csa"].to_dict() == pytest.approx({"sub-001": 72, "sub-002": np.nan}, nan_ok=True)
    later = got.followup.iloc[0]
    assert later[["participant_id", "session_id", "years", "thalamus", "cord_csa"]].tolist() == [
        "sub-002",
        "ses-02",
        1.5,
        14124,
        62,
    ]


def test_nobody_at_baseline_stops_where_it_happens(run):
    sessions = pd.DataFrame({"participant_id": ["sub-001"], "session_id": ["ses-02"], "years": [1.5]})
    with pytest.raises(
        InputError,
        match=r"no participant is measured at baseline: measured are sub-001 \(ses-02\).*cohort.baseline_session",
    ):
        run({"volumes": volumes(("sub-001_ses-02", 1))}, sessions)


def test_a_tidy_table(run):
    head = "participant_id,session_id,etiv,thalamus,thick\n"
    got = run({"table": head + "002,ses-01,1500000,15000,3\n001,,1400000,14000,2\n"})
    assert got.measures.set_index("participant_id")["thalamus"].to_dict() == {"sub-002": 15000, "sub-001": 14000}
    with pytest.raises(InputError) as error:
        run({"table": head + "002,ses-01,1500000,<1,3\n001,,14x,14000,2\n"})
    assert "thalamus: no number: sub-002_ses-01 ('<1')" in str(
        error.value
    ) and "etiv: no number: sub-001 ('14x')" in str(error.value)


def test_a_tidy_table_needs_no_head_size_and_knows_it_by_its_names(run):
    got = run({"table": "participant_id,cord_csa\n002,60\n001,70\n"}).measures.set_index("participant_id")
    assert got["cord_csa"].to_dict() == {"sub-002": 60, "sub-001": 70} and got["etiv"].isna().all()
    icv = run({"table": "participant_id,ICV,thalamus\n002,1500000,15000\n001,1400000,14000\n"}).measures
    assert icv.set_index("participant_id")["etiv"].to_dict() == {"sub-002": 1500000, "sub-001": 1400000}
    with pytest.raises(InputError, match="ICV and TIV are all head sizes|ICV, TIV are all head sizes"):
        run({"table": "participant_id,ICV,TIV,thalamus\n002,1500000,1500000,15000\n"})


def test_a_tidy_tables_headings_in_other_capitals_and_with_units(run):
    rows = "".join(f"sub-00{i},{1500 + i},{14000 + i},{70 + i}\n" for i in (4, 2, 1, 5, 3))
    with pytest.warns(NeuraxisWarning, match="look like ml"):
        found = run({"table": "participant_id,TIV (ml),Thalamus,CORD_CSA\n" + rows}).measures.set_index(
            "participant_id"
        )
    assert found.loc["sub-003", ["etiv", "thalamus", "cord_csa"]].tolist() == [1503000, 14003, 73]
    with pytest.raises(InputError, match="Thalamus, THALAMUS differ by capitals alone"):
        run({"table": "participant_id,etiv,Thalamus,THALAMUS\nsub-001,1500000,14000,13000\n"})
    with pytest.raises(InputError, match=r"thalamus: no number: sub-001 \('True'\)"):
        run({"table": "participant_id,etiv,thalamus\nsub-001,1500000,TRUE\nsub-002,1500000,False\n"})


@pytest.mark.parametrize("heading", ["session_id", "Session_ID", "session"])
@pytest.mark.parametrize("key", ["table", "volumes"])
def test_a_session_column_of_any_table_counts(run, key, heading):
    if key == "table":
        text = f"{heading},participant_id,etiv,thalamus\n02,sub-002,1500000,9000\n01,sub-002,1500000,14000\n"
        text += "02,sub-003,1500000,8000\n01,sub-001,1500000,15000\n"
    else:
        text = f"{heading}," + VOLUMES + "02,002,1500000,4500,4500\n01,sub-002,1500000,7000,7000\n"
        text += "02,sub-003,1500000,4000,4000\n01,sub-001,1500000,7500,7500\n"
    later = pd.DataFrame(
        {"participant_id": ["sub-002", "sub-003"], "session_id": ["02", "ses-02"], "years": [1.0, 2.0]}
    )
    found = run({key: text}, sessions=later)
    assert found.measures.set_index("participant_id")["thalamus"].to_dict() == {"sub-001": 15000, "sub-002": 14000}
    assert found.followup.set_index("participant_id")["thalamus"].to_dict() == {"sub-002": 9000}


def test_odd_measures_are_told(run):
    rows = "".join(f"sub-00{i},1500000,{9999 if i == 3 else 14000 + i},{i / 2}\n" for i in range(1, 6))
    with pytest.warns(NeuraxisWarning) as said:
        found = run({"table": "participant_id,etiv,thalamus,putamen\n" + rows}).measures
    text = " ".join(str(w.message) for w in said)
    assert found["thalamus"].tolist()[2] == 9999
    assert "thalamus: sub-003 (9999) look like codes" in text and "putamen" not in text.split("look like codes")[0]


def test_biomarkers_of_another_unit_are_told(run):
    rows = "".join(f"sub-00{i},1500000,{0.5 + i / 100},{9000 if i < 4 else 90}\n" for i in range(1, 6))
    with pytest.warns(NeuraxisWarning) as said:
        run({"table": "participant_id,etiv,thalamus,putamen\n" + rows})
    text = " ".join(str(w.message) for w in said)
    assert "thalamus: 5 of 5 values lie outside 6000-26000 mm3 (median 0.53)" in text and "putamen: " not in text


def test_rules_that_leave_nobody_stop_where_it_happens(run):
    rows = "".join(f"sub-00{i},1.4{i},14000\n" for i in range(1, 6))  # litres
    with pytest.raises(
        InputError, match=r"leave nobody: implausible eTIV \(5 people\); etiv of sub-001 is 1.41 \(expected"
    ):
        run({"table": "participant_id,etiv,thalamus\n" + rows}, exclude_rules=["implausible eTIV"])


def test_a_cord_alone(run):
    got = run({"sct": sct(("sub-003", 60), ("sub-001", 70))})
    assert got.measures.set_index("participant_id")["cord_csa"].to_dict() == {"sub-003": 62, "sub-001": 72}
    assert got.measures["etiv"].isna().all()


def test_impossible_measures_never_reach_a_norm(run, defined):
    head = "participant_id,etiv,thalamus,cord_csa\n"
    rows = "001,1500000,14000,70\n002,0,inf,71\n003,1500000,-4,72\n004,1500000,0,73\n005,-5,14500,inf\n"
    with pytest.warns(NeuraxisWarning, match="thalamus: sub-002 .inf., sub-003 .-4., sub-004 .0. cannot be"):
        got = run({"table": head + rows}, exclude_rules=["implausible eTIV"])
    assert got.measures["participant_id"].tolist() == ["sub-001", "sub-003", "sub-004"]
    assert got.measures["thalamus"].tolist() == pytest.approx([14000, np.nan, np.nan], nan_ok=True)
    bad = got.qc[got.qc["limits"].str.contains("finite")]
    assert set(zip(bad["participant_id"], bad["biomarker"], strict=True)) >= {
        ("sub-003", "thalamus"),
        ("sub-005", "cord_csa"),
    }
    own = defined.iloc[[0]].assign(biomarker="score", kind="table", unit="z")
    table, rows = possible(pd.DataFrame({"participant_id": ["a"], "score": [-1.5], "etiv": [1e6]}), own)
    assert table["score"].tolist() == [-1.5] and rows.empty  # no size: may be negative


def test_one_scan_under_two_ids_is_named(run):
    with pytest.warns(NeuraxisWarning, match="one scan under two ids: sub-001 and sub-003"):
        head = "participant_id,etiv,thalamus,putamen,caudate\n"
        run({"table": head + "001,1500000,14000,9000,7000\n002,1500000,14100,9100,7100\n003,1500000,14000,9000,7000\n"})
    files = pd.DataFrame({"participant_id": ["b", "a", "c", "a"], "sha256": ["x", "x", "y", "z"]})
    with pytest.warns(NeuraxisWarning, match="one image under two ids: a and b"):
        assert same_files(files)["who"].tolist() == ["a, b"]


def test_ids_are_counted_before_anything_is_measured(tmp_path):
    good, some, bad = (tmp_path / n for n in ("g.csv", "s.csv", "b.csv"))
    good.write_text(volumes(("001", 1), ("sub-002_ses-02", 2)))
    some.write_text(sct(("sub-001", 60), ("sub-77", 60)))
    got = count_ids(
        {str(good): ("features.volume_tables", "people"), str(some): ("features.sct", "sct")}, PEOPLE["participant_id"]
    )
    assert got[["ids", "matched", "people"]].to_numpy().tolist() == [[2, 2, 2], [2, 1, 1]]
    assert got["unmatched"].tolist() == ["", "/d/sub-77_T2w_seg.nii.gz"]
    bad.write_text("subject,edss\n1,2\n")
    with pytest.raises(InputError) as error:
        count_ids(
            {str(bad): ("cohort.visits", "people"), str(tmp_path / "no.csv"): ("features.etiv", "people")}, ["sub-001"]
        )
    assert "cohort.visits" in str(error.value) and "no.csv: no such file" in str(error.value)


@pytest.mark.parametrize("where", [0, 5000, 70_000, 399_999])
def test_an_image_replaced_at_equal_size_and_date_is_noticed_where_it_is_packed(tmp_path, where):
    """Copies keep dates (cp -p, rsync -t): compressed images tell by their own checksum, wherever they differ."""
    rng = np.random.default_rng(0)
    content = bytearray(rng.integers(0, 256, 400_000, dtype=np.uint8))
    file, template = tmp_path / "sub-1.nii.gz", f"{tmp_path}/{{participant_id}}.nii.gz"

    def written():
        file.write_bytes(gzip.compress(bytes(content), compresslevel=0, mtime=0))
        os.utime(file, ns=(10**18, 10**18))
        return file.stat().st_size, fingerprint([template], [], 3)

    size, before = written()
    assert written() == (size, before)
    content[where] ^= 1
    again, after = written()
    assert again == size and after != before


@pytest.mark.parametrize(
    ("size", "where"), [(10, 3), (40_000, 20_001), (60_000, 8_191), (9_000_000, 0), (9_000_000, 8_999_999)]
)
def test_unpacked_files_are_looked_at_in_blocks(tmp_path, size, where):
    """Small ones, which tables and stats are, wholly; of large ones the ends at least."""
    file = tmp_path / "aseg.stats"
    content = bytearray(size)
    file.write_bytes(content)
    before = trace(file)
    content[where] = 1
    file.write_bytes(content)
    assert trace(file) != before
    assert trace(tmp_path / "nowhere") == "unreadable"


def test_a_segmentation_anew_is_seen_in_an_image_that_is_not_packed(tmp_path):
    """The middle of a conformed volume, a tenth of its width each way: edges of slices, which are background, do not do."""
    file = tmp_path / "aseg.nii"
    volume = np.zeros((256, 256, 256), np.uint8)
    file.write_bytes(bytes(352) + volume.tobytes(order="F"))
    before = trace(file)
    volume[64:192, 64:192, 64:192] = 3
    file.write_bytes(bytes(352) + volume.tobytes(order="F"))
    assert trace(file) != before


def test_files_packed_in_several_pieces_are_told_apart(tmp_path):
    rng = np.random.default_rng(0)
    texts = [rng.bytes(90_000) for _ in range(3)]
    found = []
    for first in texts[:2]:
        (tmp_path / "a.nii.gz").write_bytes(gzip.compress(first, mtime=0) + gzip.compress(texts[2], mtime=0))
        found.append(trace(tmp_path / "a.nii.gz"))
    assert found[0] != found[1]


def test_a_changed_image_changes_the_fingerprint_of_its_batch_alone(tmp_path):
    for name in ("001", "sub-002", "sub-003"):
        (tmp_path / f"{name}.nii").write_bytes(b"x" * 10)
    template = f"{tmp_path}/{{participant_id}}.nii"
    before = fingerprint([template, ""], [], 4)
    assert before == fingerprint([template, ""], [], 4)
    file = tmp_path / "001.nii"
    stamp = file.stat()
    file.write_bytes(b"y" * 11)
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    after = fingerprint([template, ""], [], 4)
    changed = {k for k in range(4) if before[k] != after[k]}
    assert batch_of("sub-001", 4) in changed and changed <= {batch_of("001", 4), batch_of("sub-001", 4)}
    listed = tmp_path / "participants.tsv"
    listed.write_text("participant_id\nsub-001\nsub-002\nsub-003\n")
    known = fingerprint([template, ""], [], 4, listed)
    names = there(template)
    file.write_bytes(b"z" * 12)
    changed = {k for k, v in enumerate(fingerprint([template, ""], [], 4, listed)) if v != known[k]}
    assert changed == {batch_of("sub-001", 4)} and there(template) == names
    file.unlink()
    assert there(template) != names
    assert fingerprint([template, ""], [], 4) not in (before, after)


def test_images_under_other_spellings_are_measured(tmp_path, request):
    head = np.full((4, 4, 5), 10, np.int16)
    head[:2] = 49
    head[..., 4] = 24
    for name in ("001/ses-2011", "sub-002/ses-01", "sub-002/ses-02"):
        (tmp_path / name).mkdir(parents=True)
        nib.save(nib.Nifti1Image(head, np.eye(4)), tmp_path / name / "aseg.nii.gz")
    (tmp_path / "people.tsv").write_text(
        "participant_id\tgroup\tsite\tage\tsex\nsub-001\tHC\tA\t30\tF\nsub-002\tMS\tA\t40\tM\n"
    )
    (tmp_path / "sessions.tsv").write_text("participant_id\tsession_id\tyears\nsub-002\t02\t1\n")
    (tmp_path / "etiv.tsv").write_text("participant_id\tsession_id\tetiv\n002\t02\t1600\n001\t\t1500\n")
    resources = request.config.rootpath / "resources"
    tables = [
        extract_batch(
            tmp_path / "people.tsv",
            tmp_path / "sessions.tsv",
            [],
            batch=b,
            n_batches=2,
            listed=tmp_path / "people.tsv",
            biomarkers=resources / "biomarkers.tsv",
            labels_file=resources / "labels.tsv",
            etiv=tmp_path / "etiv.tsv",
            templates=(f"{tmp_path}/{{participant_id}}/{{session_id}}/aseg.nii.gz", "", ""),
            baseline_session="ses-01",
            cord_levels=(1,),
        )
        for b in (0, 1)
    ]
    got = pd.concat([t[0] for t in tables]).set_index(["participant_id", "session_id"])["etiv"].to_dict()
    assert got == {("sub-001", "baseline"): 1500000, ("sub-002", "baseline"): 80, ("sub-002", "02"): 1600000}
    files = pd.concat([t[2] for t in tables])
    assert files["file"].str.contains("001/ses-2011").sum() == 1 and len(files) == 3


def test_rules_that_exclude_exclude_and_all_others_only_flag(run):
    """One person of too large a head, one with an implausible thalamus: which of them stays is the configuration's."""
    files = {
        "volumes": VOLUMES
        + "001,2400000,7001,7101\n002,1500002,7002,7102\n003,1500003,900,900\n004,1500004,7004,7104\n005,1500005,7005,7105\n"
    }
    for rules, gone, stays in (
        (("implausible eTIV",), "sub-001", "sub-003"),
        (("implausible",), "sub-003", "sub-001"),
    ):
        got = run(files, exclude_rules=rules)
        assert got.qc.set_index("participant_id")["decision"].to_dict() == {gone: "excluded", stays: "flagged"}
        assert gone not in set(got.measures["participant_id"]) and stays in set(got.measures["participant_id"])
        flow = got.flow[got.flow["step"] == "quality rules"].set_index("group")
        group = "HC" if gone == "sub-001" else "MS"
        other = {"HC": "MS", "MS": "HC"}[group]
        assert flow.loc[group, "excluded"] == 1 and gone in flow.loc[group, "who"] and flow.loc[other, "excluded"] == 0
        assert flow["n"].to_dict() == {"HC": 2 - (group == "HC"), "MS": 3 - (group == "MS")}
    everybody = run(files, exclude_rules=())
    assert set(everybody.qc["decision"]) == {"flagged"} and len(everybody.measures) == 5


def test_later_scans_that_no_session_lists_are_named(run, caplog):
    files = {
        "volumes": volumes(("sub-001", 1), ("sub-002", 2), ("sub-002_ses-02", 12), ("sub-001_ses-09", 3)),
        "sct": sct(("sub-001", 70), ("sub-002", 60)),
    }
    sessions = pd.DataFrame({"participant_id": ["sub-002"], "session_id": ["ses-02"], "years": [1.5]})
    with caplog.at_level("WARNING"):
        got = run(files, sessions)
    assert got.followup["session_id"].tolist() == ["ses-02"]
    assert "does not list are left aside: sub-001 ses-09" in caplog.text


def test_areas_go_to_the_biomarker_of_kind_cord_or_are_refused():
    scans = pd.DataFrame({"participant_id": ["sub-2", "sub-1"], "session_id": ["baseline", "ses-02"]})
    areas = pd.Series({"sub-1": 70.0, "sub-1_ses-02": 68.0, "sub-2": 75.0})
    defined = pd.DataFrame({"biomarker": ["thalamus", "neck"], "kind": ["labels", "cord"]})
    assert add_cord(scans, defined, areas)["neck"].tolist() == [75.0, 68.0]
    assert add_cord(scans, defined.iloc[:1], areas) is scans
    with pytest.raises(InputError, match="no cord here"):
        add_cord(scans, defined.iloc[:1], areas, otherwise="no cord here")


def test_a_tidy_tables_head_size_is_called_etiv():
    table = pd.DataFrame({"TIV (ml)": [1500.0], "thalamus": [15000.0]})
    assert with_head_size(table, what="t").columns.tolist() == ["etiv", "thalamus"]
    own = table.assign(etiv=1.4e6)
    assert with_head_size(own, what="t") is own  # etiv is the one that is meant
    assert with_head_size(table[["thalamus"]], what="t")["etiv"].isna().all()
    with pytest.raises(InputError, match=r"t: TIV \(ml\), ICV are all head sizes; name the one that is meant etiv"):
        with_head_size(table.assign(ICV=1.5e6), what="t")
