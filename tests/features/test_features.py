"""Measures from images, against independent counts, real samples, and broken files."""

import gzip
import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from neuraxis.biomarkers import map_templates
from neuraxis.cohort.ids import split_scans
from neuraxis.cohort.phantoms import cord_phantom, label_phantom
from neuraxis.cohort.simulated import NORMS, simulate_cohort
from neuraxis.errors import InputError
from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.features.extract import checksum, extract, simulated_paths
from neuraxis.features.images import cord_area, label_volumes, map_volume
from neuraxis.features.measures import RULES, check_units, measure_batch, measure_scan, quality

LABELS = Path(__file__).parents[2] / "resources" / "labels.tsv"


@pytest.fixture
def biomarkers(request):
    return read_biomarkers(request.config.rootpath / "resources" / "biomarkers.tsv")


def save(folder, data, affine=None, name="x.nii.gz"):
    path = folder / name
    nib.save(nib.Nifti1Image(data, np.eye(4) if affine is None else affine), path)
    return path


def test_volumes_of_oblique_anisotropic_images(tmp_path):
    rng = np.random.default_rng(0)
    data = rng.integers(0, 5, (9, 8, 7)).astype(np.int16)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.5, 1.2, 3.0])
    got = label_volumes(save(tmp_path, data, affine))
    assert got == pytest.approx({i: (data == i).sum() * 1.8 for i in range(1, 5)}, rel=1e-6)
    image = nib.MGHImage(data.astype(np.int32), np.diag([2.0, 1, 1, 1]))
    nib.save(image, tmp_path / "y.mgz")
    assert label_volumes(tmp_path / "y.mgz")[3] == (data == 3).sum() * 2
    assert label_volumes(save(tmp_path, data.astype(np.float32), name="f.nii"))[3] == (data == 3).sum()


@pytest.mark.parametrize("tilt", [0.0, 0.15, 0.35])
def test_cord_area_is_corrected_for_the_angle(tmp_path, tilt):
    mask, levels = cord_phantom(70.0, tilt)
    nib.save(mask, tmp_path / "m.nii.gz")
    nib.save(levels, tmp_path / "l.nii.gz")
    area, n = cord_area(tmp_path / "m.nii.gz", tmp_path / "l.nii.gz")
    assert area == pytest.approx(70.0, rel=0.01) and n == 18
    raw = np.asarray(mask.dataobj)[:, :, 9].sum() * 0.25
    assert raw == pytest.approx(70 / np.cos(tilt), rel=0.01)  # without the correction it would be too large


def test_phantoms_have_the_simulated_volumes(tmp_path, request, biomarkers):
    measures = simulate_cohort(request.config.rootpath / "resources", scale=0.02, seed=5).measures
    row = measures.iloc[0]
    nib.save(label_phantom(row, biomarkers), tmp_path / "p.nii.gz")
    volumes = label_volumes(tmp_path / "p.nii.gz")
    for b in biomarkers[biomarkers["kind"] == "labels"].itertuples():
        assert sum(volumes.get(i, 0) for i in b.labels) == pytest.approx(row[b.biomarker], abs=4.0)
    assert sum(volumes.values()) == pytest.approx(row["etiv"], abs=4.0)


def test_a_failing_person_fails_alone_and_is_named(tmp_path, biomarkers):
    head = np.full((4, 4, 5), 10, np.int16)
    head[:2, :, :4] = 49
    head[..., 4] = 24  # the fluid around the brain
    good = save(tmp_path, head, name="good.nii.gz")
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(good.read_bytes()[:60])
    table, failed = measure_batch(
        pd.DataFrame({"participant_id": ["s1", "s2", "s3"], "session_id": "baseline"}),
        biomarkers,
        lambda p, s: ({"s1": good, "s2": bad, "s3": tmp_path / "no.nii"}[p], None, None),
        (1,),
        LABELS,
    )
    assert table["participant_id"].tolist() == ["s1"] and table["thalamus"].iloc[0] == 64
    assert table["etiv"].iloc[0] == 80
    assert np.isnan(table["cord_csa"].iloc[0]) and np.isnan(table["putamen"].iloc[0])
    assert failed["participant_id"].tolist() == ["s2", "s3"]
    assert "bad.nii.gz cannot be read" in failed["problem"][0] and "no such image" in failed["problem"][1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((3, 3, 3), np.int16), "is empty"),
        (np.full((3, 3, 3), np.nan, np.float32), "NaN"),
        (np.full((3, 3, 3), 1.5, np.float32), "fractions"),
        (np.full((3, 3), 1, np.int16), "3-D"),
        (np.full((3, 3, 3), -1, np.int16), "negative"),
    ],
)
def test_broken_label_volumes(tmp_path, data, words):
    with pytest.raises(InputError, match=words):
        label_volumes(save(tmp_path, data))


