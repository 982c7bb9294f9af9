"""Every format, whole and damaged; what one lacks is missing and named, what is doubled is refused."""

import ast
import gzip
import math
import os
import re
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from powerless import powerless

from neuraxis.biomarkers import read_biomarkers
from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.features.headsize import read_head_sizes, resolve, to_mm3
from neuraxis.features.images import cord_area, label_volumes, map_volume
from neuraxis.features.measures import measure_batch, measure_scan
from neuraxis.features.readers import READERS, read
from neuraxis.features.readers.freesurfer import read_folder, read_stats, read_subregions
from neuraxis.features.readers.sct import read_sct
from neuraxis.features.stats import biomarkers_from_labels, read_qc_scores, read_volume_tables

ASEG = """# Title Segmentation Statistics
# Measure lhCerebralWhiteMatter, lhCerebralWhiteMatterVol, Left white matter, 200000.5, mm^3
# Measure rhCerebralWhiteMatter, rhCerebralWhiteMatterVol, Right white matter, 210000.5, mm^3
# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, 1500000.25, mm^3
# NRows 2
# NTableCols 5
# ColHeaders  Index SegId NVoxels Volume_mm3 StructName
  1  10  7000  7100.5  Left-Thalamus
  2  49  7000  7200.5  Right-Thalamus
"""
APARC = """# Measure Cortex, NumVert, Number of Vertices, 8000, unitless
# ColHeaders StructName NumVert SurfArea GrayVol ThickAvg ThickStd
insula 5000 2431 7669 3.177 0.684
lingual 3000 1500 5000 2.0 0.5
"""


@pytest.fixture
def labels(request):
    return request.config.rootpath / "resources" / "labels.tsv"


@pytest.fixture
def biomarkers(request):
    return read_biomarkers(request.config.rootpath / "resources" / "biomarkers.tsv")


def person(tmp_path, aseg=ASEG, aparc=APARC):
    stats = tmp_path / "sub-01" / "stats"
    stats.mkdir(parents=True, exist_ok=True)
    (stats / "aseg.stats").write_text(aseg)
    for side in ("lh", "rh"):
        (stats / f"{side}.aparc.stats").write_text(aparc)
    return stats.parent


def definition(biomarkers, name, kind, labels, unit="mm3"):
    row = biomarkers.iloc[-1].copy()
    row["biomarker"], row["kind"], row["labels"], row["unit"] = name, kind, labels, unit
    return row.to_frame().T


# FreeSurfer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("7200.5  Right-Thalamus", "7200,5  Right-Thalamus", "line 9, Volume_mm3: '7200,5' has a decimal comma"),
        ("1500000.25, mm^3", "1500000,25, mm^3", "line 4: '1500000,25' has a decimal comma"),
        ("  2  49  7000  7200.5  Right-Thalamus\n", "", "has 1 of the 2 rows"),
        ("# NRows 2\n", "# NRows 3\n", "has 2 of the 3 rows"),
        ("  2  49", "  3  49", "Index is not 1, 2, 3"),
        ("  2  49", "  2  10", "SegId 10.0 stands there twice"),
        ("7200.5", "-7200.5", "cannot be a measure"),
        ("7200.5", "1e999", "cannot be a measure"),
        ("7200.5", "many", "'many' is no number"),
    ],
)
def test_damaged_aseg(tmp_path, labels, old, new, words):
    assert old in ASEG
    with pytest.raises(InputError) as error:
        read_folder(person(tmp_path, ASEG.replace(old, new)), labels)
    assert words in str(error.value) and "aseg.stats" in str(error.value)


def test_a_cut_parcellation_is_seen_by_its_vertices(tmp_path, labels):
    cut = APARC.replace("lingual 3000 1500 5000 2.0 0.5\n", "")
    with pytest.raises(InputError, match="lh.aparc.stats: 38% of the surface's vertices belong to no row"):
        read_folder(person(tmp_path, aparc=cut), labels)


def test_files_of_the_other_side_or_of_somebody_else(tmp_path, labels):
    folder = person(tmp_path)
    stats = folder / "stats"
    whole = {f: (stats / f).read_text() for f in ("aseg.stats", "lh.aparc.stats", "rh.aparc.stats")}
    for f, text in whole.items():
        (stats / f).write_text(
            f"# subjectname ann\n{text}" if f[0] == "a" else f"# subjectname ann\n# hemi {f[:2]}\n{text}"
        )
    assert read_folder(folder, labels).one()[10]
    (stats / "rh.aparc.stats").write_text("# subjectname ann\n# hemi lh\n" + whole["rh.aparc.stats"])
    with pytest.raises(InputError, match="rh.aparc.stats: its header says lh"):
        read_folder(folder, labels)
    (stats / "rh.aparc.stats").write_text("# subjectname bob\n# hemi rh\n" + whole["rh.aparc.stats"])
    with pytest.raises(InputError, match=r"of different people.*aseg.stats \(ann\) and rh.aparc.stats \(bob\)"):
        read_folder(folder, labels)


def test_two_parcellations_are_not_mixed(tmp_path, labels):
    folder = person(tmp_path)
    (folder / "stats/rh.aparc.stats").rename(folder / "stats/rh.aparc.DKTatlas.stats")
    with pytest.raises(InputError, match="different parcellations"):
        read_folder(folder, labels)


def test_thickness_and_surface_of_parcels(tmp_path, labels, biomarkers):
    volumes = read_folder(person(tmp_path), labels).table
    assert volumes.loc["", "thickness:1035"] == 3.177 and volumes.loc["", "area:2013"] == 1500
    defined = pd.concat(
        [
            definition(biomarkers, "thick", "thickness", [1035, 1013], "mm"),
            definition(biomarkers, "surface", "area", [1035, 2035], "mm2"),
            definition(biomarkers, "lacking", "thickness", [1035, 1012], "mm"),
        ]
    )
    got = biomarkers_from_labels(volumes, defined).iloc[0]
    assert got["thick"] == pytest.approx((3.177 + 2.0) / 2) and got["surface"] == 4862 and math.isnan(got["lacking"])


