"""Stats files and tables of other tools: every reader against independent numbers, real samples, damaged files."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.features.stats import (
    biomarkers_from_labels,
    freesurfer_volumes,
    plain,
    read_sct,
    read_stats,
    read_volume_tables,
)


@pytest.fixture
def labels(request):
    return request.config.rootpath / "resources" / "labels.tsv"


@pytest.fixture
def biomarkers(request):
    return read_biomarkers(request.config.rootpath / "resources" / "biomarkers.tsv")


ASEG = """# Title Segmentation Statistics
# cvs_version 7.4.1
# BrainVolStatsFixed see something
# Measure lhCerebralWhiteMatter, lhCerebralWhiteMatterVol, Left white matter, 200000.5, mm^3
# Measure rhCerebralWhiteMatter, rhCerebralWhiteMatterVol, Right white matter, 210000.5, mm^3
# Measure Cortex, CortexVol Total cortical gray matter volume, 553998.3, mm^3
# Measure EstimatedTotalintracranialVol, eTIV, Estimated Total Intracranial Volume, 1500000.25, mm^3
# ColHeaders  Index SegId NVoxels Volume_mm3 StructName normMean normStdDev normMin normMax normRange
  1  10  7000  7100.5  Left-Thalamus  90 5 40 110 70
  2  49  7000  7200.5  Right-Thalamus  90 5 40 110 70
  3  77  900  950.0  WM-hypointensities  90 5 40 110 70
