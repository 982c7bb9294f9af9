"""Readers and images at the edges of what they take: the largest label, the thinnest cord, the last parcel."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError, NeuraxisWarning
from neuraxis.features import images
from neuraxis.features.combine import _batches, same_values
from neuraxis.features.extract import batch_of, read_files, trace
from neuraxis.features.headsize import read_head_sizes
from neuraxis.features.images import (
    cord_area,
    fold_white_matter,
    label_counts,
    label_volumes,
    load_image,
    whole_numbers,
)
from neuraxis.features.measures import check_units, needed_problems, possible
from neuraxis.features.readers.base import is_head_size, measure, to_mm3
from neuraxis.features.readers.freesurfer import _header, read_samseg, read_stats, read_subregions, subregion_stem
from neuraxis.features.readers.sct import _scan_of, levels_of, read_sct
from neuraxis.features.readers.volume_tables import _refuse_mixed
from neuraxis.features.stats import biomarkers_from_labels, read_qc_scores
from neuraxis.schema import write


def put(folder, text, name="t.csv"):
    (folder / name).write_text(text)
    return folder / name


def saved(folder, data, affine=None, name="x.nii"):
    nib.save(nib.Nifti1Image(data, np.eye(4) if affine is None else affine), folder / name)
    return folder / name


# ---------------------------------------------------------------- images


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.0, 2.991, 3.0], ""), ([0.0, 2.985], "fractions"), ([0.0, np.inf], "NaN or infinite"), ([-1.0, 3.0], "negative labels or"),
        ([-0.009, 3.0], ""), ([0.0, 2.0**31], "above 2147483647"), ([0.0, 2.0**31 - 1], ""),
    ],
)  # fmt: skip
def test_labels_that_are_nearly_whole(values, words):
    data = np.array(values).reshape(-1, 1, 1)
    if words:
        with pytest.raises(InputError, match=words):
            whole_numbers(data, "x")
    else:
        assert whole_numbers(data, "x").ravel().tolist() == np.rint(data).ravel().tolist()


@pytest.mark.parametrize("dtype", ["int64", "uint64", "uint32"])
def test_the_largest_label_is_that_of_32_bits(dtype):
    data = np.array([0, 2**31 - 1], dtype).reshape(1, 1, 2)
    assert whole_numbers(data, "x").max() == 2**31 - 1
    with pytest.raises(InputError, match="above 2147483647"):
        whole_numbers(data + np.array(1, dtype), "x")
    assert whole_numbers(data[..., :0], "x").size == 0


def test_negative_labels_of_every_width_are_refused():
    for dtype in ("int8", "int16", "int64"):
        with pytest.raises(InputError, match="negative"):
            whole_numbers(np.array([[[-1, 5]]], dtype), "x")
    assert whole_numbers(np.array([[[0, 5]]], "int8"), "x").ravel().tolist() == [0, 5]


def test_labels_are_counted_across_pieces(monkeypatch):
    monkeypatch.setattr(images, "PIECE", 3)
    data = np.array([5, 0, 5, 7, 5, 65535, 65536, 5, 65536, 0], np.int64).reshape(2, 5, 1)
    assert label_counts(data, "x") == {5: 4, 7: 1, 65535: 1, 65536: 2}
    nan = np.array([1.0, 2, 3, np.nan]).reshape(1, 4, 1)
    with pytest.raises(InputError, match="NaN"):
        whole_numbers(nan, "x")
    assert whole_numbers(np.arange(8.0).reshape(2, 2, 2), "x").ravel().tolist() == list(range(8))


def test_too_many_labels_are_no_segmentation(monkeypatch):
    monkeypatch.setattr(images, "MOST_LABELS", 4)
    assert len(label_counts(np.arange(4).reshape(1, 2, 2), "x")) == 3
    with pytest.raises(InputError, match="more than 4 different labels"):
        label_counts(np.arange(5).reshape(1, 1, 5), "x")


def test_white_matter_gets_its_parcels_back():
    volumes = {
        2: 10.0,
        3000: 1.0,
        3001: 2.0,
        3999: 4.0,
        4000: 8.0,
        4001: 16.0,
        5001: 32.0,
        5002: 64.0,
        5000: 128.0,
        "lh.x": 256.0,
    }
    got = fold_white_matter(dict(volumes))
    assert got[2] == 10 + 2 + 4 + 32 and got[41] == 16 + 64 and got[3001] == 2 and got["lh.x"] == 256
    assert fold_white_matter({41: 3.0}) == {41: 3.0}


def test_voxels_of_living_humans(tmp_path):
    data = np.full((3, 3, 3), 10, np.uint8)
    assert label_volumes(saved(tmp_path, data, np.diag([0.021, 1, 49.9, 1])))[10] == pytest.approx(27 * 0.021 * 49.9)
    for edges in ([0.019, 1, 1, 1], [1, 1, 51, 1]):
        with pytest.raises(InputError, match="voxels of"):
            label_volumes(saved(tmp_path, data, np.diag(edges)))
    skew = np.eye(4)
    skew[0, 1] = 2000.0  # nearly parallel axes
    with pytest.raises(InputError, match="singular|voxels of"):
        label_volumes(saved(tmp_path, data, skew))


def test_a_fourth_axis_of_one_volume_is_none(tmp_path):
    data = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    assert load_image(saved(tmp_path, data[..., None]))[0].shape == (2, 2, 2)
    with pytest.raises(InputError, match=r"has shape \(2, 2, 2, 2\); a 3-D volume"):
        load_image(saved(tmp_path, np.stack([data, data], axis=-1)))


def column(n=4, size=2):
    """A straight cord of 2 x 2 voxels over n slices, one level, off the image's middle."""
    mask = np.zeros((6, 5, n + 2), np.uint8)
    mask[1 : 1 + size, 2 : 2 + size, 1 : n + 1] = 1
    return mask, mask * 2