FIVE = "# Hippocampal subfield volumes as created by segmentHA_T1.sh\n1 1  0 512.3 Hippocampal_tail\n2 2  0 240.1 CA1\n"


def test_subregions_of_freesurfer_7(tmp_path, labels, biomarkers):
    folder = person(tmp_path)
    (folder / "stats/hipposubfields.lh.T1.v21.stats").write_text(FIVE)
    (folder / "stats/hipposubfields.lh.T2.v21.myT2.stats").write_text("# Hippocampal subfield volumes\n")
    row = read_folder(folder, labels).one()
    assert row["hipposubfields.lh.CA1"] == 240.1 and row["hipposubfields.lh.T1.v21.Hippocampal_tail"] == 512.3
    assert read_subregions(folder / "stats/hipposubfields.lh.T2.v21.myT2.stats") == {}
    # a second contrast with values of its own: the short name belongs to neither
    (folder / "stats/hipposubfields.lh.T2.v21.myT2.stats").write_text(FIVE.replace("240.1", "300.5"))
    read_now = read_folder(folder, labels)
    row = read_now.one()
    assert "hipposubfields.lh.CA1" not in row and row["hipposubfields.lh.T2.v21.myT2.CA1"] == 300.5
    assert "name one as hipposubfields.lh.T2.v21.myT2.CA1" in read_now.problems["hipposubfields.lh.CA1"]


def test_an_optional_file_costs_nobody_unless_it_is_needed(tmp_path, labels, biomarkers):
    folder = person(tmp_path)
    (folder / "stats/brainstem.v13.stats").write_text("1 1 0 many Pons\n")
    scans = pd.DataFrame({"participant_id": ["sub-01"], "session_id": ["baseline"]})

    def run(defined):
        return measure_batch(scans, defined, lambda p, s: (folder, None, None), (1,), labels)

    table, failed = run(biomarkers)
    assert table["thalamus"].tolist() == [14301] and failed.empty
    table, failed = run(pd.concat([biomarkers, definition(biomarkers, "pons", "names", ["brainstem.Pons"])]))
    assert table.empty and "brainstem.v13.stats, line 1: 'many' is no number" in failed["problem"][0]


def test_an_optional_file_that_cannot_be_opened_costs_nobody(tmp_path, labels):
    folder = person(tmp_path)
    (folder / "stats" / "thalamic-nuclei.lh.v12.T1.stats").mkdir()
    (folder / "stats" / "thalamic-nuclei.rh.v12.T1.stats").symlink_to("thalamic-nuclei.rh.v12.T1.stats")  # in a circle
    found = read_folder(folder, labels)
    assert found.one()[10] == 7100.5 and list(found.problems) == ["thalamic-nuclei.rh.", "thalamic-nuclei.rh.v12.T1."]


@pytest.mark.parametrize("text", ["CA1 600.5\nCA2 10", "CA1 1 2\n", "CA1 600,5\n", "CA1 5\nCA1 6\n", "1 1 0 5\n"])
def test_damaged_lists(tmp_path, text):
    path = tmp_path / "lh.hippoSfVolumes-T1.v21.txt"
    path.write_text(text)
    with pytest.raises(InputError, match="hippoSfVolumes"):
        with pytest.warns() if not text.endswith("\n") else np.errstate():
            read_subregions(path)


def test_synthseg_inside_a_folder(tmp_path, labels):
    """recon-all-clinical and FreeSurfer 8: an eTIV of 0 or none at all, and synthseg.vol.csv beside."""
    table = "subject,total intracranial,left thalamus\norig,1400000.0,6900.0\n"
    folder = person(tmp_path, ASEG.replace("1500000.25", "0.000000"))
    (folder / "stats/synthseg.vol.csv").write_text(table)
    row = read_folder(folder, labels).one()
    assert row["etiv"] == 1400000 and row[10] == 7100.5
    (folder / "stats/aseg.stats").unlink()
    row = read_folder(folder, labels).one()
    assert row["etiv"] == 1400000 and row[10] == 6900 and row[1035] == 7669


# tables -----------------------------------------------------------------------------------------------------------