"""
APARC = """# Table of FreeSurfer cortical parcellation anatomical statistics
# ColHeaders StructName NumVert SurfArea GrayVol ThickAvg ThickStd MeanCurv GausCurv FoldInd CurvInd
insula 3633 2431 7669 3.177 0.684 0.100 0.022 29 3.2
"""


def folder(tmp_path, aseg=ASEG):
    stats = tmp_path / "sub-01" / "stats"
    stats.mkdir(parents=True)
    (stats / "aseg.stats").write_text(aseg)
    for side in ("lh", "rh"):
        (stats / f"{side}.aparc.stats").write_text(APARC)
    return stats.parent


def test_freesurfer_folder(tmp_path, labels):
    volumes, etiv = freesurfer_volumes(folder(tmp_path), labels)
    assert etiv == 1500000.25
    assert volumes[10] == 7100.5 and volumes[1035] == 7669 and volumes[2035] == 7669
    assert volumes[2] == 200000.5 and 77 not in volumes
    header, _ = read_stats(tmp_path / "sub-01" / "stats" / "aseg.stats")
    assert header["cortexvol"] == 553998.3  # the line with the missing comma


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda t: "\n".join(line for line in t.splitlines() if "eTIV" not in line), "no eTIV"),
        (lambda t: t[:-30], "cut short"),
        (lambda t: "", "is empty"),
        (lambda t: t.replace("# ColHeaders", "# Columns"), "no ColHeaders"),
        (lambda t: t.replace("1500000.25", "x"), "no number"),
    ],
)
def test_damaged_stats(tmp_path, labels, damage, words):
    with pytest.raises(InputError, match=words):
        freesurfer_volumes(folder(tmp_path, damage(ASEG)), labels)


def test_absent_stats(tmp_path, labels):
    with pytest.raises(InputError, match="aseg.stats: no such file"):
        freesurfer_volumes(tmp_path, labels)


def test_names_of_every_dialect_agree():
    assert plain("Left-Thalamus-Proper") == plain("left thalamus") == plain("Left-Thalamus")
    assert plain("lh_insula_volume") == plain("ctx-lh-insula") == "ctxlhinsula"
    assert plain("left ventral DC") == plain("Left-VentralDC")


def test_tables_with_bom_crlf_and_slashes(tmp_path, labels, biomarkers):
    a, b = tmp_path / "aseg.tsv", tmp_path / "lh.tsv"
    a.write_bytes(
        "Measure:volume\tLeft-Thalamus-Proper\tRight-Thalamus-Proper\tEstimatedTotalIntraCranialVol\r\nsub-1/\t7000\t7100\t1500000\r\n".encode(
            "utf-8-sig"
        )
    )
    b.write_text("lh.aparc.volume\tlh_insula_volume\teTIV\nsub-1\t6000\t1500000\n")
    table = biomarkers_from_labels(read_volume_tables([a, b], labels), biomarkers)
    assert (
        table.loc["sub-1", "thalamus"] == 14100
        and table.loc["sub-1", "insula"] == 6000
        and table.loc["sub-1", "etiv"] == 1.5e6
    )
    assert np.isnan(table.loc["sub-1", "putamen"])
    for text, words in [
        ("subject;left thalamus\ns1;7000,5\n", "decimals with a point"),
        ("subject,left thalamus\ns1,7\ns1,8\n", "listed twice: s1"),
        ("subject,colour\ns1,7\n", "no column is a known label"),
        ("who,left thalamus\ns1,7\n", "no column with the person"),
    ]:
        a.write_text(text)
        with pytest.raises(InputError, match=words):
            read_volume_tables([a], labels)


def test_sct_tables(tmp_path):
    path = tmp_path / "csa.csv"
    row = "/data/sub-{0}/anat/sub-{0}_T1w_seg.nii.gz,{1},{2}\n"
    head = "Filename,VertLevel,MEAN(area)\n"
    path.write_text(
        head
        + "".join(row.format("a", v, x) for v, x in [(1, 70), (2, 72), (3, 68), (4, 10)])
        + row.format("b", "2:3", 66)
    )
    assert read_sct(path).to_dict() == {"sub-a": 70.0, "sub-b": 66.0}
    path.write_text(head + row.format("c", 7, 50))
    with pytest.raises(InputError, match="none of the levels.*sub-c"):
        read_sct(path)
    path.write_text("Filename,VertLevel\nx,1\n")
    with pytest.raises(InputError, match=r"MEAN\(area\) is missing"):
        read_sct(path)


def test_real_freesurfer_folder_and_its_tables_agree(samples, labels, biomarkers):
    root = samples / "freesurfer"
    volumes, etiv = freesurfer_volumes(root / "fs6.0.0_bert", labels)
    one = biomarkers_from_labels(pd.DataFrame([{**volumes, "etiv": etiv}], index=["bert"]), biomarkers)
    assert etiv == pytest.approx(1602572.131295)
    table = biomarkers_from_labels(
        read_volume_tables([root / "stats2table_examples" / "aseg.volume.table"], labels), biomarkers
    )
    assert table.loc["bert", "thalamus"] == pytest.approx(8097.4 + 8393.7)
    assert one.loc["bert", "thalamus"] == pytest.approx(table.loc["bert", "thalamus"], rel=0.02)
    assert one.loc["bert", "cerebral_wm"] == pytest.approx(244977.544551 + 244336.166021)
    assert one.drop(columns="cord_csa", errors="ignore").notna().all().all()


def test_real_synthseg_tables(samples, labels, biomarkers):
    table = read_volume_tables([samples / "synthseg" / "DERIVED_vols_no_parc.csv"], labels)
    got = biomarkers_from_labels(table, biomarkers)
    assert len(got) == 20 and got.loc["training_seg_01", "thalamus"] == 5767 + 5829
    assert got.loc["training_seg_01", "etiv"] == 1504562
    assert got["frontal"].isna().all() and got["ventral_dc"].notna().all()


def test_real_sct_tables(samples):
    got = read_sct(samples / "sct" / "spine-generic_2020" / "csa-SC_T1w.csv")
    assert len(got) == 19 and 60 < got.median() < 80
    with pytest.raises(InputError, match="no sub-<label>"):
        read_sct(samples / "sct" / "sct_master_2026" / "t2_csa_c2c3.csv")


def test_real_aomic_tables(samples, labels, biomarkers):
    root = samples / "aomic_piop2" / "fs_stats"
    paths = sorted(root.glob("data-*measure-volume*.tsv"))
    table = biomarkers_from_labels(read_volume_tables([p for p in paths if "wmparc" not in p.name], labels), biomarkers)
    assert len(table) > 200 and table["thalamus"].median() == pytest.approx(15500, rel=0.2)
    assert table[["frontal", "temporal", "etiv"]].notna().all().all()
