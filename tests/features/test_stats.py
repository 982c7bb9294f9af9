"""Stats files and tables of other tools: every reader against independent numbers, real samples, damaged files."""

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.features.measures import measure_scan
from neuraxis.features.stats import (
    biomarkers_from_labels,
    freesurfer_volumes,
    plain,
    read_qc_scores,
    read_samseg,
    read_sct,
    read_stats,
    read_subregions,
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
    volumes, extra = freesurfer_volumes(folder(tmp_path), labels)
    assert extra["etiv"] == 1500000.25
    assert volumes[10] == 7100.5 and volumes[1035] == 7669 and volumes[2035] == 7669
    assert volumes[2] == 200000.5 and 77 not in volumes
    header, _ = read_stats(tmp_path / "sub-01" / "stats" / "aseg.stats")
    assert header["cortexvol"] == 553998.3  # the line with the missing comma


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda t: t[:-30], "cut short"),
        (lambda t: "", "is empty"),
        (lambda t: t.replace("# ColHeaders", "# Columns"), "no ColHeaders"),
        (lambda t: t.replace("1500000.25", "x"), "no number"),
    ],
)
def test_damaged_stats(tmp_path, labels, damage, words):
    with pytest.raises(InputError, match=words):
        freesurfer_volumes(folder(tmp_path, damage(ASEG)), labels)


