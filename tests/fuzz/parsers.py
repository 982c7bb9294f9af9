"""Every parser with a whole file for it, what it reads there, and mutations of files; shared by the suite and `make fuzz`.

A mutated file may be refused (the project's own error), read with a warning, or read. Read without a word, it must mean
what it meant, or differ in a way that nothing in the file gives away: one number written as another number.
"""

from __future__ import annotations

import gzip
import math
import re
import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import yaml

from neuraxis.biomarkers import read_biomarkers
from neuraxis.checks import check_shape, read_config
from neuraxis.cohort.ids import People, parse
from neuraxis.cohort.participants import read_participants, read_times
from neuraxis.cohort.templates import template_problem
from neuraxis.errors import NeuraxisError
from neuraxis.features.combine import read_tidy
from neuraxis.features.headsize import read_head_sizes
from neuraxis.features.images import cord_area, label_volumes, map_volume
from neuraxis.features.readers.cat12 import read_head_size, read_regions
from neuraxis.features.readers.freesurfer import read_samseg, read_stats, read_subregions
from neuraxis.features.readers.sct import read_sct
from neuraxis.features.stats import read_qc_scores, read_volume_tables
from neuraxis.tables import read_table, seal, seal_of

ROOT = Path(__file__).parents[2]
LABELS = ROOT / "resources/labels.tsv"
PERSON = yaml.safe_load((ROOT / "workflow/schemas/participants.schema.yaml").read_text(encoding="utf-8"))
CONFIG = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
#: Processor seconds that one file may take.
SECONDS = 5.0
LISTED = [f"sub-{i:02d}" for i in range(1, 6)]


@dataclass
class Parser:
    """A parser, a whole file for it, and the file's name."""

    name: str
    file: str
    whole: bytes
    read: Callable


def _aseg() -> bytes:
    rows = [
        (10, "Left-Thalamus"),
        (49, "Right-Thalamus"),
        (16, "Brain-Stem"),
        (11, "Left-Caudate"),
        (50, "Right-Caudate"),
    ]
    text = "# Title Segmentation Statistics\n# Measure lhCerebralWhiteMatter, lhCerebralWhiteMatterVol, Left, 200000.5, mm^3\n"
    text += "# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, 1500000.25, mm^3\n"
    text += f"# NRows {len(rows)}\n# ColHeaders  Index SegId NVoxels Volume_mm3 StructName normMean\n"
    return (text + "".join(f" {n} {i} 7{n}00 71{n}0.5 {s} 90.5\n" for n, (i, s) in enumerate(rows, 1))).encode()


def _aparc() -> bytes:
    text = "# Measure Cortex, NumVert, Number of Vertices, 9000, unitless\n# ColHeaders StructName NumVert SurfArea GrayVol ThickAvg\n"
    return (text + "insula 3000 2431 7669 3.177\nlingual 3000 1500 5000 2.01\ncuneus 3000 1501 4000 2.11\n").encode()


def _image(labels: bool) -> bytes:
    data = np.zeros((8, 8, 12), np.uint8 if labels else np.float32)
    data[2:6, 2:6] = np.repeat([3, 2, 1], 4) if labels else 0.5
    return gzip.compress(nib.Nifti1Image(data, np.diag([1.0, 1, 2, 1])).to_bytes(), 1, mtime=0)


def _area(path):
    return cord_area(path, path, (1, 2, 3))


def _sealed(path):
    return read_table(path)