def test_three_slices_are_a_cord_and_two_are_not(tmp_path):
    affine = np.diag([0.5, 0.8, 3.0, 1])
    for n in (3, 5):
        mask, level = column(n)
        area, slices = cord_area(saved(tmp_path, mask, affine, "m.nii"), saved(tmp_path, level, affine, "l.nii"), [2])
        assert area == pytest.approx(4 * 0.5 * 0.8) and slices == n
    mask, level = column(2)
    with pytest.raises(InputError, match="covers 2 slices; at least 3"):
        cord_area(saved(tmp_path, mask, affine, "m.nii"), saved(tmp_path, level, affine, "l.nii"), [2])


def test_the_cord_runs_along_the_axis_nearest_to_head_and_foot(tmp_path):
    mask, level = column(5)
    truth = 4 * 0.5 * 0.8
    for axes in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        affine = np.zeros((4, 4))
        for k, a in enumerate(axes):
            affine[a, k] = (0.5, 0.8, 3.0)[a]
        affine[3, 3] = 1
        turned = [np.transpose(v, axes) for v in (mask, level)]
        paths = [saved(tmp_path, v, affine, f"{n}.nii") for n, v in zip("ml", turned, strict=True)]
        assert cord_area(*paths, [2])[0] == pytest.approx(truth), axes