def table(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("head", ["lh.aparc.volume", "lh.aparc.DKTatlas.volume", "lh.my.own.parc.volume"])
def test_any_parcellation_heads_the_people(tmp_path, labels, head):
    text = f"{head}\tlh_insula_volume\tlh_lateraloccipital_volume\teTIV\nsub-01\t7000\t11000\t1500000\n"
    got = read_volume_tables([table(tmp_path, text)], labels)
    assert got.loc["sub-01"].to_dict() == {1035: 7000, 1011: 11000, "etiv": 1500000}


def test_thickness_and_area_tables(tmp_path, labels):
    one = table(
        tmp_path, "lh.aparc.thickness\tlh_insula_thickness\tlh_MeanThickness_thickness\teTIV\na\t3\t2\t1500000\n"
    )
    two = table(tmp_path, "rh.aparc.area\tinsula\na\t2400\n", "u.csv")  # --parcid-only
    got = read_volume_tables([one, two], labels)
    assert got.loc["a"].to_dict() == {"thickness:1035": 3, "etiv": 1500000, "area:2035": 2400}
    with pytest.raises(InputError, match="asegstats2table wrote mean, not volumes"):
        read_volume_tables([table(tmp_path, "Measure:mean\tLeft-Thalamus\na\t90\n")], labels)
    with pytest.raises(InputError, match="holds meancurv"):
        read_volume_tables([table(tmp_path, "lh.aparc.meancurv\tlh_insula_meancurv\na\t0.1\n")], labels)


def test_enigma_tables(tmp_path, labels):
    one = table(tmp_path, "SubjID,LLatVent,RLatVent,Lthal,Rthal,Laccumb,ICV\nsub-1,6000,6100,7000,7100,500,1500000\n")
    two = table(
        tmp_path, "SubjID,L_insula_thickavg,R_insula_thickavg,LThickness,ICV\nsub-1,3.0,3.1,2.5,1500000\n", "u.csv"
    )
    got = read_volume_tables([one, two], labels).loc["sub-1"].to_dict()
    want = {4: 6000, 43: 6100, 10: 7000, 49: 7100, 26: 500, "etiv": 1500000, "thickness:1035": 3.0}
    assert {k: got[k] for k in want} == want and got["thickness:2035"] == 3.1 and len(got) == 8


def test_volbrain_of_both_generations(tmp_path, labels):
    head = "Patient ID;Tissue IC cm3;Tissue IC %;Hippocampus Total cm3;Hippocampus Right cm3;Hippocampus Left cm3;Hippocampus Asymmetry\n"
    got = read_volume_tables([table(tmp_path, head + "s1;1500.5;100;6.75;3.5;3.25;7\n")], labels)
    assert got.loc["s1"].to_dict() == {"etiv": 1500500, 53: 3500, 17: 3250}


def test_row_numbers_are_never_people(tmp_path, labels):
    text = '"","participant_id","left thalamus"\n1,"3",7003\n2,"1",7001\n3,"2",7002\n'
    got = read_volume_tables([table(tmp_path, text)], labels)
    assert got[10].to_dict() == {"3": 7003, "1": 7001, "2": 7002}
    with pytest.raises(InputError, match="which counts the rows"):
        read_volume_tables([table(tmp_path, ",left thalamus\n1,7003\n2,7001\n")], labels)
    got = read_volume_tables([table(tmp_path, ",left thalamus\nsub-1_T1w.nii.gz,7003\n")], labels)
    assert got[10].to_dict() == {"sub-1": 7003}


@pytest.mark.parametrize("heading", ["ICV (cm3)", "TIV_ml", "eTIV_mm3"])
def test_a_wide_tables_head_size_with_its_unit(tmp_path, labels, heading):
    size = 1500.5 if heading != "eTIV_mm3" else 1500500
    path = tmp_path / "t.csv"
    path.write_text(f"subject,{heading},Left-Thalamus\nb,{size},7000\na,{size},7100\n")
    assert read_volume_tables([path], labels)["etiv"].tolist() == [1500500, 1500500]
    path.write_text(f"subject,etiv,{heading},Left-Thalamus\nb,1500500,{size},7000\n")
    assert read_volume_tables([path], labels)["etiv"].tolist() == [1500500]
    path.write_text(f"subject,etiv,{heading},Left-Thalamus\nb,1400000,{size},7000\n")
    with pytest.raises(InputError, match="are the same measure, but differ for b"):
        read_volume_tables([path], labels)


def test_a_point_after_the_thousands_of_some_cells(tmp_path, labels):
    path = tmp_path / "t.csv"
    cells = ["650.5", "700", "1.020", "980", "810", "905"]  # 1,020 as a German spreadsheet writes it
    path.write_text("subject,Left-Accumbens-area\n" + "".join(f"s{i},{v}\n" for i, v in enumerate(cells)))
    with pytest.raises(
        InputError, match=r"Left-Accumbens-area: mixed units: s2 \(1.02\) look like ml, or have a point"
    ):
        read_volume_tables([path], labels)
    # whoever lacks the structure says nothing of its unit
    absent = "".join(f"z{i},0\n" for i in range(8))
    path.write_text(path.read_text() + absent)
    with pytest.raises(InputError, match=r"mixed units: s2 \(1.02\) look"):
        read_volume_tables([path], labels)
    # lesions span three orders of magnitude, and a few people tell nothing
    for name, cells in (
        ("WM-hypointensities", [200, 900, 12000, 3000, 450, 1500, 3]),
        ("Left-Thalamus", [7000, 7100, 7.1]),
    ):
        path.write_text(f"subject,{name}\n" + "".join(f"s{i},{v}\n" for i, v in enumerate(cells)))
        assert read_volume_tables([path], labels).iloc[:, 0].tolist() == cells


def test_tables_are_joined_by_person_whatever_the_spelling(tmp_path, labels):
    one = table(tmp_path, "subject,left thalamus\n002_ses-01,7002\nsub-001_ses-01.long.sub-001,7001\n")
    two = table(tmp_path, "subject,right thalamus\nsub-001_ses-01,7101\nsub-002_ses-01_T1w,7102\nx,1\n", "u.csv")
    with pytest.warns(
        NeuraxisWarning, match="features.volume_tables .*u.csv.: 2 of 3 ids are participants; nobody.* x"
    ):
        got = read_volume_tables([one, two], labels, ["sub-001", "sub-002"])
    assert got.loc["sub-001_ses-01"].to_dict() == {10: 7001, 49: 7101} and got.loc["sub-002_ses-01", 49] == 7102
    assert len(got) == 2


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("s1,-5", "line 2: left thalamus of s1 is '-5', no number that can be a measure"),
        ("s1,inf", "'inf', no number that can be a measure"),
        ("s1,<1", "'<1', no number"),
        ("s1,1e2147483648", "no number"),
        (",7", "line 2: no person"),
    ],
)
def test_cells_that_are_no_measure(tmp_path, labels, row, words):
    with pytest.raises(InputError) as error:
        read_volume_tables([table(tmp_path, f"subject,left thalamus\n{row}\n")], labels)
    assert words in str(error.value)


def test_two_names_of_one_structure_must_agree(tmp_path, labels):
    text = "participant_id\tLeft-Thalamus-Proper\tLeft-Thalamus\ns1\t7000\t9000\n"
    with pytest.raises(InputError, match="Left-Thalamus-Proper and Left-Thalamus are the same measure.*s1"):
        read_volume_tables([table(tmp_path, text)], labels)


# aggregation ------------------------------------------------------------------------------------------------------