def test_broken_cords(tmp_path):
    mask, levels = cord_phantom(70.0, 0.1)
    for image, name in ((mask, "m"), (levels, "l"), (nib.Nifti1Image(np.zeros((3, 3, 3), np.uint8), np.eye(4)), "z")):
        nib.save(image, tmp_path / f"{name}.nii.gz")
    with pytest.raises(InputError, match="share a grid"):
        cord_area(tmp_path / "m.nii.gz", tmp_path / "z.nii.gz")
    with pytest.raises(InputError, match="covers 0 slices"):
        cord_area(tmp_path / "z.nii.gz", tmp_path / "z.nii.gz")
    with pytest.raises(InputError, match="C7 is not covered"):
        cord_area(tmp_path / "m.nii.gz", tmp_path / "l.nii.gz", levels=(1, 7))


def test_unit_slips_and_quality(request, biomarkers):
    cohort = simulate_cohort(request.config.rootpath / "resources", scale=0.1, seed=5)
    people, measures = cohort.participants, cohort.measures[cohort.measures["session_id"] == "baseline"].copy()
    check_units(measures, biomarkers)
    with pytest.raises(InputError, match="frontal.*looks like ml"):
        check_units(measures.assign(frontal=measures["frontal"] / 1000), biomarkers)
    with pytest.raises(InputError, match="cord_csa.*looks like cm2"):
        check_units(measures.assign(cord_csa=measures["cord_csa"] / 100), biomarkers)
    few = measures["thalamus"].where(measures.index != 7, measures["thalamus"] / 1000)
    with pytest.raises(InputError, match=f"thalamus: mixed units: {measures.loc[7, 'participant_id']} look like ml"):
        check_units(measures.assign(thalamus=few), biomarkers)
    measures.loc[0, "etiv"] = 0.8e6
    measures.loc[1, "thalamus"] = 50000
    measures.loc[2, "putamen"] = np.nan
    rng = np.random.default_rng(0)
    measures["asymmetry_putamen"] = np.where(measures.index == 3, 0.4, rng.normal(0, 0.02, len(measures)))
    measures["surface_holes"] = np.where(measures.index == 4, 900, rng.poisson(30, len(measures)))
    measures["labels_absent"] = np.where(measures.index == 5, "1016", "")
    ids = measures["participant_id"]
    scores = pd.DataFrame({"thalamus": [0.4, 0.9]}, index=[ids[6], ids[7]])
    people.loc[:, "site"] = "one"
    qc = quality(measures, people, biomarkers, scores=scores)
    found = set(zip(qc["participant_id"], qc["rule"], strict=True))
    assert {(ids[0], "implausible eTIV"), (ids[1], "implausible"), (ids[2], "missing")} <= found
    assert {
        (ids[3], "asymmetric"),
        (ids[4], "surface holes"),
        (ids[5], "missing labels"),
        (ids[6], "QC score"),
    } <= found
    assert (ids[7], "QC score") not in found and set(qc["rule"]) <= set(RULES)


def test_biomarker_definitions(tmp_path, biomarkers):
    assert set(biomarkers["biomarker"]) == set(NORMS) and len(biomarkers) == 19
    labels = [i for v in biomarkers["labels"] for i in v]
    assert len(labels) == len(set(labels))
    text = "biomarker\tlabel\tkind\tlabels\tunit\tdirection\tplausible_low\tplausible_high\tsystem\n"
    for row, words in (
        ("a\tA\tlabels\t1;2\tmm3\tfall\t1\t2\tx\n", "whole numbers"),
        ("a\tA\tblob\t1\tmm3\tfall\t1\t2\tx\n", "kind"),
        ("a\tA\tlabels\t1\tmm3\tdown\t1\t2\tx\n", "direction"),
    ):
        (tmp_path / "b.tsv").write_text(text + row)
        with pytest.raises(InputError, match=words):
            read_biomarkers(tmp_path / "b.tsv")