def test_areas_are_averaged_within_levels_and_then_over_them(tmp_path):
    mask = np.zeros((8, 8, 9), np.float32)
    mask[2:4, 2:4, :6], mask[1:5, 1:5, 6:] = 1, 0.6  # above a half is cord
    mask[6, 6, :] = 0.5
    level = np.zeros((8, 8, 9), np.int16)
    level[1:5, 1:5, :6], level[1:5, 1:5, 6:], level[2, 2, 6] = 3, 2, 3
    got = cord_area(saved(tmp_path, mask, name="m.nii"), saved(tmp_path, level, name="l.nii"), [3, 2])
    assert got == (pytest.approx((4 + 16) / 2), 9)
    mask[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        cord_area(saved(tmp_path, mask, name="m.nii"), tmp_path / "l.nii", [3, 2])


def test_grids_may_lie_half_a_voxel_apart(tmp_path):
    mask, level = column(4)
    affine = np.diag([2.0, 1.0, 3.0, 1])
    where = saved(tmp_path, mask, affine, "m.nii")
    for shift, fine in ((0.49, True), (0.51, False)):
        moved = affine.copy()
        moved[0, 3] = shift
        other = saved(tmp_path, level, moved, "l.nii")
        if fine:
            assert cord_area(where, other, [2])[0] == pytest.approx(8)
        else:
            with pytest.raises(InputError, match="lie up to 0.51 mm apart"):
                cord_area(where, other, [2])


# ---------------------------------------------------------------- cord tables


@pytest.mark.parametrize(
    ("text", "levels"),
    [("2", (2,)), ("2:4", (2, 3, 4)), ("2,4", (2, 4)), ("3.0", (3,)), ("2.005", (2,)), ("2.02", ()), ("", ()), ("-3", ()),
     ("100", (100,)), ("101", ()), ("2; 3", (2, 3)), ("4:2", ()), ("a", ())],
)  # fmt: skip
def test_levels_of_a_row(text, levels):
    assert levels_of(text) == levels


@pytest.mark.parametrize(
    ("path", "scan"),
    [("/d/sub-07_ses-02_T2w.nii.gz", "sub-07_ses-02"), ("/d/sub-07/ses-02/anat/cord.nii", "sub-07_ses-02"), ("sub-07_T2w.nii", "sub-07"),
     ("/sub-1/x/sub-07_seg.nii", "sub-07"), ("C:\\d\\sub-07\\t2.nii", "sub-07"), ("/d/p7.nii", None)],
)  # fmt: skip
def test_scans_of_file_names(path, scan):
    assert _scan_of(path) == scan


HEAD = "Timestamp,Filename,Slice (I->S),VertLevel,MEAN(area)\n"


def rows(*values):
    return HEAD + "".join(f"{t},/d/sub-{p}_seg.nii.gz,{s},{v},{a}\n" for t, p, s, v, a in values)


def test_of_two_runs_the_first_or_the_last_is_taken_by_time(tmp_path):
    late, early = "2025-02-11 10:00:00", "2025-02-10 10:00:00"
    path = put(
        tmp_path,
        rows(
            (late, "a", "1:9", 2, 80), (late, "a", "1:9", 3, 90), (early, "a", "1:9", 2, 60), (early, "a", "1:9", 3, 70)
        ),
    )
    assert read_sct(path, [2, 3], repeats="last").to_dict() == {"sub-a": 85}
    assert read_sct(path, [2, 3], repeats="first").to_dict() == {"sub-a": 65}
    with pytest.raises(InputError, match=r"sub-a: /d/sub-a_seg.nii.gz \(lines 2, 3, 4, 5\)"):
        read_sct(path, [2, 3])
    text = HEAD + "".join(f"{t},/d/sub-a_{n}_seg.nii.gz,1:9,2,{a}\n" for t, n, a in ((late, "x", 50), (early, "y", 40)))
    assert read_sct(put(tmp_path, text), [2], repeats="last").tolist() == [50]
    assert read_sct(tmp_path / "t.csv", [2], repeats="first").tolist() == [40]


@pytest.mark.parametrize(("area", "fine"), [("0", False), ("-1", False), ("x", False), ("inf", False), ("0.1", True)])
def test_what_is_an_area(tmp_path, area, fine):
    path = put(tmp_path, rows(("", "a", "1:9", 2, area), ("", "b", "1:9", 2, 70)))
    if fine:
        assert read_sct(path, [2])["sub-a"] == 0.1
    else:
        with pytest.raises(InputError, match="line 2: MEAN"):
            read_sct(path, [2])


def test_one_scan_with_all_levels_is_enough(tmp_path):
    path = put(tmp_path, rows(("", "a", "1:9", 2, 60), ("", "b", "1:9", 2, 70), ("", "b", "1:9", 3, 80)))
    with pytest.warns(NeuraxisWarning, match=r"for lack of levels: sub-a \(C3\)"):
        assert read_sct(path, [2, 3]).to_dict() == pytest.approx({"sub-a": np.nan, "sub-b": 75}, nan_ok=True)
    assert read_sct(path, [2, 2]).to_dict() == {"sub-a": 60, "sub-b": 70}


# ---------------------------------------------------------------- stats and tables of volumes


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("# Measure Cortex, CortexVol, Total cortical volume, 553998.3, mm^3", ("cortexvol", 553998.3)),
        ("# Measure Cortex, CortexVol Total cortical volume, 553998.3, mm^3", ("cortexvol", 553998.3)),
        ("# Measure Cortex, 3.5, mm^3", ("3.5", 3.5)),
        ("# Measure Cortex, , words, 7, mm^3", ("cortex", 7.0)),
        ("# Measure Cortex, mm^3", None),
    ],
)
def test_measures_of_a_header(line, found):
    assert _header(line, "x") == found