def test_a_missing_label_or_side_is_a_missing_value(labels, biomarkers):
    volumes = pd.DataFrame(
        {
            10: [7.0, 7, 7, 7],
            49: [6.0, np.nan, 6, 6],
            16: [20.0, 20, np.nan, 20],
            2: 5.0,
            41: [6.0, 6, 6, np.nan],
            77: [1, np.nan, 1, 1],
        },
        index=list("abcd"),
    )
    got = biomarkers_from_labels(volumes, biomarkers, labels)
    assert got["thalamus"].tolist() == pytest.approx([13, np.nan, 13, 13], nan_ok=True)
    assert got["brainstem"].tolist() == pytest.approx([20, 20, np.nan, 20], nan_ok=True)
    assert got["cerebral_wm"].tolist() == pytest.approx([12, 11, 12, np.nan], nan_ok=True)  # 77 may be absent
    assert got["labels_absent"].tolist() == ["", "49", "16", "41"]


def test_a_structure_of_no_voxels_is_missing_unless_it_may_be_none(labels, biomarkers):
    """FreeSurfer and its tables write 0 for what was not found; half a thalamus is no thalamus."""
    volumes = pd.DataFrame(
        {"etiv": 1.5e6, 10: [7000.0, 0.0, 7200.0], 49: [7100.0, 7150.0, 7250.0], 77: [0.0, 300.0, 0.0]},
        index=list("abc"),
    )
    lesions = definition(biomarkers, "lesions", "labels", [77]).assign(plausible_low=0.0)
    thalamus = biomarkers[biomarkers["biomarker"] == "thalamus"]
    got = biomarkers_from_labels(volumes, pd.concat([thalamus, lesions]), labels)
    assert got["thalamus"].tolist() == [14100, pytest.approx(math.nan, nan_ok=True), 14450]
    assert got["lesions"].tolist() == [0, 300, 0] and got["labels_absent"].tolist() == ["", "10", ""]
    assert math.isnan(got["asymmetry_thalamus"]["b"]) and got["asymmetry_thalamus"]["a"] == pytest.approx(-100 / 14100)


def test_the_dkt_atlas_lacks_parcels_by_design(labels, biomarkers):
    parcels = [b + i for b in (1000, 2000) for i in range(1, 36) if i not in (4, 1, 32, 33)]
    dkt = pd.DataFrame([dict.fromkeys(parcels, 100.0)], index=["a"])
    got = biomarkers_from_labels(dkt, biomarkers, labels)
    assert (
        got["temporal"].tolist() == [1400]
        and got["frontal"].tolist() == [2000]
        and got["labels_absent"].tolist() == [""]
    )
    both = pd.DataFrame([dict.fromkeys(parcels, 100.0), dict.fromkeys([*parcels, 1001, 1032, 1033, 2001, 2032], 100.0)])
    with pytest.warns(NeuraxisWarning, match="cortex by two atlases: DKT for 0"):
        got = biomarkers_from_labels(both, biomarkers, labels)
    assert got["temporal"].isna().tolist() == [False, True]  # the second lacks 2033 alone


SCT = "Timestamp,SCT Version,Filename,Slice (I->S),VertLevel,MEAN(area),STD(area)\n"


def sct(tmp_path, *rows):
    text = SCT + "".join(f'"2025-02-1{day} 10:00:00",6.5,{f},{s},{v},{a},1.0\n' for day, f, s, v, a in rows)
    return table(tmp_path, text, "sct.csv")


def levels(file, areas, day=1):
    return [(day, file, "1:9", level, area) for level, area in areas.items()]


def test_several_files_of_a_scan_are_refused_or_chosen(tmp_path):
    sag, ax = (f"/d/sub-01/ses-2020/sub-01_ses-2020_acq-{a}_T2w_seg.nii.gz" for a in ("sag", "ax"))
    path = sct(tmp_path, *levels(ax, {3: 68, 2: 73, 1: 78}, 3), *levels(sag, {3: 60, 2: 65, 1: 70}, 2))
    with pytest.raises(InputError) as error:
        read_sct(path)
    assert f"sub-01_ses-2020: {ax} (line 2) and {sag} (line 5)" in str(error.value)
    assert read_sct(path, select="acq-ax").to_dict() == {"sub-01_ses-2020": 73}
    assert read_sct(path, repeats="last").to_dict() == {"sub-01_ses-2020": 73}  # by time stamp, not by row
    assert read_sct(path, repeats="first").to_dict() == {"sub-01_ses-2020": 65}
    with pytest.raises(InputError, match="no file name in it contains 'T1w'"):
        read_sct(path, select="T1w")


def test_a_rerun_is_refused_or_the_last_is_taken(tmp_path):
    file = "/d/sub-01_T2w_seg.nii.gz"
    path = sct(tmp_path, *levels(file, {3: 50, 2: 50, 1: 50}), *levels(file, {3: 70, 2: 71, 1: 72}))
    with pytest.raises(InputError, match=r"sub-01: /d/sub-01_T2w_seg.nii.gz \(lines 2, 3, 4, 5, 6, 7\)"):
        read_sct(path)
    assert read_sct(path, repeats="last").to_dict() == {"sub-01": 71}
    assert read_sct(path, repeats="first").to_dict() == {"sub-01": 50}


def test_two_runs_of_a_scan_are_never_mixed(tmp_path):
    """Without C1 in the last run, the scan has no area; the first run's C1 is another segmentation."""
    file = "/d/sub-01_T2w_seg.nii.gz"
    path = sct(
        tmp_path,
        *levels(file, {3: 50, 2: 50, 1: 50}),
        *levels(file, {3: 70, 2: 71}, 2),
        *levels("/d/sub-02_T2w_seg.nii.gz", {1: 60, 2: 60, 3: 60}),
    )
    with pytest.warns(NeuraxisWarning, match=r"sub-01 \(C1\)"):
        last = read_sct(path, repeats="last")
    assert math.isnan(last["sub-01"]) and last["sub-02"] == 60
    assert read_sct(path, repeats="first").to_dict() == {"sub-01": 50, "sub-02": 60}