PARTICIPANTS = (
    "participant_id\tgroup\tsite\tage\tsex\tedss\teducation\n"
    "sub-01\tHC\tA\t30.5\tM\tn/a\t12\nsub-02\tHC\tB\t41.2\tF\tn/a\t16\nsub-03\tMS\tA\t35\tF\t2.5\t11\nsub-04\tMS\tB\t52.75\tM\t6\t9\n"
)
VOLUMES = "subject,total intracranial,left thalamus,right thalamus,brain-stem\n" + "".join(
    f"sub-0{i}_ses-01,15{i}0000.0,70{i}0.5,71{i}0.25,190{i}0\n" for i in range(1, 6)
)
APARC = "lh.aparc.DKTatlas.thickness\tlh_insula_thickness\tlh_cuneus_thickness\teTIV\n" + "".join(
    f"sub-0{i}\t3.{i}1\t1.9{i}\t15{i}0000\n" for i in range(1, 6)
)
SCT = "Timestamp,SCT Version,Filename,Slice (I->S),VertLevel,DistancePMJ,MEAN(area),STD(area)\n" + "".join(
    f'"2025-02-11 10:00:00",6.5,/d/sub-0{i}/anat/sub-0{i}_T2w_seg.nii.gz,{9 * v}:{9 * v + 8},{v},,7{v}.{i}5,1.5\n'
    for i in range(1, 5)
    for v in (3, 2, 1)
)
CAT = (
    "<?xml version='1.0'?>\n<S><neuromorphometrics><names><item>Left Amygdala</item><item>Right Amygdala</item></names>"
    "<ids>[31;32]</ids><data><Vgm>[1.41;1.52]</Vgm></data></neuromorphometrics></S>\n"
)
BIOMARKERS = (ROOT / "resources/biomarkers.tsv").read_bytes()
SETTINGS = b"seed: 1\ncohort: {source: files, control: HC, diseases: [MS], scale: 0.5}\nfeatures: {source: table, biomarkers: b.tsv}\nnormative: {folds: 5, overrides: {a: {head_size: none}}}\nsustain: {z_max: 5, thresholds: [1, 2, 3]}\nclinical: {outcomes: [{name: EDSS, column: edss, type: ordinal}]}\nreport: {title: T}\n"


def _settings(path):
    config = read_config(path)
    check_shape(config, CONFIG)
    return config


def _ids(path):
    text = path.read_bytes().decode("utf-8", "replace")
    people = People(LISTED)
    return [(parse(line), people.find(line), template_problem(line)) for line in text.splitlines()]