def test_rows_of_a_stats_file_are_whole(tmp_path):
    head = "# NRows 2\n# ColHeaders Index SegId Volume_mm3 StructName normMean\n"
    good = head + "1 10 7000 a -5\n2 11 0 b 4\n"
    measures, table = read_stats(put(tmp_path, good, "aseg.stats"))
    assert measures == {} and table["normMean"].tolist() == [-5, 4] and table["Volume_mm3"].tolist() == [7000, 0]
    for text, words in (
        (good.replace("NRows 2", "NRows 3"), "has 2 of the 3 rows"),
        (good.replace("NRows 2", "NRows 1"), "has 2 of the 1 row "),
        (good.replace("7000", "-1"), "cannot be a measure"),
        (good.replace("2 11", "3 11"), "rows are missing or doubled"),
        (good.replace("2 11", "2 10"), "SegId 10.* stands there twice"),
        (good.replace("0 b", "0 a"), "StructName a stands there twice"),
        (good.replace(" 4\n", "\n"), "line 4: a row has 4 of 5 columns"),
    ):
        with pytest.raises(InputError, match=words):
            read_stats(put(tmp_path, text, "aseg.stats"))


@pytest.mark.parametrize(("there", "fine"), [(981, True), (979, False), (1200, True)])
def test_vertices_may_lack_a_fiftieth(tmp_path, there, fine):
    text = f"# Measure Cortex, NumVert, Number of Vertices, 1000, unitless\n# ColHeaders StructName NumVert\na {there - 1}\nb 1\n"
    path = put(tmp_path, text, "lh.aparc.stats")
    if fine:
        assert read_stats(path)[0] == {"numvert": 1000}
    else:
        with pytest.raises(InputError, match="2% of the surface's vertices"):
            read_stats(path)


def test_lists_of_subregions(tmp_path):
    assert (
        subregion_stem("lh.hippoSfVolumes-T1.v22.txt") == "lh.hippoSfVolumes"
        and subregion_stem("a/brainstem.txt") == "brainstem"
    )
    five = put(tmp_path, "# c\n1 203 0 12.5 CA1\n2 204 0 3 CA3\n", "lh.hippo.txt")
    assert read_subregions(five) == {"lh.hippo.CA1": 12.5, "lh.hippo.CA3": 3.0}
    assert read_subregions(put(tmp_path, "CA1 12.5\n", "lh.hippo.txt")) == {"lh.hippo.CA1": 12.5}
    assert read_subregions(put(tmp_path, "# a comment alone", "lh.hippo.txt")) == {}
    for text, words in (("CA1 1\nCA1 2\n", "CA1 stands there twice"), ("CA1 1\nCA3 2", "ends within line 2"), ("CA1 1 2\n", "line 1: expected"),
                        ("1 x 0 12.5 CA1\n", "line 1: expected")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            read_subregions(put(tmp_path, text, "lh.hippo.txt"))


def test_lists_of_samseg(tmp_path):
    assert read_samseg(put(tmp_path, "# Measure A, 5, mm^3\nx\n# Measure B, 0, mm^3\n", "samseg.stats")) == {
        "A": 5,
        "B": 0,
    }
    assert read_samseg(put(tmp_path, "ROI,volume\nA,5\n\nB,6,mm\n", "samseg.csv")) == {"A": 5, "B": 6}
    for name, text, words in (("samseg.stats", "# Measure A, 5\n", "line 1: expected"), ("samseg.stats", "A, 5, mm\n", "no '# Measure'"),
                              ("samseg.csv", "A,5\nA,6\n", "line 2: A stands there twice"), ("samseg.csv", ",5\n", "line 1: expected"),
                              ("samseg.csv", "A\n", "line 1: expected")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            read_samseg(put(tmp_path, text, name))


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), (" 1.5 ", 1.5), ("n/a", None), ("nan", None)])
def test_numbers_of_a_tool(text, value):
    got = measure(text, "x")
    assert np.isnan(got) if value is None else got == value