def test_time_stamps_without_an_order_choose_no_run(tmp_path):
    file = "/d/sub-01_T2w_seg.nii.gz"
    path = sct(tmp_path, *levels(file, {3: 70, 2: 71, 1: 72}, 2), *levels(file, {3: 50, 2: 50, 1: 50}, 1))
    assert read_sct(path, repeats="last").to_dict() == {"sub-01": 71}  # by time, not by line
    path.write_text(re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\3/\2/\1", path.read_text()))
    with pytest.raises(InputError, match=r"t.csv, line 2: time stamp '.*/.*' is not written as the Toolbox does"):
        read_sct(path, repeats="last")


@pytest.mark.parametrize("level", ["-3", "C3", "3-", "1e0", "?"])
def test_what_is_no_level_is_none(tmp_path, level):
    file = "/d/sub-01_T2w_seg.nii.gz"
    rows = [*levels(file, {1: 60, 2: 60, level: 60}), *levels("/d/sub-02_T2w_seg.nii.gz", {1: 70, 2: 70, 3: 70})]
    with pytest.warns(NeuraxisWarning, match=r"sub-01 \(C3\)"):
        assert math.isnan(read_sct(sct(tmp_path, *rows))["sub-01"])


def test_slices_are_averaged_within_levels(tmp_path):
    file = "/d/sub-01_T2w_seg.nii.gz"
    rows = [
        (1, file, k, level, area)
        for k, (level, area) in enumerate([(1, 80), (1, 82), (2, 70), (3, 60), (3, 64), (3, 62)])
    ]
    assert read_sct(sct(tmp_path, *rows)).to_dict() == {"sub-01": pytest.approx((81 + 70 + 62) / 3)}
    with pytest.raises(InputError, match="lines 2, 8"):
        read_sct(sct(tmp_path, *rows, rows[0]))


def test_ranges_stand_in_for_levels_without_a_row(tmp_path):
    file = "/d/sub-01_T2w_seg.nii.gz"
    assert read_sct(sct(tmp_path, (1, file, "1:9", "2:3", 62), *levels(file, {1: 74}))).to_dict() == {
        "sub-01": pytest.approx((74 + 62 + 62) / 3)
    }
    both = sct(tmp_path, (1, file, "1:9", "2:3", 99), *levels(file, {1: 76, 2: 65, 3: 60}))
    assert read_sct(both).to_dict() == {"sub-01": 67}
    wide = sct(tmp_path, (1, file, "1:9", "1:7", 99))
    with pytest.raises(InputError, match=r"nobody has all of the levels"):
        read_sct(wide)


def test_a_missing_level_is_a_missing_area(tmp_path):
    one, two = (f"/d/sub-0{i}_T2w_seg.nii.gz" for i in (1, 2))
    path = sct(tmp_path, *levels(one, {3: 60, 2: 65, 1: 76}), *levels(two, {3: 60, 2: 65, 1: "None"}))
    with pytest.warns(NeuraxisWarning, match=r"for lack of levels: sub-02 \(C1\)"):
        got = read_sct(path)
    assert got["sub-01"] == 67 and np.isnan(got["sub-02"])


def test_people_of_files_without_prefix_and_sessions_of_folders(tmp_path):
    rows = [
        r
        for who, s, a in (("HC02", "ses-01", 70), ("HC02", "ses-02", 60), ("X1", "ses-01", 1))
        for r in levels(f"/d/{who}/{s}/cord/t2_tra_seg.nii.gz", {1: a, 2: a, 3: a})
    ]
    with pytest.warns(NeuraxisWarning, match="nobody is listed as /d/X1"):
        got = read_sct(sct(tmp_path, *rows), people=["sub-HC02", "sub-HC01"])
    assert got.to_dict() == {"sub-HC02_ses-01": 70, "sub-HC02_ses-02": 60}
    with pytest.raises(InputError, match="none of its 3 ids is a participant"):
        read_sct(sct(tmp_path, *rows), people=["sub-07"])


@pytest.mark.parametrize("area", ["-3", "0", "inf", "thick", "1,5"])
def test_areas_that_are_none(tmp_path, area):
    with pytest.raises(InputError, match="line 2|line 3"):
        read_sct(sct(tmp_path, (1, "/d/sub-01_seg.nii.gz", "1:9", 1, f'"{area}"')))


# head size --------------------------------------------------------------------------------------------------------


def test_head_sizes_in_ml_and_impossible_ones(tmp_path):
    with pytest.warns(NeuraxisWarning, match="look like ml"):
        got = read_head_sizes(table(tmp_path, "subject,TIV\n01,1450.5\n02,1600\n"), ["sub-01", "sub-02"])
    assert got.to_dict() == {"sub-01": 1450500, "sub-02": 1600000}
    with pytest.raises(InputError, match="mixed units: b look like ml"):
        to_mm3(pd.Series({"a": 1.5e6, "b": 1500.0}), what="x")
    for text, words in (("s,TIV\na,1\n", "participant_id is missing"), ("subject,x\na,1\n", "column etiv is missing")):
        with pytest.raises(InputError, match=words):
            read_head_sizes(table(tmp_path, text), None)
    with pytest.raises(InputError, match=r"etiv is no number: b \('big'\)"):
        read_head_sizes(table(tmp_path, "subject,etiv\na,1500000\nb,big\n"), None)


def test_head_sizes_named_with_their_unit_and_two_that_differ(tmp_path):
    for name in ("TIV (ml)", "eTIV_mm3", "icv_cm3", "ICV [cm^3]"):
        size = 1500 if "m3" not in name.replace("cm", "") else 1_500_000
        path = table(tmp_path, f"participant_id\t{name}\nsub-1\t{size}\n")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NeuraxisWarning)
            assert read_head_sizes(path, ["sub-1"]).to_dict() == {"sub-1": 1_500_000}, name
    two = table(tmp_path, "participant_id\tetiv\ticv\nsub-1\t1500000\t1500001\nsub-2\t1400000\t1600000\n")
    with pytest.raises(InputError, match="etiv and icv are both head sizes, but differ for sub-2"):
        read_head_sizes(two, ["sub-1", "sub-2"])
    with pytest.raises(InputError, match="column etiv is missing"):
        read_head_sizes(table(tmp_path, "participant_id\tmm3\nsub-1\t3\n"), ["sub-1"])