PARSERS = [
    Parser(
        "participants",
        "participants.tsv",
        PARTICIPANTS.encode(),
        lambda p: read_participants(p, PERSON, control="HC", diseases=["MS"])[0],
    ),
    Parser(
        "visits",
        "visits.tsv",
        b"participant_id\tyears\tedss\n03\t0\t2.5\n03\t1.5\t3\n04\t0.25\t6.5\n",
        lambda p: read_times(p, LISTED, needed=("years", "edss"), what="cohort.visits"),
    ),
    Parser(
        "sessions",
        "sessions.tsv",
        b"participant_id\tsession_id\tyears\nsub-03\tses-02\t1.25\nsub-04\tses-02\t2\n",
        lambda p: read_times(p, LISTED, needed=("session_id", "years"), what="cohort.sessions"),
    ),
    Parser("volume table", "vols.csv", VOLUMES.encode(), lambda p: read_volume_tables([p], LABELS, LISTED)),
    Parser("thickness table", "aparc.tsv", APARC.encode(), lambda p: read_volume_tables([p], LABELS, LISTED)),
    Parser("SCT table", "sct.csv", SCT.encode(), lambda p: read_sct(p, (1, 2, 3), people=LISTED)),
    Parser(
        "head sizes",
        "etiv.tsv",
        b"participant_id\tetiv\n01\t1501000.5\n02\t1402000\n03\t1603000\n",
        lambda p: read_head_sizes(p, LISTED),
    ),
    Parser(
        "QC scores",
        "qc.csv",
        b"subject,thalamus,brainstem\nsub-01.nii.gz,0.8123,0.7\nsub-02.nii.gz,0.9,0.61\n",
        lambda p: read_qc_scores(p, LISTED),
    ),
    Parser(
        "tidy table",
        "tidy.tsv",
        b"participant_id\tetiv\tthalamus\nsub-01\t1500000\t14000.5\nsub-02\t1400000\t13000\n",
        lambda p: read_tidy(p, LISTED),
    ),
    Parser("aseg.stats", "aseg.stats", _aseg(), read_stats),
    Parser("aparc.stats", "lh.aparc.stats", _aparc(), read_stats),
    Parser(
        "subregion list",
        "lh.hippoSfVolumes-T1.v21.txt",
        b"CA1 600.5 \nCA3 201.25 \nWhole_hippocampus 3400.0 \n",
        read_subregions,
    ),
    Parser(
        "subregion stats",
        "hipposubfields.lh.T1.v21.stats",
        b"# Hippocampal subfield volumes as created by segmentHA_T1.sh\n1 1  0 512.3 Hippocampal_tail\n2 2  0 240.1 CA1\n",
        read_subregions,
    ),
    Parser(
        "samseg.stats",
        "samseg.stats",
        b"# Measure Intra-Cranial, 1558763.6, mm^3\n# Measure Left-Thalamus, 7000.5, mm^3\n",
        read_samseg,
    ),
    Parser("CAT12 regions", "catROI_a.xml", CAT.encode(), read_regions),
    Parser(
        "CAT12 report",
        "cat_a.xml",
        b"<S><subjectmeasures><vol_TIV>1500.5</vol_TIV></subjectmeasures></S>\n",
        read_head_size,
    ),
    Parser("label image", "labels.nii.gz", _image(True), label_volumes),
    Parser("cord and levels", "levels.nii.gz", _image(True), _area),
    Parser("posterior map", "map.nii.gz", _image(False), map_volume),
    Parser("biomarkers", "biomarkers.tsv", BIOMARKERS[:1400].rsplit(b"\n", 1)[0] + b"\n", read_biomarkers),
    Parser("configuration", "config.yaml", SETTINGS, _settings),
    Parser(
        "ids and templates",
        "ids.txt",
        b"sub-01_ses-02_T1w.nii.gz\n02\n/d/{participant_id}/{session_id}.nii\nsub-001_ses-01.long.sub-001\n",
        _ids,
    ),
    Parser("table of results", "sealed.tsv", b"participant_id\tz\nsub-01\t1.25\nsub-02\t-0.5\n", _sealed),
]
#: What is put in the place of something else: what real files go wrong by.
PIECES = [
    *(
        b"",
        b"\x00",
        b"\n",
        b"\r\n",
        b"\t",
        b",",
        b";",
        b'"',
        b"'",
        b" ",
        b"#",
        b"-",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
    ),
    *(
        b"n/a",
        b"NA",
        b"nan",
        b"inf",
        b"-inf",
        b"1e2147483648",
        b"-9999",
        b"99",
        b"1,5",
        b"<1",
        b"20+",
        b"0",
        b"-1",
        b"1e308",
    ),
    *(
        b"9" * 400,
        b"(" * 50,
        b"{" * 20,
        b"[" * 2000,
        b"&a [*a]",
        b"<!ENTITY a 'b'>",
        b"</S>",
        b"sub-01",
        b"01",
        b"$x_$",
        b"=1+1",
    ),
    *(
        "\u202e".encode(),
        "é".encode(),
        "é".encode("latin-1"),
        "٣".encode(),
        b"\x1f\x8b\x08",
        b"True",
        b"{participant_id}",
    ),
]


def mutate(raw: bytes, rng: np.random.Generator) -> bytes:
    """One to three changes: bytes flipped, cut, doubled, moved, replaced by a piece; a line lost, doubled or swapped."""
    for _ in range(int(rng.integers(1, 4))):
        n = len(raw)
        i, j = sorted(rng.integers(0, n + 1, 2).tolist()) if n else (0, 0)
        j = min(j, i + 40)
        piece = PIECES[int(rng.integers(len(PIECES)))]
        how = int(rng.integers(9))
        if how == 0 and n:
            k = min(i, n - 1)
            raw = raw[:k] + bytes([raw[k] ^ (1 << int(rng.integers(8)))]) + raw[k + 1 :]
        elif how == 1:
            raw = raw[:i]
        elif how == 2:
            raw = raw[:i] + raw[j:]
        elif how == 3:
            raw = raw[:j] + raw[i:j] + raw[j:]
        elif how == 4:
            raw = raw[:i] + piece + raw[i:]
        elif how == 5:
            cells = list(re.finditer(rb"[^\t,;\s]+", raw))
            if cells:
                cell = cells[int(rng.integers(len(cells)))]
                raw = raw[: cell.start()] + piece + raw[cell.end() :]
        else:
            lines = raw.splitlines(keepends=True)
            if len(lines) > 1:
                a, b = rng.integers(0, len(lines), 2).tolist()
                if how == 6:
                    del lines[a]
                elif how == 7:
                    lines.insert(b, lines[a])
                else:
                    lines[a], lines[b] = lines[b], lines[a]
                raw = b"".join(lines)
    return raw


