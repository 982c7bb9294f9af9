"""Damage to a finished study's files, one fault after another, judged by what the reader of the file makes of it.

    python tests/faults/damage.py [faults] [seed]       # writes benchmarks/damage.tsv and the table in docs/reliability.md

A small study's intermediates (a sealed table, norms, a model) and its inputs are damaged in a folder: a bit flipped, cut short,
emptied, removed, exchanged for another file of the study. The reader must refuse the file in words that name it, or read what
it read before; anything else is wrong. The file is then put back.
"""

import json
import pickle
import re
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.errors import NeuraxisError
from neuraxis.normative.norms import Norms, NormSettings, fit_norms
from neuraxis.sustain import SustainModel, ZScoreEvents, import_peer
from neuraxis.tables import read_table, write_table

ROOT = Path(__file__).parents[2]
HOWS = ("bit flipped", "cut short", "emptied", "removed", "exchanged")


def finish(folder: Path) -> None:
    """Intermediates of a small study."""
    rng = np.random.default_rng(3)
    n = 60
    who = pd.Index([f"sub-{i:03d}" for i in range(n)], name="participant_id")
    people = pd.DataFrame({"age": rng.uniform(20, 60, n), "sex": ["F", "M"] * 30, "site": ["A", "B"] * 30}, index=who)
    measures = pd.DataFrame({b: 9000 + rng.normal(0, 500, n) for b in "ab"} | {"etiv": 1.5e6}, index=who)
    norms = fit_norms(measures, people, {"a": "fall", "b": "fall"}, NormSettings(age="linear", head_size="none"))
    norms.save(folder / "norms.json")
    z = norms.apply(measures, people) + 2 * rng.random((n, 1))
    events = ZScoreEvents([[1.0], [1.0]], [3.0, 3.0], biomarkers=["a", "b"])
    # a model without a fit, whose kernels would be compiled first
    result = {
        "samples_sequence": np.stack([[[0, 1], [1, 0]][i % 2] for i in range(40)], axis=-1)[None].astype(float),
        "samples_f": np.ones((1, 40)),
        "samples_likelihood": -np.arange(40.0),
        "ml_sequence_EM": np.array([[0.0, 1.0]]),
        "ml_f_EM": np.ones(1),
    }
    (folder / "peer.pickle").write_bytes(pickle.dumps(result))
    import_peer(folder / "peer.pickle", events).save(folder / "model.npz")
    (folder / "peer.pickle").unlink()
    write_table(z.reset_index(), folder / "zscores.tsv")
    write_table(people.reset_index(), folder / "participants.tsv")


def meaning(path: Path) -> str:
    """What the reader of a file makes of it, as text that is equal where the meaning is."""
    if path.suffix == ".tsv":
        return read_table(path).to_csv()
    if path.suffix == ".json":
        return json.dumps(Norms.load(path).to_dict(), default=str, sort_keys=True)
    model = SustainModel.load(path)
    parts = [*vars(model.point).values(), *(vars(model.draws).values() if model.draws else ())]
    return repr([np.asarray(p).tolist() for p in parts]) + json.dumps(model.events.to_dict(), default=str)


def planted(path: Path, others: list[Path], how: str, rng) -> None:
    """One fault in a file."""
    raw = bytearray(path.read_bytes())
    if how == "removed":
        path.unlink()
    elif how == "exchanged":
        path.write_bytes(others[int(rng.integers(len(others)))].read_bytes())
    else:
        if how == "bit flipped":
            raw[rng.integers(len(raw))] ^= 1 << int(rng.integers(8))
        path.write_bytes(
            bytes(raw[: rng.integers(1, len(raw))]) if how == "cut short" else b"" if how == "emptied" else bytes(raw)
        )


def judge(path: Path, whole: str) -> str:
    """One of "refused", "harmless" (read as before), or "WRONG: ...": read as something else, or a foreign exception."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = meaning(path)
    except NeuraxisError as error:
        return "refused" if path.name in str(error) else f"WRONG: {error} does not name the file"
    except Exception as error:  # noqa: BLE001 - whatever a user would see
        return f"WRONG: {type(error).__name__}: {error}"
    return "harmless" if got == whole else "WRONG: read as something else without a word"


def campaign(folder, n: int, seed: int) -> pd.DataFrame:
    """Plant `n` faults, every file and kind in turn; file, fault, and how many of each outcome."""
    folder, rng = Path(folder), np.random.default_rng(seed)
    finish(folder)
    files = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    whole = {p: (p.read_bytes(), meaning(p)) for p in files}
    kinds = [(p, how) for p in files for how in HOWS]
    counts: dict[tuple, Counter] = {k: Counter() for k in kinds}
    wrong = []
    for i in range(n):
        path, how = kinds[i % len(kinds)]
        planted(path, [p for p in files if p != path], how, rng)
        said = judge(path, whole[path][1])
        path.write_bytes(whole[path][0])
        counts[path, how][said.split(":")[0]] += 1
        if said.startswith("WRONG"):
            wrong.append(f"{path.name} {how}: {said}")
    rows = [
        {
            "file": p.name,
            "fault": how,
            "planted": c.total(),
            "refused": c["refused"],
            "harmless": c["harmless"],
            "wrong": c["WRONG"],
        }
        for (p, how), c in counts.items()
    ]
    table = pd.DataFrame(rows)
    table.attrs["wrong"] = wrong
    return table


def document(table: pd.DataFrame, command: str) -> None:
    """The table beside the command that made it."""
    shown = table.drop(columns="file").groupby("fault", sort=False).sum().reset_index()
    shown.loc[len(shown)] = ["all", *shown.drop(columns="fault").sum()]
    lines = ["| " + " | ".join(shown) + " |", "|---" * shown.shape[1] + "|"]
    lines += ["| " + " | ".join(map(str, r)) + " |" for r in shown.itertuples(index=False)]
    docs = ROOT / "docs/reliability.md"
    text = "\n".join([f"<!-- damage: {command} -->", *lines, "<!-- /damage -->"])
    docs.write_text(
        re.sub(r"<!-- damage: .*?<!-- /damage -->", lambda _: text, docs.read_text(encoding="utf-8"), flags=re.S),
        encoding="utf-8",
    )


if __name__ == "__main__":
    number, seed = [int(a) for a in [*sys.argv[1:], *("1000", "1")[len(sys.argv) - 1 :]]]
    with tempfile.TemporaryDirectory() as place:
        found = campaign(place, number, seed)
    found.to_csv(ROOT / "benchmarks/damage.tsv", sep="\t", index=False, lineterminator="\n")
    document(found, f"python tests/faults/damage.py {number} {seed}")
    print(found.to_string(index=False))
    print("\n".join(found.attrs["wrong"][:40]))
    raise SystemExit(bool(found.attrs["wrong"]))