def test_the_table_wins_where_it_has_the_scan():
    own = pd.Series({"a": 1.0, "b": 2.0, "c": np.nan})
    assert resolve(own, pd.Series({"b": 5.0, "c": 6.0})).to_dict() == {"a": 1, "b": 5, "c": 6}


def test_qc_scores_by_person(tmp_path):
    path = table(tmp_path, "subject,thalamus\n002.nii.gz,0.5\nsub-001_T1w.nii.gz,0.25\n")
    assert read_qc_scores(path, ["sub-001", "sub-002"])["thalamus"].to_dict() == {"sub-002": 0.5, "sub-001": 0.25}
    with pytest.raises(InputError, match=r"thalamus of a \('good'\)"):
        read_qc_scores(table(tmp_path, "subject,thalamus\na,good\n"))


# CAT12 ------------------------------------------------------------------------------------------------------------

ROI = """<?xml version="1.0" encoding="utf-8"?>
<S><help>regions</help><neuromorphometrics><names><item>Left Amygdala</item><item>Right Amygdala</item></names>
<ids>[31;32]</ids><data><Vgm>[1.4;1.5]</Vgm><Vcsf>[0.1;0.2]</Vcsf></data></neuromorphometrics></S>
"""
REPORT = "<S><subjectmeasures><vol_TIV>total volume</vol_TIV><vol_TIV>1500.5</vol_TIV></subjectmeasures></S>\n"


def test_cat12(tmp_path, labels, biomarkers):
    (tmp_path / "label").mkdir()
    (tmp_path / "report").mkdir()
    path = tmp_path / "label/catROI_sub-01_T1w.xml"
    path.write_text(ROI)
    (tmp_path / "report/cat_sub-01_T1w.xml").write_text(REPORT)
    names = [f"neuromorphometrics.Vgm.{s} Amygdala" for s in ("Left", "Right")]
    defined = definition(biomarkers, "amygdala_gm", "names", names)
    scans = pd.DataFrame({"participant_id": ["sub-01"], "session_id": ["baseline"]})
    got, failed = measure_batch(scans, defined, lambda p, s: (path, None, None), (1,), labels)
    assert failed.empty and got["etiv"].tolist() == [1500500] and got["amygdala_gm"].tolist() == [2900]
    for old, new, words in (
        ("[1.4;1.5]", "[1.4]", "2 regions, but 1 volume in"),
        ("[1.4;1.5]", "[1,4;1,5]", "decimal comma"),
        ("</names>", "", "is damaged"),
        ("<S>", "<!DOCTYPE S [<!ENTITY a 'b'>]><S>", "declares entities"),
        ("neuromorphometrics>", "x>", None),
    ):
        path.write_text(ROI.replace(old, new))
        if words:
            with pytest.raises(InputError, match=words):
                read(path, labels)


# images -----------------------------------------------------------------------------------------------------------


def image(tmp_path, data, affine=None, name="x.nii.gz", unit=None, dtype=None):
    made = nib.Nifti1Image(data, np.eye(4) if affine is None else affine)
    if dtype is not None:
        made.header.set_data_dtype(dtype)
    if unit:
        made.header.set_xyzt_units(unit)
    nib.save(made, tmp_path / name)
    return tmp_path / name


def cord(tmp_path):
    """Ten slices a level, levels 4 to 1 from below, areas 80, 40, 50, 60 mm2."""
    mask, level = np.zeros((12, 12, 40)), np.zeros((12, 12, 40))
    for k in range(40):
        v = 4 - k // 10
        n = {4: 80, 3: 40, 2: 50, 1: 60}[v]
        flat = np.zeros(144)
        flat[:n] = 1
        mask[..., k] = flat.reshape(12, 12)
        level[..., k] = mask[..., k] * v
    return mask, level


def test_scaled_levels_and_labels_are_rounded(tmp_path):
    mask, level = cord(tmp_path)
    where = image(tmp_path, mask.astype(np.uint8), name="m.nii.gz")
    truth = cord_area(where, image(tmp_path, level.astype(np.uint8), name="l.nii.gz"))
    for dtype in (np.int16, np.uint16, np.uint8):
        path = image(tmp_path, level, name="s.nii.gz", dtype=dtype)
        assert not np.array_equal(np.asanyarray(nib.load(path).dataobj), level)  # the file does not hold whole numbers
        assert cord_area(where, path) == truth
        assert label_volumes(path) == label_volumes(tmp_path / "l.nii.gz")
    with pytest.raises(InputError, match="fractions"):
        cord_area(where, image(tmp_path, level * 0.97, name="f.nii.gz"))
    whole = level.copy()
    whole[level == 3] = 3.009
    assert cord_area(where, image(tmp_path, whole, name="f.nii.gz")) == truth


def test_units_of_the_header(tmp_path):
    data = np.full((3, 3, 3), 10, np.uint8)
    assert label_volumes(image(tmp_path, data, np.diag([2.0, 1, 1, 1]), unit="mm")) == {10: 54}
    assert label_volumes(image(tmp_path, data, np.diag([2000.0, 1000, 1000, 1]), unit="micron")) == {
        10: pytest.approx(54)
    }
    assert label_volumes(image(tmp_path, data, np.diag([0.002, 0.001, 0.001, 1]), unit="meter")) == {
        10: pytest.approx(54)
    }


@pytest.mark.parametrize(
    "affine",
    [np.zeros((4, 4)), np.diag([1.0, 0, 1, 1]), np.full((4, 4), np.nan), np.diag([np.inf, 1, 1, 1]), np.ones((4, 4))],
)
def test_affines_that_are_none(tmp_path, affine):
    path = image(tmp_path, np.full((3, 3, 3), 10, np.uint8))
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[254:256] = struct.pack("<h", 1)  # sform
    raw[280:328] = struct.pack("<12f", *np.asarray(affine)[:3].ravel())
    path.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(InputError, match="affine"):
        label_volumes(path)