def test_numbers_that_no_tool_writes():
    for text, words in (
        ("-0.1", "cannot be a measure"),
        ("1,5", "decimal comma"),
        ("a", "is no number"),
        ("1e999", "cannot be a measure"),
    ):
        with pytest.raises(InputError, match=words):
            measure(text, "x")
    assert measure("-3", "x", least=-5) == -3


def test_head_sizes_are_known_by_name_and_by_size():
    assert [is_head_size(c) for c in ("TIV (ml)", "eTIV_mm3", "ICV", "eTIV [cm^3]", "thalamus", "site")] == [
        True
    ] * 4 + [False] * 2
    with pytest.warns(NeuraxisWarning, match="multiplied by 1000"):
        got = to_mm3(pd.Series([400.0, 3500, 399.9, 3500.1, np.nan]), what="x")
    assert got.tolist()[:4] == [400_000, 3_500_000, 399.9, 3500.1] and np.isnan(got[4])
    assert to_mm3(pd.Series([400_000.0, 5.0]), what="x").tolist() == [400_000, 5]
    with pytest.raises(InputError, match="mixed units: b look like ml"):
        to_mm3(pd.Series([1.5e6, 1500], ["a", "b"]), what="x")


def test_two_head_sizes_of_a_table_may_differ_by_a_hundredth(tmp_path):
    head = "participant_id,etiv,ICV\n"
    assert read_head_sizes(put(tmp_path, head + "a,1500000,1514000\nb,n/a,n/a\n"), ["a", "b"])["a"] == 1.5e6
    with pytest.raises(InputError, match="etiv and ICV are both head sizes, but differ for a"):
        read_head_sizes(put(tmp_path, head + "a,1500000,1516000\nb,1500000,1500000\n"), ["a", "b"])
    with pytest.raises(InputError, match="etiv is no number: a"):
        read_head_sizes(put(tmp_path, "participant_id,etiv\na,x\n"), ["a"])
    with pytest.raises(InputError, match="no participant has a head size"):
        read_head_sizes(put(tmp_path, "participant_id,etiv\na,0\n"), ["a"])


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([7000, 7100, 6900, 7200, 7050, 7.0], "p5 (7)"),
        ([7000, 7100, 6900, 7200, 7.0], None),  # four do not tell the size
        ([7000, 7100, 6900, 7200, 7050, 3.4], None),  # no thousandth of any
        ([7000, 7100, 6900, 7200, 7050, 14.5], None),
        ([7000, 7100, 6900, 7200, 7050, 0, np.nan], None),
        ([1000, 20_001, 9000, 9000, 9000, 9.0], None),  # too different among themselves
        ([1001, 20_000, 9000, 9000, 9000, 9.0], "p5 (9)"),
        ([], None),
    ],
)
def test_volumes_of_another_unit_among_others(values, named):
    people = [f"p{i}" for i in range(len(values))]
    if named is None:
        _refuse_mixed(np.array(values, float), "t: x", people)
    else:
        with pytest.raises(InputError) as error:
            _refuse_mixed(np.array(values, float), "t: x", people)
        assert f"mixed units: {named} look like ml" in str(error.value)


