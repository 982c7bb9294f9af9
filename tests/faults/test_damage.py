"""Damage to a finished study's files is noticed or means nothing; `python tests/faults/damage.py` plants more."""

import damage
import pytest

from neuraxis.errors import InputError
from neuraxis.tables import read_json, write_json


def test_damaged_intermediates_are_refused_by_name_or_read_as_before(tmp_path):
    found = damage.campaign(tmp_path, 60, seed=2)
    assert found.attrs["wrong"] == [] and found["planted"].sum() == 60
    removed = found[found["fault"] != "bit flipped"]  # a flipped bit of a packed model may be one that nobody reads
    assert (removed["refused"] == removed["planted"]).all() and len(found) == 20


def test_the_harness_sees_what_is_wrong(tmp_path):
    damage.finish(tmp_path)
    table = tmp_path / "zscores.tsv"
    whole = damage.meaning(table)
    assert damage.judge(table, whole) == "harmless"
    table.write_text(table.read_text().replace("sub-001", "sub-xxx"))
    assert damage.judge(table, whole) == "refused"
    (tmp_path / ".zscores.tsv.sha256").unlink()
    assert damage.judge(table, whole) == "WRONG: read as something else without a word"


def test_json_that_was_changed_is_refused(tmp_path):
    write_json({"a": 1.5}, tmp_path / "e.json")
    assert read_json(tmp_path / "e.json") == {"a": 1.5}
    (tmp_path / "e.json").write_text('{"a": 1.6}')
    with pytest.raises(InputError, match="e.json is damaged or was changed after it was written"):
        read_json(tmp_path / "e.json")
    (tmp_path / "own.json").write_text("[1,")
    with pytest.raises(InputError, match="own.json cannot be read"):
        read_json(tmp_path / "own.json")