def test_colours_and_complex_numbers(tmp_path):
    rgb = np.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(InputError, match="holds colours"):
        label_volumes(image(tmp_path, rgb))
    with pytest.raises(InputError, match="holds complex"):
        label_volumes(image(tmp_path, np.ones((3, 3, 3), np.complex64)))


def test_masks_and_levels_on_other_grids(tmp_path):
    mask, level = cord(tmp_path)
    where = image(tmp_path, mask.astype(np.uint8), name="m.nii.gz")
    moved = np.eye(4)
    moved[2, 3] = 5
    with pytest.raises(InputError, match="lie up to 5 mm apart"):
        cord_area(where, image(tmp_path, level.astype(np.uint8), moved, name="l.nii.gz"))
    # a turn about the first corner is largest at the far end of the longest side, which is none of the others
    assert len(set(mask.shape)) > 1
    for axis in range(3):
        turned = np.eye(4)
        turned[(axis + 1) % 3, axis] = 1 / mask.shape[axis]
        with pytest.raises(InputError, match="lie up to 1 mm apart"):
            cord_area(where, image(tmp_path, level.astype(np.uint8), turned, name="l.nii.gz"))
    nearly = np.eye(4)
    nearly[2, 3] = 1e-4
    assert cord_area(where, image(tmp_path, level.astype(np.uint8), nearly, name="l.nii.gz"))[0] == pytest.approx(
        50, rel=0.01
    )


def test_huge_labels_and_sizes_cost_no_memory(tmp_path):
    data = np.full((3, 3, 3), 10, np.int64)
    data[0, 0, 0] = 2**31 - 1
    made = nib.Nifti1Image(data, np.eye(4), dtype=np.int64)
    nib.save(made, tmp_path / "x.nii.gz")
    assert label_volumes(tmp_path / "x.nii.gz") == {10: 26, 2**31 - 1: 1}
    for value, dtype in ((2**40, np.int64), (2**63, np.uint64), (2**31, np.uint32)):
        made = nib.Nifti1Image(np.full((3, 3, 3), value, dtype), np.eye(4), dtype=dtype)
        nib.save(made, tmp_path / "y.nii.gz")
        with pytest.raises(InputError, match="above 2147483647"):
            label_volumes(tmp_path / "y.nii.gz")
    path = image(tmp_path, np.full((3, 3, 3), 10, np.uint8))
    raw = bytearray(gzip.decompress(path.read_bytes()))
    for size in ((30000, 30000, 30000), (32767, 4097, 1)):
        raw[40:56] = struct.pack("<8h", 3, *size, 1, 1, 1, 1)
        path.write_bytes(gzip.compress(bytes(raw)))
        with pytest.raises(InputError, match="more than 512 x 512 x 512"):
            label_volumes(path)
    raw[40:56] = struct.pack("<8h", 3, 400, 400, 400, 1, 1, 1, 1)  # more than the file holds
    path.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(InputError, match="cannot be read"):
        label_volumes(path)


def test_a_cord_alone(tmp_path, labels):
    mask, level = cord(tmp_path)
    paths = [image(tmp_path, a.astype(np.uint8), name=f"{n}.nii.gz") for a, n in ((mask, "m"), (level, "l"))]
    volumes, extra = measure_scan(None, *paths, (2, 3), labels)
    assert volumes == {} and extra["cord"] == pytest.approx(45, rel=0.01) and math.isnan(extra["etiv"])


def test_nobodys_image_takes_the_batch_along(tmp_path, labels, biomarkers):
    head = np.full((4, 4, 5), 10, np.int16)
    head[:2] = 49
    head[..., 4] = 24
    good = image(tmp_path, head, name="good.nii.gz")
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(good.read_bytes()[:60])
    scans = pd.DataFrame({"participant_id": ["s1", "s2", "s3"], "session_id": "baseline"})

    def paths(person, session):
        if person == "s3":
            raise MemoryError("no room")
        return {"s1": bad, "s2": good}[person], None, None

    table_, failed = measure_batch(scans, biomarkers, paths, (1,), labels)
    assert table_["participant_id"].tolist() == ["s2"] and failed["participant_id"].tolist() == ["s1", "s3"]
    assert "bad.nii.gz cannot be read" in failed["problem"][0] and "MemoryError: no room" in failed["problem"][1]


def test_files_that_may_not_be_read_fail_alone(tmp_path):
    """An image, a person's folder, an optional list of subregions, as somebody without root's powers meets them."""
    for name in ("s1", "s2", "s3", "s4"):
        made = person(tmp_path / name)
        (made / "mri").mkdir()
        (made / "mri/ThalamicNuclei.v12.T1.volumes.txt").write_text("Left-L-Sg 20.5\n")
    shut = {"s2/sub-01/stats/aseg.stats": 0, "s3": 0, "s4/sub-01/mri/ThalamicNuclei.v12.T1.volumes.txt": 0}
    code = f"""
import os, sys, pandas as pd
from neuraxis.cohort.participants import compare_segmentations
from neuraxis.features.extract import extract, fingerprint
from neuraxis.home import workflow_home
import logging; logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
template = "{tmp_path}/{{participant_id}}/sub-01"
people = pd.DataFrame({{"participant_id": ["s1", "s2", "s3", "s4"], "session_id": "baseline", "group": "HC"}})
assert all(fingerprint([template], [], 2))
kept, _ = compare_segmentations(people, template)
print(kept["participant_id"].tolist())
home = workflow_home()
table, failed, files = extract(
    people, biomarkers=home / "resources/biomarkers.tsv", labels_file=home / "resources/labels.tsv", folders=(), etiv=[],
    templates=[template, "", ""], baseline_session="ses-01", cord_levels=[1],
)
print(table["participant_id"].tolist())
print(dict(zip(failed["participant_id"], failed["problem"])))
print(files.set_index("participant_id")["sha256"].str.len().to_dict())
"""
    for path, mode in shut.items():
        (tmp_path / path).chmod(mode)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, preexec_fn=powerless
    )
    for path in shut:
        (tmp_path / path).chmod(0o755)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    kept, measured, failed, files = map(ast.literal_eval, done.stdout.splitlines())
    assert kept == ["s1", "s2", "s4"] and measured == ["s1", "s4"] and failed.keys() == {"s2", "s3"}
    assert f"{tmp_path}/s2/sub-01/stats/aseg.stats cannot be " in failed["s2"] and "chmod" in failed["s2"]
    assert f"{tmp_path}/s3/sub-01 cannot be " in failed["s3"] and "chmod" in failed["s3"]
    assert "without segmentation: s3; for s3 " in done.stderr and "may not look there: change the rights" in done.stderr
    assert "s4 baseline: optional files left aside: " in done.stderr
    assert files == {"s1": 64, "s2": 64, "s4": 64}