def test_scores_of_quality_lie_between_0_and_1(tmp_path):
    got = read_qc_scores(put(tmp_path, "subject,a,b\np,0,1\nq,n/a,0.5\n"))
    assert got.loc["p"].tolist() == [0, 1] and np.isnan(got.loc["q", "a"])
    for text in ("p,1.01,1\n", "p,-0.01,1\n", "p,x,1\n", "p,n/a,n/a\n"):
        with pytest.raises(InputError, match="scores must be numbers from 0 to 1"):
            read_qc_scores(put(tmp_path, "subject,a,b\n" + text))


# ---------------------------------------------------------------- biomarkers and tables of scans


DEFINED = pd.DataFrame(
    {"biomarker": ["sum", "thin", "lesion"], "kind": ["labels", "thickness", "labels"], "labels": [[10, 49], [1001, 2001], [77]],
     "unit": ["mm3", "mm", "mm3"], "plausible_low": [5.0, 1.0, 0.0], "plausible_high": [50.0, 5.0, 99.0]}
)  # fmt: skip


def test_sums_means_and_what_a_scan_lacks():
    volumes = pd.DataFrame(
        {10: [7.0, 7.0, 0.0, np.nan], 49: [3.0, np.nan, 5.0, np.nan], "thickness:1001": [2.0, 2.5, np.nan, 3.0],
         "thickness:2001": [3.0, 2.5, 3.0, np.nan], 77: [0.0, 4.0, np.nan, 1.0], "surface_holes": [1.0, 2, 3, 4], "etiv": 1.5e6},
        index=list("abcd"),
    )  # fmt: skip
    got = biomarkers_from_labels(volumes, DEFINED)
    assert got["sum"].tolist()[:1] == [10] and got["sum"].isna().tolist() == [False, True, True, True]
    assert got["thin"].tolist()[:2] == [2.5, 2.5] and got["thin"].isna().tolist() == [False, False, True, True]
    assert got["lesion"].tolist() == pytest.approx([0, 4, np.nan, 1], nan_ok=True)
    assert got["surface_holes"].tolist() == [1, 2, 3, 4] and (got["etiv"] == 1.5e6).all()
    assert biomarkers_from_labels(volumes[[77]], DEFINED)["sum"].isna().all()


def test_labels_that_half_of_the_people_have_may_not_be_absent(tmp_path):
    names = put(tmp_path, "label\tname\n10\tLeft-Thalamus\n49\tRight-Thalamus\n77\tlesion\n", "l.tsv")
    volumes = pd.DataFrame({10: [1.0, 2, 3, 4], 49: [1.0, 2, np.nan, np.nan], 77: np.nan}, index=list("abcd"))
    assert biomarkers_from_labels(volumes, DEFINED, names)["labels_absent"].tolist() == ["", "", "49", "49"]
    fewer = volumes.assign(x=1).rename(columns={"x": "y"})
    fewer[49] = [1.0, np.nan, np.nan, np.nan]
    assert biomarkers_from_labels(fewer, DEFINED, names)["labels_absent"].tolist() == [""] * 4


def test_units_slip_for_most_or_for_some():
    table = pd.DataFrame({"participant_id": list("abcd"), "sum": [10.0, 20, 30, 40], "thin": [2.0, 3, 0.2, 0.3]})
    with pytest.raises(InputError, match="thin: mixed units: c, d look like cm"):
        check_units(table, DEFINED)
    with pytest.raises(InputError, match="thin: median 0.35 looks like cm, not mm; multiply the column by 10"):
        check_units(table.assign(thin=[0.4, 3, 0.2, 0.3]), DEFINED)
    check_units(table.assign(thin=[2.0, 3, 0.05, 4]), DEFINED)