def mutate_image(raw: bytes, rng: np.random.Generator) -> bytes:
    """An image changed in its header or voxels before it is compressed, or in the compressed file."""
    if rng.integers(4) == 0:
        return mutate(raw, rng)
    plain = bytearray(gzip.decompress(raw))
    for _ in range(int(rng.integers(1, 5))):
        k = int(rng.integers(0, 348)) if rng.integers(5) else int(rng.integers(0, len(plain)))
        plain[k] = int(rng.integers(256)) if rng.integers(3) else int(rng.choice([0, 1, 127, 128, 255]))
    cut = plain if rng.integers(6) else plain[: int(rng.integers(0, len(plain)))]
    return gzip.compress(bytes(cut), 1, mtime=0)


def flat(value) -> dict:
    """What a parser gave, as numbers and words by place, for comparing."""
    if isinstance(value, pd.DataFrame):
        index = value["participant_id"].astype(str) if "participant_id" in value else value.index.astype(str)
        frame = value.set_axis(index, axis=0)
        return {(str(r), str(c)): v for c in frame for r, v in zip(frame.index, frame[c], strict=True)}
    if isinstance(value, pd.Series):
        return {(str(k), ""): v for k, v in value.items()}
    if isinstance(value, dict):
        return {(str(k), ""): v for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return {(str(i), *k): v for i, part in enumerate(value) for k, v in flat(part).items()}
    return {("", ""): value}


def equal(a, b) -> bool:
    """The same word, or the same number to 1e-6."""
    if isinstance(a, (int, float, np.number)) and isinstance(b, (int, float, np.number)):
        if isinstance(a, int) and isinstance(b, int):
            return a == b  # of any size
        return bool(math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b)))
    return str(a) == str(b)


@contextmanager
def limit(seconds: float):
    """TimeoutError where this takes more processor seconds: a file of a kilobyte that is read for minutes is a fault, too."""

    def stop(*_):
        raise TimeoutError(f"more than {seconds} processor seconds")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome(parser: Parser, path: Path, raw: bytes, whole: dict | None) -> str:
    """What a parser makes of a file.

    Returns
    -------
    str
        "refused" (the project's error), "warned", "same", "other" (read as something else, without a word), or
        "foreign: <error>".
    """
    path.write_bytes(raw)
    if parser.name == "table of results" and whole is None:
        seal(path)
    try:
        with warnings.catch_warnings(record=True) as said, np.errstate(all="ignore"):
            warnings.simplefilter("always")
            with limit(SECONDS):
                got = flat(parser.read(path))
    except NeuraxisError:
        return "refused"
    except RecursionError as error:
        return f"foreign: RecursionError {error}"
    except Exception as error:
        return f"foreign: {type(error).__name__} {str(error)[:80]}"
    if whole is None:
        return "same"
    if got.keys() == whole.keys() and all(equal(got[k], whole[k]) for k in whole):
        return "same"
    return "warned" if any("NeuraxisWarning" in w.category.__name__ for w in said) else "other"


def reference(parser: Parser, path: Path) -> dict:
    """What the whole file says."""
    path.write_bytes(parser.whole)
    if parser.name == "table of results":
        seal(path)
    else:
        seal_of(path).unlink(missing_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return flat(parser.read(path))