def test_maps_are_bounded(tmp_path):
    path = image(tmp_path, np.full((2, 2, 2, 3), 0.5, np.float32), np.diag([2.0, 1, 1, 1]))
    assert map_volume(f"{path}#2") == 8
    # rounding may carry a fraction over the end
    for value, fine in ((1.0005, True), (1.002, False), (-0.0005, True), (-0.002, False)):
        data = np.full((2, 2, 2), 0.5, np.float32)
        data[0, 0, 0] = value
        path = image(tmp_path, data)
        if fine:
            assert map_volume(path) == pytest.approx(3.5 + value)
        else:
            with pytest.raises(InputError, match="a posterior map has fractions from 0 to 1"):
                map_volume(path)
    path = image(tmp_path, np.full((2, 2, 2, 3), 0.5, np.float32))
    for wrong in ("#3", "#-1", "#x"):
        with pytest.raises(InputError, match="there is no volume"):
            map_volume(f"{path}{wrong}")


# the registry -----------------------------------------------------------------------------------------------------


def test_every_path_has_one_reader(tmp_path, labels):
    kinds = {
        "catROI_x.xml": ("cat12", ROI),
        "csa.csv": ("sct", SCT),
        "vols.csv": ("volume_tables", "subject,left thalamus\na,7\n"),
        "aseg.mgz": ("label_image", ""),
    }
    for name, (kind, text) in kinds.items():
        path = table(tmp_path, text, name)
        assert next(r for r in READERS if r.recognises(path)).__name__.endswith(kind)
    assert next(r for r in READERS if r.recognises(person(tmp_path))).__name__.endswith("freesurfer")
    assert read(tmp_path / "vols.csv", labels).table.loc["a", 10] == 7
    with pytest.raises(InputError, match="no reader knows"):
        read(table(tmp_path, "x", "a.docx"), labels)


def test_stats_without_rows(tmp_path):
    with pytest.raises(InputError, match="has no rows"):
        read_stats(table(tmp_path, "# ColHeaders StructName GrayVol\n", "lh.aparc.stats"))


def test_voxel_sizes_that_contradict_one_another_or_no_human(tmp_path):
    data = np.zeros((6, 6, 6), np.uint8)
    data[1:3] = 10

    def saved(change):
        image = nib.Nifti1Image(data, np.diag([1.0, 1, 1, 1]))
        change(image.header)
        nib.save(image, tmp_path / "l.nii")
        return tmp_path / "l.nii"

    assert label_volumes(saved(lambda h: h.set_qform(np.diag([1.01, 1, 1, 1]), 1))) == {10: 72}
    with pytest.raises(InputError, match=r"2 x 2 x 2 mm \(pixdim\) and of 1 x 1 x 1 mm \(sform\)"):
        label_volumes(saved(lambda h: h.set_qform(np.diag([2.0, 2, 2, 1]), 1)))
    for unit, size in (("micron", "0.001"), ("meter", r"1e\+03")):
        with pytest.raises(InputError, match=rf"voxels of {size} x .* the header's unit \({unit}\)"):
            label_volumes(saved(lambda h, unit=unit: h.set_xyzt_units(unit)))


def test_labels_of_discs_are_no_levels(tmp_path):
    mask = np.zeros((12, 12, 30), np.uint8)
    mask[4:8, 4:8] = 1
    levels, discs = np.zeros_like(mask), np.zeros_like(mask)
    levels[4:8, 4:8] = np.repeat([3, 2, 1], 10)
    discs[5, 5, [5, 15, 25]] = [3, 2, 1]
    for name, data in (("m", mask), ("l", levels), ("d", discs)):
        nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / f"{name}.nii")
    assert cord_area(tmp_path / "m.nii", tmp_path / "l.nii") == (16.0, 30)
    with pytest.raises(InputError, match="labels of discs"):
        cord_area(tmp_path / "m.nii", tmp_path / "d.nii")


def test_of_many_scans_measured_twice_the_rest_are_counted(tmp_path):
    rows = [levels(f"/d/sub-{i:02d}_{a}_seg.nii.gz", {3: 50, 2: 50, 1: 50}) for i in range(11) for a in ("x", "y")]
    path = sct(tmp_path, *(row for part in rows for row in part))
    with pytest.raises(InputError) as error:
        read_sct(path)
    named = [line for line in str(error.value).splitlines() if line.startswith("- sub-")]
    assert len(named) == 8 and "- and 3 more" in str(error.value)


def test_people_of_a_cord_table_are_found_in_the_files_folders(tmp_path):
    """A study's ids may be folders above the file, which is called alike for everybody."""
    rows = [levels(f"/data/{p}/t2/cord_seg.nii.gz", {3: a, 2: a, 1: a}) for p, a in (("P7", 60), ("P8", 70))]
    path = sct(tmp_path, *(row for part in rows for row in part))
    assert read_sct(path, people=["P8", "P7"]).to_dict() == {"P7": 60, "P8": 70}