def test_sizes_are_above_nothing_and_scores_may_be_below(tmp_path):
    defined = DEFINED.assign(kind=["labels", "table", "column"], unit=["mm3", "mm", "points"])
    table = pd.DataFrame(
        {"participant_id": list("ab"), "etiv": [0.0, 1e6], "sum": [0.0, 1], "thin": [-1.0, 1], "lesion": [-1.0, np.inf]}
    )
    with pytest.warns(NeuraxisWarning):
        got, out = possible(table, defined)
    assert out[["participant_id", "biomarker", "limits"]].values.tolist() == [
        ["a", "etiv", "above 0 and finite"], ["a", "sum", "above 0 and finite"], ["a", "thin", "above 0 and finite"], ["b", "lesion", "finite"],
    ]  # fmt: skip
    assert got["lesion"].tolist()[0] == -1 and got.isna().sum().sum() == 4 and table["sum"].tolist() == [0, 1]


def test_problems_cost_only_those_who_need_the_file():
    defined = pd.DataFrame({"biomarker": ["a", "b"], "kind": ["names", "labels"], "labels": [["lh.hippo.CA1"], [10]]})
    problems = {"lh.hippo.": "bad", "rh.hippo.": "worse"}
    assert needed_problems(problems, defined) == ["bad"] and needed_problems(problems, defined[1:]) == []


def test_equal_measures_need_three_to_be_no_chance():
    table = pd.DataFrame(
        {"participant_id": list("abc"), "x": [1.0, 1, 2], "y": [2.0, 2, 2], "z": [3.0, 3, 3], "w": np.nan}
    )
    with pytest.warns(NeuraxisWarning, match="one scan under two ids: a and b have equal measures"):
        same_values(table, ["x", "y", "z", "w"])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same_values(table, ["x", "y"])
        same_values(table.assign(x=[1.0, 1.1, 2]), ["x", "y", "z"])


def test_batches_are_put_together_and_no_scan_twice(tmp_path):
    def batch(k, *people):
        frame = pd.DataFrame({"participant_id": people, "session_id": "baseline", "etiv": 1.5e6, "x": float(k)})
        write("features/batches/B_measures.tsv", frame, tmp_path / f"{k}_measures.tsv", origin="SIMULATED")
        return tmp_path / f"{k}_measures.tsv"

    one, two = batch(0, "a", "b"), batch(1, "c")
    assert _batches([one, two])[["participant_id", "x"]].values.tolist() == [["a", 0], ["b", 0], ["c", 1]]
    assert "origin" not in _batches([one])
    with pytest.raises(InputError, match="measured twice: b"):
        _batches([one, batch(2, "b")])


def test_people_stay_in_their_batch():
    spread = [batch_of(f"sub-{i:03d}", 7) for i in range(200)]
    assert set(spread) == set(range(7)) and [batch_of(f"sub-{i:03d}", 7) for i in range(200)] == spread


def test_what_is_read_of_a_folder(tmp_path):
    (tmp_path / "p/stats").mkdir(parents=True)
    (tmp_path / "p/mri").mkdir()
    for name in ("stats/b.stats", "stats/a.csv", "stats/c.txt", "mri/d.txt", "mri/e.mgz"):
        (tmp_path / "p" / name).write_text("x")
    assert sorted(p.name for p in read_files(tmp_path / "p")) == ["a.csv", "b.stats", "d.txt"]
    assert read_files(tmp_path / "p/stats/c.txt") == [tmp_path / "p/stats/c.txt"]
    (tmp_path / "q").mkdir()
    (tmp_path / "q/f.stats").write_text("x")
    assert [p.name for p in read_files(tmp_path / "q")] == ["f.stats"]


def test_small_files_are_looked_at_wholly(tmp_path):
    at = tmp_path / "x"
    for size in (4096, 4097, 65_536):
        seen = set()
        for where in (0, size // 2, size - 1):
            content = bytearray(size)
            content[where] = 1
            at.write_bytes(content)
            seen.add(trace(at))
        at.write_bytes(bytes(size))
        assert len(seen | {trace(at)}) == 4
    at.write_bytes(b"")
    assert trace(at) != "unreadable"