def test_equal_phantoms_are_equal_files():
    from neuraxis.cohort.phantoms import compress

    image, _ = cord_phantom(70.0, 0.1)
    data = compress(image.to_bytes())
    assert data == compress(image.to_bytes()) and gzip.decompress(data) == image.to_bytes()


def test_real_label_volume(samples, biomarkers):
    path = samples / "synthseg" / "training_seg_01.nii.gz"
    got = label_volumes(path)
    image = nib.load(path)
    data = np.asarray(image.dataobj)
    size = np.prod(image.header.get_zooms()[:3])
    for label in (10, 17, 16):
        assert got[label] == pytest.approx((data == label).sum() * size, rel=1e-5)


def test_real_cord_mask(samples):
    """A real T2w cord whose mask carries its vertebral levels; healthy C3-C4 areas lie near 70 mm2."""
    folder = samples / "sct" / "sct_testing_data" / "t2"
    labelled = np.asarray(nib.load(folder / "t2_seg-manual_labeled.nii.gz").dataobj)
    levels = sorted({int(v) for v in np.unique(labelled) if v > 0})[:2]
    area, n = cord_area(folder / "t2_seg-manual.nii.gz", folder / "t2_seg-manual_labeled.nii.gz", levels=levels)
    assert 50 < area < 100 and n > 5


def test_frames_of_other_people_are_not_mixed_up(biomarkers):
    people = pd.DataFrame({"participant_id": ["a"], "site": ["s"]})
    measures = pd.DataFrame(
        {"participant_id": ["a"], "etiv": [1.5e6], **{b: [np.nan] for b in biomarkers["biomarker"]}}
    )
    assert (quality(measures, people, biomarkers)["participant_id"] == "a").all()


def test_posterior_maps_and_wmparc(tmp_path):
    data = np.zeros((4, 4, 4, 2), np.float32)
    data[..., 1] = 0.25
    affine = np.diag([2.0, 1, 1, 1])
    path = save(tmp_path, data, affine)
    assert map_volume(f"{path}#1") == pytest.approx(64 * 0.25 * 2) and map_volume(f"{path}#0") == 0
    for wrong, words in ((f"{path}#2", "no volume 2"), (f"{path}", "one volume of a 4-D"), ("no.nii", "no such")):
        with pytest.raises(InputError, match=words):
            map_volume(wrong)
    with pytest.raises(InputError, match="values from 0 to 5"):
        map_volume(save(tmp_path, data[..., 0] + np.arange(4)[:, None, None] * 5 / 3, name="y.nii.gz"))
    parcels = np.array([2, 3001, 3035, 5001, 4002, 17], np.int16).reshape(1, 2, 3)
    volumes = label_volumes(save(tmp_path, parcels, name="w.nii.gz"))
    assert volumes[2] == 4 and volumes[41] == 1 and volumes[17] == 1


def test_maps_that_are_not_used_need_no_images(tmp_path):
    head = "biomarker\tlabel\tkind\tlabels\tunit\tdirection\tplausible_low\tplausible_high\tsystem\n"
    rows = "".join(f"{b}\t{b}\tmap\t{b}_{{participant_id}}.nii.gz\tmm3\tfall\t1\t9\tn/a\n" for b in ("gm", "wm"))
    (tmp_path / "b.tsv").write_text(head + rows)
    assert map_templates(tmp_path / "b.tsv") == ["gm_{participant_id}.nii.gz", "wm_{participant_id}.nii.gz"]
    assert map_templates(tmp_path / "b.tsv", ["wm", "thalamus"]) == ["wm_{participant_id}.nii.gz"]


def test_head_size_from_a_table_and_maps_in_definitions(tmp_path, biomarkers):
    labels = save(tmp_path, np.full((4, 4, 4), 10, np.int16), name="sub-1_dseg.nii.gz")
    save(tmp_path, np.full((4, 4, 4), 0.5, np.float32), name="sub-1_gm.nii.gz")
    row = biomarkers.iloc[-1].copy()
    row["biomarker"], row["kind"], row["labels"] = "gm", "map", [str(tmp_path / "{participant_id}_gm.nii.gz")]
    own = row.copy()
    own["biomarker"], own["kind"], own["labels"] = "thickness", "table", []
    scans = pd.DataFrame({"participant_id": ["sub-1"], "session_id": ["baseline"]})
    table, failed = measure_batch(
        scans,
        pd.concat([biomarkers, row.to_frame().T, own.to_frame().T]),
        lambda p, s: (labels, None, None),
        (1,),
        LABELS,
        {("sub-1", "baseline"): 1.4e6},
    )
    assert failed.empty and table["etiv"].iloc[0] == 1.4e6 and table["gm"].iloc[0] == 32
    assert np.isnan(table["thickness"].iloc[0])  # no image holds a column of the user's table


