"""The one file of a model: open, without people, checked when read."""

import hashlib
import io
import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest

from neuraxis.errors import InputError, ModelError
from neuraxis.newpeople import open_model
from neuraxis.newpeople.shared import export, from_study
from neuraxis.normative.covariance import NoiseCovariance
from neuraxis.tables import write_table


@pytest.fixture(scope="module")
def file(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "a model.neuraxis"
    export(study, path)
    return path


def rewritten(file, folder, change, *, honest=True):
    """A copy in which `change` altered the files; with checksums that fit where `honest`."""
    with zipfile.ZipFile(file) as archive:
        files = {n: archive.read(n) for n in archive.namelist()}
    change(files)
    if honest and "manifest.json" in files:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = {n: hashlib.sha256(r).hexdigest() for n, r in files.items() if n != "manifest.json"}
        files["manifest.json"] = json.dumps(manifest).encode()
    path = folder / "changed.neuraxis"
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return path


def test_places_as_the_study_does(study, file, shared, patient):
    _, row, about = patient
    one = shared.stage(table=row, participant_id="sub-new", **about)
    other = open_model(file).stage(table=row, participant_id="sub-new", **about)
    pd.testing.assert_frame_equal(one.z, other.z, rtol=1e-9)
    pd.testing.assert_frame_equal(one.table, other.table, rtol=1e-9)
    assert one.refused.equals(other.refused)


def test_no_person_and_no_code_is_in_it(study, file):
    people = pd.read_csv(study / "results/cohort/participants.tsv", sep="\t")["participant_id"]
    n = len(people)
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        assert {n.rpartition(".")[2] for n in names} == {"json", "npz", "tsv"}
        for name in names:
            raw = archive.read(name)
            if name.endswith("npz"):
                with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
                    assert all(n not in a.shape and (n - 1) not in a.shape for a in arrays.values())
                    raw = str(arrays["meta"]).encode()
            assert not any(str(p).encode() in raw for p in people)
    text = json.loads(zipfile.ZipFile(file).read("card.json"))
    assert text["diseases"]["MS"]["n_people"] > 50 and text["not_for"] and text["title"] == "a <small> study"
    reference = open_model(file).reference
    assert (reference["n"] >= 10).all()


def test_calibration_goes_with_the_model_where_the_truth_is_known(study, shared, tmp_path):
    assert shared.card["diseases"]["MS"]["calibration"] == "unknown"
    folder = tmp_path / "known"
    shutil.copytree(study, folder)
    columns = ["labels", "quantity", "class", "n", "stated", "observed", "low", "high"]
    interval = "95 % interval of the stage holds the true one"
    rows = [
        ("out of fold", "P(healthy)", "0 to 0.05", 40, 0.02, 0.05, 0.01, 0.16),
        ("out of fold", "P(healthy)", "all", 90, 0.31, 0.28, 0.2, 0.38),
        ("in sample", "P(healthy)", "all", 90, 0.33, 0.28, 0.2, 0.38),
        ("out of fold", interval, "everyone", 90, 0.95, 0.93, 0.86, 0.97),
        ("out of fold", "found normal-appearing", "truly so (sensitivity)", 25, np.nan, 0.8, 0.6, 0.9),
    ]
    place = folder / "results/sustain/MS/calibration.tsv"
    write_table(pd.DataFrame(rows, columns=columns), place)
    export(folder, tmp_path / "known.neuraxis")
    found = open_model(tmp_path / "known.neuraxis")
    assert found.card["diseases"]["MS"]["calibration"] == {
        "P(healthy)": {"n": 90, "stated": 0.31, "observed": 0.28, "low": 0.2, "high": 0.38},
        interval: {"n": 90, "stated": 0.95, "observed": 0.93, "low": 0.86, "high": 0.97},
    }
    assert len(found.evidence["MS"]["calibration"]) == 5
    # a study of real people has the table without a row
    write_table(pd.DataFrame(columns=columns), place)
    export(folder, tmp_path / "real.neuraxis")
    found = open_model(tmp_path / "real.neuraxis")
    assert found.card["diseases"]["MS"]["calibration"] == "unknown" and "calibration" not in found.evidence["MS"]


def test_the_same_bytes_each_time(study, file, tmp_path):
    export(study, tmp_path / "again.neuraxis")
    assert (tmp_path / "again.neuraxis").read_bytes() == file.read_bytes()
    open_model(file).save(tmp_path / "copied.neuraxis")
    a, b = (zipfile.ZipFile(p) for p in (file, tmp_path / "copied.neuraxis"))
    assert a.namelist() == b.namelist()
    assert [n for n in a.namelist() if n.endswith(".tsv") and a.read(n) != b.read(n)] == []


def drop(name):
    return lambda files: files.pop(name)


def put(name, raw):
    return lambda files: files.update({name: raw})


def edit(name, **keys):
    def change(files):
        files[name] = json.dumps({**json.loads(files[name]), **keys}).encode()

    return change


@pytest.mark.parametrize(
    ("change", "honest", "words"),
    [
        (put("card.json", b"{}"), False, "was changed after it was written: card.json"),
        (drop("norms.json"), True, "lacks: norms.json"),
        (drop("MS/model.npz"), True, "lacks: MS/model.npz"),
        (drop("manifest.json"), True, "no manifest.json"),
        (put("run.py", b"import os"), True, "holds files that no model has: run.py"),
        (put("../../evil.tsv", b"a\n"), True, "holds files that no model has"),
        (edit("manifest.json", format="neuraxis-shared-model/9"), False, "this version reads"),
        (put("MS/model.npz", b"nothing"), True, "is not a neuraxis model file"),
        (put("norms.json", b'{"format": "x"}'), True, "not a norm this version reads"),
        (put("norms.json", b"["), True, "damaged"),
        (put("MS/names.tsv", b"subtype\tname\n1\tone\n"), True, "names of 1 subtype, the model has 2"),
        (put("rules.json", b"{}"), True, "rules lack exclude_rules"),
        (put("reference.tsv", b"site\tn\na\t3\n"), True, "reference lacks quantity"),
        (put("biomarkers.tsv", b"biomarker\tlabel\n"), True, "biomarkers.tsv"),
    ],
)
def test_what_does_not_fit_is_refused(file, tmp_path, change, honest, words):
    with pytest.raises(ModelError, match=".") as refused:
        open_model(rewritten(file, tmp_path, change, honest=honest))
    assert words in str(refused.value) and "changed.neuraxis" in str(refused.value)


def test_norms_without_a_biomarker_of_the_model(file, tmp_path):
    def change(files):
        norms = json.loads(files["norms.json"])
        for part in ("models", "settings", "direction"):
            norms[part].pop("thalamus")
        known = NoiseCovariance.from_dict(norms["covariance"])
        norms["covariance"] = known.subset([b for b in known.biomarkers if b != "thalamus"]).to_dict()
        files["norms.json"] = json.dumps(norms).encode()

    with pytest.raises(ModelError, match="MS: the norms lack thalamus, which the model needs"):
        open_model(rewritten(file, tmp_path, change))


def test_other_files_and_bombs(file, tmp_path):
    (tmp_path / "text.neuraxis").write_text("hello")
    with pytest.raises(ModelError, match="is no model file"):
        open_model(tmp_path / "text.neuraxis")
    cut = tmp_path / "cut.neuraxis"
    cut.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ModelError, match="is no model file"):
        open_model(cut)
    with zipfile.ZipFile(tmp_path / "bomb.neuraxis", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("manifest.json", "w", force_zip64=True) as inside:
            for _ in range(401):
                inside.write(bytes(1_000_000))
    with pytest.raises(ModelError, match="unpack to more"):
        open_model(tmp_path / "bomb.neuraxis")


def test_what_cannot_be_exported(study, tmp_path):
    with pytest.raises(ModelError, match="no model of NMOSD; it has MS"):
        from_study(study, ["NMOSD"])
    with pytest.raises(InputError, match="is a folder"):
        export(study, tmp_path)
    with pytest.raises(ModelError, match="no finished study"):
        export(tmp_path, tmp_path / "x.neuraxis")
    assert not (tmp_path / "x.neuraxis").exists()


def test_it_shows_itself(shared):
    assert repr(shared) == "SharedModel('a <small> study': MS (2 subtypes); 6 biomarkers)"


def test_notebooks_show_names_and_escape_what_a_study_calls_itself(shared):
    html = shared._repr_html_()
    assert "<small>" not in html and "&lt;small&gt;" in html and html.count("<tr") == 3
    assert all(name in html for name in shared.names["MS"].values())
    assert str(shared.card["diseases"]["MS"]["n_people"]) in html and f"{shared.models['MS'].fractions[0]:.0%}" in html


def test_norms_and_people_placed_show_themselves_in_a_line(shared, patient):
    n, (low, high) = shared.norms.controls["n"], shared.norms.controls["age_range"]
    sites = len(shared.norms.controls["sites"])
    assert repr(shared.norms) == (
        f"Norms(6 biomarkers; {n} controls of {low:g} to {high:g} years, {sites} sites; with covariance)"
    )
    _, row, about = patient
    two = pd.concat([row, row.rename({"sub-new": "sub-odd"})])
    people = pd.DataFrame([about, about | {"site": "nowhere"}], index=two.index).reset_index()
    placed = shared.stage(table=two, people=people)
    assert repr(placed) == "Placed(1 person placed, 1 refused; MS)"
    assert repr(placed) in placed._repr_html_() and placed._repr_html_().count("<table") == 2


def test_a_pickle_of_the_peer_with_norms(shared, patient, tmp_path):
    """Read without running code, put together with the norms, saved, opened, and applied as the peer's model itself."""
    import pickle

    from neuraxis.newpeople import assemble
    from neuraxis.sustain import ZScoreEvents, import_peer

    events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    order = np.array([[0, 2, 1], [1, 0, 2]])
    result = {
        "samples_sequence": np.repeat(order[:, :, None], 5, axis=2).astype(float),
        "samples_f": np.full((2, 5), 0.5),
        "samples_likelihood": np.full((5, 1), -10.0),
        "ml_sequence_EM": order.astype(float),
        "ml_f_EM": np.array([0.6, 0.4]),
    }
    (tmp_path / "MS_subtype1.pickle").write_bytes(pickle.dumps(result))
    model = import_peer(tmp_path / "MS_subtype1.pickle", events)
    defined = shared.biomarkers.assign(label=shared.biomarkers["label"].replace("Cord area C1-C3", "Cord area C2-C3"))
    found = assemble(model, shared.norms, defined, disease="MS", title="imported", names={2: "frontal first"})
    assert found.rules["cord_levels"] == [2, 3]
    found.save(tmp_path / "peer.neuraxis")
    _, row, about = patient
    placed = open_model(tmp_path / "peer.neuraxis").stage(table=row, participant_id="sub-new", **about)
    alone = model.assign(shared.norms.apply(row, pd.DataFrame([about], index=row.index)))
    for column in ("subtype", "stage", "p_subtype1", "p_healthy"):
        assert placed.table[column].iloc[0] == pytest.approx(alone[column].iloc[0])
    assert found.names["MS"] == {1: "subtype 1", 2: "frontal first"} and "imported" in placed.page("sub-new")
    other = ZScoreEvents([[1.0]], [3.0], biomarkers=["hippocampus"])
    strange = import_peer_of(tmp_path, other)
    with pytest.raises(ModelError, match="the norms lack hippocampus"):
        assemble(strange, shared.norms, shared.biomarkers, disease="MS", title="x")


def import_peer_of(folder, events):
    import pickle

    from neuraxis.sustain import import_peer

    result = {
        "samples_sequence": np.zeros((1, 1, 2)),
        "samples_f": np.ones((1, 2)),
        "samples_likelihood": np.zeros((2, 1)),
        "ml_sequence_EM": np.zeros((1, 1)),
        "ml_f_EM": np.ones(1),
    }
    (folder / "other.pickle").write_bytes(pickle.dumps(result))
    return import_peer(folder / "other.pickle", events)