def test_a_header_without_head_size_needs_a_table(tmp_path, labels):
    person = folder(tmp_path, "\n".join(line for line in ASEG.splitlines() if "eTIV" not in line))
    with pytest.raises(
        InputError, match="sub-01: the header has no eTIV; give the head size in the table features.etiv"
    ):
        measure_scan(person, None, None, (1,), labels)
    assert measure_scan(person, None, None, (1,), labels, 1.4e6)[1]["etiv"] == 1.4e6


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
    c = tmp_path / "rh.tsv"
    c.write_text("rh.aparc.volume\trh_insula_volume\teTIV\nsub-1\t6200\t1500000\n")
    half = biomarkers_from_labels(read_volume_tables([a, b], labels), biomarkers)
    assert np.isnan(half.loc["sub-1", "insula"])  # one side is no insula
    table = biomarkers_from_labels(read_volume_tables([a, b, c], labels), biomarkers)
    assert (
        table.loc["sub-1", "thalamus"] == 14100
        and table.loc["sub-1", "insula"] == 12200
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


def test_tables_of_other_people_and_in_any_order(tmp_path, labels, biomarkers):
    """Sites with tables of their own lose nobody; white matter is counted once wherever its total stands."""
    a, b, c = (tmp_path / f"{n}.tsv" for n in "abc")
    a.write_text(
        "Measure:volume\tLeft-Thalamus\tlhCerebralWhiteMatterVol\trhCerebralWhiteMatterVol\tCC_Central\n"
        "s1\t7000\t230000\t240000\t900\n"
    )
    b.write_text(
        "Measure:volume\tLeft-Thalamus\tRight-Thalamus\tLeft-Putamen\tRight-Putamen\n"
        "s2\t6900\t7050\t5000\t5200\ns1\t7000\t7100\t5100\t5300\n"
    )
    c.write_text("lh.aparc.volume\tlh_insula_volume\trh_insula_volume\ns1\t6000\t6100\n")
    for order in ([a, b, c], [c, b, a], [b, c, a]):
        table = biomarkers_from_labels(read_volume_tables(order, labels), biomarkers)
        got = table.loc["s1", ["thalamus", "putamen", "insula", "cerebral_wm"]]
        assert got.tolist() == [14100, 10400, 12100, 470000]
        assert table.loc["s2", "thalamus"] == 13950 and np.isnan(table.loc["s2", "insula"])
    b.write_text("Measure:volume\tLeft-Thalamus\ns1\t7.0\n")
    with pytest.raises(InputError, match="b.tsv: 10 of s1 is 7, an earlier table has 7000"):
        read_volume_tables([a, b], labels)


def test_sct_tables(tmp_path):
    path = tmp_path / "csa.csv"
    row = "/data/sub-{0}/anat/sub-{0}_T1w_seg.nii.gz,{1},{2}\n"
    head = "Filename,VertLevel,MEAN(area)\n"
    path.write_text(
        head
        + "".join(row.format("a", v, x) for v, x in [(1, 70), (2, 72), (3, 68), (4, 10)])
        + row.format("b", "2:3", 66)
    )
    with pytest.warns(NeuraxisWarning, match=r"for lack of levels: sub-b \(C1\)"):
        assert read_sct(path).to_dict() == pytest.approx({"sub-a": 70.0, "sub-b": np.nan}, nan_ok=True)
    assert read_sct(path, levels=(2, 3)).to_dict() == {"sub-a": 70.0, "sub-b": 66.0}
    path.write_text(head + row.format("c", 7, 50))
    with pytest.raises(InputError, match=r"nobody has all of the levels \[1, 2, 3\]; lacking: sub-c.*has levels 7"):
        read_sct(path)
    path.write_text("Filename,VertLevel\nx,1\n")
    with pytest.raises(InputError, match=r"MEAN\(area\) is missing"):
        read_sct(path)


def test_real_freesurfer_folder_and_its_tables_agree(samples, labels, biomarkers):
    root = samples / "freesurfer"
    volumes, extra = freesurfer_volumes(root / "fs6.0.0_bert", labels)
    etiv = extra["etiv"]
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


def test_a_cord_table_names_the_file_that_names_nobody(tmp_path):
    rows = "".join(f"/d/{name}_seg.nii.gz,{level},70\n" for name in ("sub-01", "p2") for level in (2, 3))
    (tmp_path / "csa.csv").write_text("Filename,VertLevel,MEAN(area)\n" + rows)
    with pytest.raises(InputError, match=r"csa.csv: no sub-<label> in file name '/d/p2_seg.nii.gz'"):
        read_sct(tmp_path / "csa.csv", levels=(2, 3))


def test_real_sct_tables(samples):
    path = samples / "sct" / "spine-generic_2020" / "csa-SC_T1w.csv"
    got = read_sct(path, levels=(2, 3))
    assert len(got) == 19 and 60 < got.median() < 80
    with pytest.raises(InputError, match=r"nobody has all of the levels \[1, 2, 3\].*sub-ucl \(C1\).*has levels 2, 3"):
        read_sct(path)
    with pytest.raises(InputError, match="no sub-<label>"):
        read_sct(samples / "sct" / "sct_master_2026" / "t2_csa_c2c3.csv")


def test_real_aomic_tables(samples, labels, biomarkers):
    root = samples / "aomic_piop2" / "fs_stats"
    paths = sorted(root.glob("data-*measure-volume*.tsv"))
    table = biomarkers_from_labels(read_volume_tables([p for p in paths if "wmparc" not in p.name], labels), biomarkers)
    assert len(table) > 200 and table["thalamus"].median() == pytest.approx(15500, rel=0.2)
    assert table[["frontal", "temporal", "etiv"]].notna().all().all()


def test_samseg_folder(tmp_path, labels):
    text = "# Measure Intra-Cranial, 1558763.6, mm^3\n# Measure Left-Thalamus, 7000.5, mm^3\n# Measure Brain-Stem, 2e4, mm^3\n"
    (tmp_path / "samseg.stats").write_text(text)
    volumes, extra = freesurfer_volumes(tmp_path, labels)
    assert extra["etiv"] == 1558763.6 and volumes[10] == 7000.5 and volumes[16] == 20000
    (tmp_path / "samseg.csv").write_text("ROI,volume_mm3,volume_ICV_x1000\nLeft-Thalamus,7000.5,4.5\n")
    assert read_samseg(tmp_path / "samseg.csv") == {"Left-Thalamus": 7000.5}
    (tmp_path / "samseg.csv").write_text("ROI,volume_mm3\nLeft-Thalamus,7000.5\n")
    assert read_samseg(tmp_path / "samseg.csv") == {"Left-Thalamus": 7000.5}
    (tmp_path / "samseg.csv").write_text("ROI,volume_mm3\n,7000.5\n")
    with pytest.raises(InputError, match="line 2: expected a name and a volume"):
        read_samseg(tmp_path / "samseg.csv")
    (tmp_path / "samseg.stats").write_text("# Measure Left-Thalamus, many, mm^3\n")
    with pytest.raises(InputError, match="line 1: expected a name and a volume"):
        freesurfer_volumes(tmp_path, labels)


def test_network_stats_of_fastsurfer_have_parcels_but_no_head_size(tmp_path, labels):
    text = "# generating_program segstats.py\n# ColHeaders Index SegId NVoxels Volume_mm3 StructName\n"
    text += (
        "1 2 10 200000.5 Left-Cerebral-White-Matter\n2 77 10 300.0 WM-hypointensities\n3 1035 10 7000.0 ctx-lh-insula\n"
    )
    (tmp_path / "aseg+DKT.stats").write_text(text)
    volumes, extra = freesurfer_volumes(tmp_path, labels)
    assert volumes == {2: 200000.5, 77: 300.0, 1035: 7000.0} and np.isnan(extra["etiv"])


def test_subregion_files(tmp_path, labels, biomarkers):
    person = folder(tmp_path)
    (person / "mri").mkdir()
    (person / "mri" / "lh.hippoSfVolumes-T1.v21.txt").write_text("CA1 600.5 \nWhole_hippocampus 3400.0 \n")
    (person / "mri" / "ThalamicNuclei.v12.T1.volumes.txt").write_text("Left-L-Sg 20.5\nLeft-MV(Re) 9.25\n")
    (person / "stats" / "brainstem.v13.stats").write_text(
        "# ColHeaders Index SegId NVoxels Volume_mm3 StructName\n1 174 10 14000.0 Pons\n"
    )
    volumes, _ = freesurfer_volumes(person, labels)
    assert volumes["lh.hippoSfVolumes.CA1"] == 600.5 and volumes["ThalamicNuclei.Left-MV(Re)"] == 9.25
    assert volumes["brainstem.Pons"] == 14000
    row = biomarkers.iloc[-1].copy()
    row["biomarker"], row["kind"], row["labels"] = "pons", "names", ["brainstem.Pons"]
    table = biomarkers_from_labels(pd.DataFrame([volumes]), pd.concat([biomarkers, row.to_frame().T]))
    assert table["pons"].tolist() == [14000]
    (person / "mri" / "ThalamicNuclei.v12.T1.volumes.txt").write_text("Left-L-Sg\n")
    with pytest.raises(InputError, match="line 1: expected a name and a volume"):
        read_subregions(person / "mri" / "ThalamicNuclei.v12.T1.volumes.txt")


def test_volbrain_table(tmp_path, labels):
    path = tmp_path / "volbrain.csv"
    path.write_text(
        "Patient ID;Sex;Intracranial Cavity (IC) volume cm3;Hippocampus right volume cm3;Hippocampus left volume cm3;"
        "Hippocampus total volume cm3;Hippocampus right volume %;Hippocampus asymmetry\n"
        "s1;Male;1500.5;3.5;3.25;6.75;0.2;1.1\n"
    )
    table = read_volume_tables([path], labels)
    assert table.loc["s1", "etiv"] == 1500500 and table.loc["s1", 53] == 3500 and table.loc["s1", 17] == 3250
    assert table.shape[1] == 3


def test_asymmetry_and_absent_labels(labels, biomarkers):
    volumes = pd.DataFrame({10: [6.0, 7, 7], 49: [4.0, 7, 7], 1035: [5.0, np.nan, 5], 2035: 5.0})
    table = biomarkers_from_labels(volumes, biomarkers, labels)
    assert table["asymmetry_thalamus"].tolist() == pytest.approx([0.2, 0, 0])
    assert table["labels_absent"].tolist() == ["", "1035", ""]


def test_qc_scores(tmp_path):
    path = tmp_path / "qc.csv"
    path.write_text("subject,thalamus,cerebellum\ns1.nii.gz,0.8123,0.4\n")
    assert read_qc_scores(path).loc["s1", "cerebellum"] == 0.4
    path.write_text("subject,thalamus\ns1,1\ns2,0\n")
    assert read_qc_scores(path)["thalamus"].to_dict() == {"s1": 1, "s2": 0}
    for wrong in ("81", "1.2", "-0.1", "good"):
        path.write_text(f"subject,thalamus\ns1,0.5\ns2,{wrong}\n")
        with pytest.raises(InputError, match="from 0 to 1"):
            read_qc_scores(path)


def test_simulated_stats_files_read_back(tmp_path, request, biomarkers, labels):
    """The simulated cohort as FreeSurfer stats and an SCT table, through the readers of real ones."""
    from neuraxis.cohort.phantoms import write_stats
    from neuraxis.cohort.simulated import simulate_cohort

    resources = request.config.rootpath / "resources"
    planned = simulate_cohort(resources, scale=0.02, seed=5).measures.tail(6)
    write_stats(planned, resources / "biomarkers.tsv", labels, tmp_path)
    area = read_sct(tmp_path / "SIMULATED_sct.csv")
    for row in planned.itertuples():
        name = row.participant_id if row.session_id == "baseline" else f"{row.participant_id}_{row.session_id}"
        volumes, extra = freesurfer_volumes(tmp_path / f"{name}_SIMULATED", labels)
        got = biomarkers_from_labels(pd.DataFrame([volumes]), biomarkers).iloc[0]
        for b in biomarkers.loc[biomarkers["kind"] == "labels", "biomarker"]:
            assert got[b] == pytest.approx(getattr(row, b), rel=1e-5), b
        assert extra["etiv"] == pytest.approx(row.etiv_measured) and area[name] == pytest.approx(row.cord_csa)


def test_every_sample_is_read(samples, labels, biomarkers):
    """Each kind of real file gives plausible biomarkers; counts of people are those of the files."""
    import nibabel as nib

    from neuraxis.features.images import label_volumes

    bert, extra = freesurfer_volumes(samples / "freesurfer" / "fs6.0.0_bert", labels)
    tables = {"bert": pd.DataFrame([bert]).assign(etiv=extra["etiv"])}
    fs = samples / "aomic_piop2" / "fs_stats"
    tables["piop2"] = read_volume_tables(
        [
            fs / "data-subcortical_type-aseg_measure-volume_hemi-both.tsv",
            *(fs / f"data-cortical_type-aparc_measure-volume_hemi-{s}.tsv" for s in ("lh", "rh")),
        ],
        labels,
    )
    assert len(tables["piop2"]) == 226
    fs = samples / "freesurfer" / "stats2table_examples"
    tables["examples"] = read_volume_tables([fs / "aseg.volume.table", fs / "aparc.volume.table"], labels)
    for kind, table in tables.items():
        got = biomarkers_from_labels(table, biomarkers)
        for b in biomarkers[biomarkers["kind"] == "labels"].itertuples():
            if got[b.biomarker].notna().any() and kind != "examples":
                median = got[b.biomarker].median()
                assert b.plausible_low < median < b.plausible_high, (kind, b.biomarker)
        if kind != "examples":
            assert 1.0e6 < got["etiv"].median() < 2.0e6
    for path in sorted((samples / "synthseg").glob("*.csv")):
        if "derived" in path.name.lower():
            assert len(read_volume_tables([path], labels)) >= 1
    for path in (samples / "sct").rglob("*csa*.csv"):
        text = pd.read_csv(path)
        if not text["Filename"].str.contains("sub-").all():
            with pytest.raises(InputError, match="no sub-<label>"):
                read_sct(path)
        elif len(text) > 50:
            area = read_sct(path, levels=(2, 3))
            assert (
                60 < area.median() < 80 and len(area) == text["Filename"].str.extract("(sub-[A-Za-z0-9]+)")[0].nunique()
            )
    own = samples / "label_volume_own_ids"
    volumes = label_volumes(own / "atlas-desikankilliany.nii.gz")
    image = nib.load(own / "atlas-desikankilliany.nii.gz")
    data = np.asarray(image.dataobj)
    assert set(volumes) == set(np.unique(data[data > 0]).astype(int)) and len(volumes) == 83
    pam50 = label_volumes(samples / "sct" / "PAM50" / "PAM50_levels.nii.gz")
    assert {1, 2, 3} <= set(pam50)


def test_a_structure_under_the_names_of_two_versions(tmp_path, labels):
    path = tmp_path / "both.tsv"
    path.write_text("participant_id\tLeft-Thalamus-Proper\tLeft-Thalamus\ns1\t7000\tn/a\ns2\tn/a\t7100\n")
    assert read_volume_tables([path], labels)[10].tolist() == [7000, 7100]