def test_sessions_in_ids():
    got = split_scans({"": pd.Series(["sub-1", "sub-1_ses-02", "sub-2_ses-01"])}, baseline="ses-01")[""]
    assert got.to_numpy().tolist() == [["sub-1", "baseline"], ["sub-1", "ses-02"], ["sub-2", "baseline"]]


def test_a_sum_of_labels_without_the_fluid_around_the_brain_is_no_head_size(tmp_path):
    brain = np.full((4, 4, 5), 10, np.int16)
    brain[0, 0, 0] = 24  # aseg's cerebrospinal fluid
    path = save(tmp_path, brain)
    with pytest.raises(InputError, match="x.nii.gz: these labels leave out the fluid.*features.etiv"):
        measure_scan(path, None, None, (1,), LABELS)
    assert measure_scan(path, None, None, (1,), LABELS, etiv=90.0)[1]["etiv"] == 90.0


def test_files_behind_a_measure_are_known_by_checksum(tmp_path, request):
    (tmp_path / "sub-1/stats").mkdir(parents=True)
    file = tmp_path / "sub-1/stats/aseg.stats"
    file.write_text("# nothing\n")
    image = save(tmp_path, np.full((3, 3, 3), 10, np.int16))
    assert checksum(image) == hashlib.sha256(image.read_bytes()).hexdigest()
    before = checksum(tmp_path / "sub-1")
    file.write_text("# something\n")
    after = checksum(tmp_path / "sub-1")
    (tmp_path / "sub-1/stats/note.md").write_text("read by nobody")
    assert before != after == checksum(tmp_path / "sub-1")
    table, failed, files = extract(
        pd.DataFrame({"participant_id": ["sub-1", "sub-2"], "session_id": ["baseline", "ses-02"]}),
        biomarkers=request.config.rootpath / "resources" / "biomarkers.tsv",
        labels_file=LABELS,
        folders=[],
        etiv="",
        templates=(str(tmp_path / "{participant_id}"), "", ""),
        baseline_session="ses-01",
        cord_levels=(1,),
    )
    assert table.empty and failed["participant_id"].tolist() == ["sub-1", "sub-2"]
    assert files.to_numpy().tolist() == [["sub-1", "baseline", str(tmp_path / "sub-1"), after]]


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ((), "C1-C3"),
        ([2, 3], "C2-C3"),
        ((3, 2), "C2-C3"),
        ([4], "C4"),
        ([2, 5], "C2, C5"),
        ([7, 8, 9], "C7-T2"),
        ([20], "L1"),
    ],
)
def test_the_cord_is_called_after_the_levels_that_were_measured(request, tmp_path, levels, words):
    """The workflow's own label and one of a user; a word without levels, and other biomarkers, stay."""
    shipped = (request.config.rootpath / "resources/biomarkers.tsv").read_text()
    assert "\tCord area C1-C3\t" in shipped
    for text, found in (
        (shipped, f"Cord area {words}"),
        (shipped.replace("Cord area C1-C3", "CSA (C2-3, T1w)"), f"CSA ({words if levels else 'C2-3'}, T1w)"),
        (shipped.replace("Cord area C1-C3", "Cord area"), "Cord area"),
        (shipped.replace("\tThalamus\t", "\tT2 C1-C3\t"), f"Cord area {words}"),
    ):
        (tmp_path / "b.tsv").write_text(text)
        label = read_biomarkers(tmp_path / "b.tsv", levels).set_index("biomarker")["label"]
        assert label["cord_csa"] == found and label["thalamus"] in ("Thalamus", "T2 C1-C3")


def test_a_simulated_scan_that_is_nowhere_is_expected_in_the_first_folder(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    folders = [tmp_path / "first", tmp_path / "second"]
    assert {p.parent.name for p in simulated_paths(folders, "sub-1", "baseline")} == {"first"}
    stem = simulated_paths(folders, "sub-1", "baseline")[0].name
    (tmp_path / "second" / stem).write_bytes(b"")
    assert {p.parent.name for p in simulated_paths(folders, "sub-1", "baseline")} == {"second"}
