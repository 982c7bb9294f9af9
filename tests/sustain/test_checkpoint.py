"""Interrupted fits go on where they were, to the same bits, and never from what belongs to another fit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from neuraxis.errors import InputError
from neuraxis.sustain import SustainModel, ZScoreEvents, cross_validate, fit, sampler, search
from neuraxis.sustain import checkpoint as keeping
from neuraxis.sustain import model as models
from neuraxis.sustain.diagnostics import verdict
from neuraxis.sustain.sampler import Sampler

EVENTS = ZScoreEvents([[1.0, 2.0], [1.0], [1.0, 2.0, 3.0], [2.0]], 5.0, biomarkers=list("abcd"))


def people(n=150, missing=0.05):
    rng = np.random.default_rng(4)
    severity = np.where(rng.random(n) < 0.3, 0.0, rng.random(n))[:, None]
    weight = np.where(rng.random(n)[:, None] < 0.6, [[4.0, 3.0, 1.0, 0.5]], [[0.5, 1.0, 3.0, 4.0]])
    z = severity * weight + rng.normal(size=(n, 4))
    z[rng.random(z.shape) < missing] = np.nan
    return z


COVARIANCE = 0.3 + 0.7 * np.eye(4)
OPTIONS = {"n_startpoints": 3, "n_samples": 330, "n_chains": 2, "n_draws": 7, "seed": 5, "covariance": COVARIANCE}
VARIANTS = [
    {},
    {"stage_prior": "uniform", "healthy": False},
    {"stage_prior": "dirichlet", "noise": "adapted", "degrees": 40.0},
]


def same(a, b):
    """Whether two models are equal to the bit."""
    for name in ("sequences", "fractions", "shares", "healthy", "covariance", "log_likelihood", "log_prior"):
        assert np.array_equal(getattr(a.point, name), getattr(b.point, name)), name
    for name, array in vars(a.draws).items():
        other = getattr(b.draws, name)
        assert array.dtype == other.dtype and np.array_equal(array, other), name
    assert a.starts.equals(b.starts) and a.settings == b.settings


@pytest.fixture
def every_step(monkeypatch):
    """Chains are kept after every piece, not every minute."""
    monkeypatch.setattr(keeping, "EVERY", 0.0)
    monkeypatch.setattr(keeping.Checkpoint.__init__, "__defaults__", (None, "", 0.0))


LONGER = {"n_samples": 400, "n_draws": 10, "warm_up": 0.4}


@pytest.fixture
def few_draws(monkeypatch):
    """Chains go on however few draws are kept."""
    monkeypatch.setattr(sampler, "ESS_LIMIT", 0)


def test_as_few_draws_as_may_never_agree_are_not_waited_for():
    found = fit(people(), EVENTS, 1, **OPTIONS | LONGER, n_doublings=3)
    assert found.settings["n_samples"] == 400


def test_chains_that_do_not_agree_go_on_as_one_longer_chain(few_draws):
    """Two doublings of 400 steps are the 1,600 steps of one chain with the same warm-up, and as many draws of them."""
    z = people()
    got = fit(z, EVENTS, 2, **OPTIONS | LONGER, n_doublings=2)
    want = fit(z, EVENTS, 2, **OPTIONS | {"n_samples": 1600, "n_draws": 10, "warm_up": 0.1})
    assert got.settings["n_samples"] == 1600 and got.draws.log_likelihood.shape == (2, 10)
    for name, array in vars(want.draws).items():
        assert np.array_equal(getattr(got.draws, name), array), name
    odd = fit(z, EVENTS, 1, **OPTIONS | {"n_samples": 350, "n_draws": 7}, n_doublings=1)
    assert odd.settings["n_samples"] == 700 and odd.draws.log_likelihood.shape == (2, 7)


def test_chains_that_agree_stop(caplog):
    events = ZScoreEvents([[1.0], [1.0], [1.0]], 3.0, biomarkers=list("abc"))
    z = people()[:30, :3]
    options = {"n_startpoints": 1, "n_chains": 4, "seed": 5, "covariance": "independent"}
    found = fit(z, events, 1, n_samples=2000, n_draws=500, n_doublings=9, **options)
    steps = found.settings["n_samples"]
    assert verdict(found.diagnostics())[0] and 2000 <= steps < 2000 * 2**9
    if steps > 2000:  # and no sooner
        before = fit(z, events, 1, n_samples=2000, n_draws=500, n_doublings=int(np.log2(steps / 2000)) - 1, **options)
        assert not verdict(before.diagnostics())[0]
    alone = fit(z, events, 1, n_samples=40, n_draws=20, n_doublings=3, **options | {"n_chains": 1})
    assert alone.settings["n_samples"] == 40  # one chain has nobody to agree with


def goes_on(monkeypatch, folder, after, k, options):
    """A fit that ends after so many pieces of its chains goes on to the bits of a whole one, and does nothing twice."""
    z = people()
    whole = fit(z, EVENTS, k, **options)
    steps, calls = Sampler.steps, []

    def end(self, n, tune=False):
        calls.append(n)
        if len(calls) > after:
            raise Killed
        return steps(self, n, tune)

    monkeypatch.setattr(Sampler, "steps", end)
    with pytest.raises(Killed):
        fit(z, EVENTS, k, **options, checkpoint=folder)
    before = len(calls) - 1
    calls.clear()
    monkeypatch.setattr(Sampler, "steps", lambda self, n, tune=False: (calls.append(n), steps(self, n, tune))[1])
    same(fit(z, EVENTS, k, **options, checkpoint=folder), whole)
    pieces = len(calls) + before
    calls.clear()
    fit(z, EVENTS, k, **options)
    assert pieces == len(calls)


@pytest.mark.parametrize("after", [3, 30, 45, 54, 60, 64, 71])
def test_longer_chains_go_on_to_the_same_bits(tmp_path, monkeypatch, every_step, few_draws, after):
    goes_on(monkeypatch, tmp_path, after, 1, OPTIONS | LONGER | {"n_doublings": 2})


def test_names_that_a_chain_exchanges_are_brought_back(monkeypatch):
    """Every third draw has its subtypes the other way round: the draws come out as if none had."""
    z = people()
    options = OPTIONS | {"n_samples": 400, "n_draws": 20}
    want = fit(z, EVENTS, 2, **options)
    point, calls = Sampler.point, []

    def exchanged(self):
        calls.append(0)
        drawn = point(self)
        return drawn.permuted([1, 0]) if len(calls) % 3 == 0 else drawn

    monkeypatch.setattr(Sampler, "point", exchanged)
    got = fit(z, EVENTS, 2, **options)
    assert len(calls) == 40
    for name, array in vars(want.draws).items():
        assert np.array_equal(getattr(got.draws, name), array), name


def test_new_draws_of_a_fitted_model():
    z = people()
    short = fit(z, EVENTS, 2, **OPTIONS)
    longer = OPTIONS | {"n_samples": 500, "n_draws": 9}
    same(short.sample(z, n_samples=500, n_draws=9, n_chains=2, seed=5), fit(z, EVENTS, 2, **longer))
    assert short.draws.log_likelihood.shape == (2, 7)
    with pytest.raises(InputError, match="fitted to 150 people, here are 149"):
        short.sample(z[:-1])
    with pytest.raises(InputError, match="healthy: the variant is the model's own"):
        short.sample(z, healthy=False)


class Killed(BaseException):
    """No handler of errors catches this."""


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("after", [1, 6, 10, 17, 25])
def test_a_chain_goes_on_to_the_same_bits(tmp_path, monkeypatch, every_step, variant, after):
    """Ended in the first or the second chain, in the warm-up or behind it, with draws or without."""
    goes_on(monkeypatch, tmp_path, after, 2, OPTIONS | variant)


@pytest.mark.parametrize("after", [0, 2, 4, 8])
def test_finished_starts_are_not_searched_again(tmp_path, monkeypatch, after):
    from neuraxis.sustain import search

    z = people()
    whole = fit(z, EVENTS, 2, **OPTIONS)
    climb, calls = search.climb, []

    def end(*arguments, **options):
        calls.append(0)
        if len(calls) > 3 * after:
            raise Killed
        return climb(*arguments, **options)

    monkeypatch.setattr(search, "climb", end)
    with pytest.raises(Killed):
        fit(z, EVENTS, 2, **OPTIONS, checkpoint=tmp_path)
    begun = len(list(tmp_path.rglob("*.npz")))
    assert (begun > 0) is (after > 0)
    calls.clear()
    monkeypatch.setattr(search, "climb", lambda *a, **o: (calls.append(0), climb(*a, **o))[1])
    same(fit(z, EVENTS, 2, **OPTIONS, checkpoint=tmp_path), whole)
    resumed = len(calls)
    calls.clear()
    fit(z, EVENTS, 2, **OPTIONS)
    assert resumed <= len(calls) - begun


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 6},
        {"n_samples": 340},
        {"healthy": False},
        {"key": ("other",)},
        {"covariance": COVARIANCE + 0.1 * np.eye(4)},
    ],
)
def test_what_another_fit_kept_is_not_used(tmp_path, change):
    z = people()
    fit(z, EVENTS, 1, **OPTIONS, checkpoint=tmp_path)
    changed = OPTIONS | change
    same(fit(z, EVENTS, 1, **changed, checkpoint=tmp_path), fit(z, EVENTS, 1, **changed))
    assert len(list(tmp_path.iterdir())) == 2


def test_other_people_are_another_fit(tmp_path):
    z, other = people(), people()
    other[7, 2] = 1.25
    fit(z, EVENTS, 1, **OPTIONS, checkpoint=tmp_path)
    same(fit(other, EVENTS, 1, **OPTIONS, checkpoint=tmp_path), fit(other, EVENTS, 1, **OPTIONS))


def test_damaged_pieces_are_made_again(tmp_path, monkeypatch):
    """Cut short, emptied (power loss) or with a flipped byte."""
    z = people()
    with monkeypatch.context() as before:
        before.setattr(keeping.Checkpoint, "finish", lambda *_: None)  # killed when the last piece was kept
        whole = fit(z, EVENTS, 1, **OPTIONS, checkpoint=tmp_path)
    assert len(list(tmp_path.rglob("*.npz"))) > 5
    for i, path in enumerate(sorted(tmp_path.rglob("*.npz"))):
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 255
        path.write_bytes([bytes(raw), bytes(raw[:100]), b""][i % 3])
    same(fit(z, EVENTS, 1, **OPTIONS, checkpoint=tmp_path), whole)


def test_a_finished_fit_is_not_made_again(tmp_path, monkeypatch, caplog):
    """The next number of subtypes splits the model that was taken up, to the same bits; the file written has the same bytes."""
    z, options = people(), OPTIONS | {"n_samples": 60}
    caplog.set_level("INFO")
    one = fit(z, EVENTS, 1, **options, checkpoint=tmp_path / "p")
    two = fit(z, EVENTS, 2, **options, previous=one)
    assert [f.name for f in tmp_path.rglob("*.npz")] == ["finished.npz"] and "finished before" not in caplog.text

    def again(*_, **more):
        raise AssertionError("searched again")

    with monkeypatch.context() as after:
        after.setattr(models, "fit_maximum", again)
        after.setattr(models, "run_chains", again)
        kept = fit(z, EVENTS, 1, **options, checkpoint=tmp_path / "p", n_threads=2)
    same(kept, one)
    assert one.save(tmp_path / "a.npz").read_bytes() == kept.save(tmp_path / "b.npz").read_bytes()
    assert "finished before" in caplog.text
    same(fit(z, EVENTS, 2, **options, previous=kept), two)
    other = fit(z, EVENTS, 1, **options | {"seed": 6}, checkpoint=tmp_path / "p")  # another fit
    assert not np.array_equal(other.draws.log_likelihood, one.draws.log_likelihood)


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-1], lambda raw: raw[:60], lambda raw: b"", lambda raw: raw[:99] + b"?" + raw[100:]]
)
def test_a_damaged_finished_fit_is_made_again(tmp_path, damage):
    z, options = people(), OPTIONS | {"n_samples": 60}
    whole = fit(z, EVENTS, 1, **options, checkpoint=tmp_path)
    (path,) = tmp_path.rglob("finished.npz")
    path.write_bytes(damage(path.read_bytes()))
    same(fit(z, EVENTS, 1, **options, checkpoint=tmp_path), whole)


def test_of_an_output_the_fit_that_was_asked_for_last_is_kept(tmp_path):
    """Also where it is the older one, taken up; what was begun and not finished goes."""
    z, options = people(), OPTIONS | {"n_samples": 20}
    out = tmp_path / "model.npz"
    folder = keeping.partial(out)
    for seed in (5, 6, 5):
        model = fit(z, EVENTS, 1, **options | {"seed": seed}, checkpoint=folder)
    (folder / "begun").mkdir()
    (folder / "begun/k1.npz").write_bytes(b"x")
    assert len(list(folder.iterdir())) == 3
    for path in folder.iterdir():  # killed while its pieces were taken away
        (path / "k1_chain0.npz").write_bytes(b"x")
    keeping.settle(out)
    (left,) = folder.iterdir()
    assert [p.name for p in left.iterdir()] == ["finished.npz"]
    kept = keeping.Checkpoint(folder, left.name).finished()
    assert np.array_equal(kept["draws_log_likelihood"], model.draws.log_likelihood)
    keeping.settle(tmp_path / "never.npz")


def test_no_flipped_bit_of_a_piece_is_taken(tmp_path):
    """The list of arrays at an archive's end included, which its own checksums do not cover."""
    kept = keeping.Checkpoint(tmp_path, "key")
    kept.save("piece", {"a": np.arange(3.0), "b": np.zeros(2)})
    assert list(kept.load("piece")) == ["a", "b"]
    path = tmp_path / "key/piece.npz"
    whole = path.read_bytes()
    for i in range(0, 8 * len(whole), 7):
        raw = bytearray(whole)
        raw[i // 8] ^= 1 << i % 8
        path.write_bytes(bytes(raw))
        assert kept.load("piece") is None, i


def test_an_edited_source_is_another_fit(monkeypatch):
    before = keeping.fingerprint(np.zeros(3))
    assert keeping.fingerprint(np.zeros(3)) == before != keeping.fingerprint(np.zeros(4))
    monkeypatch.setattr(keeping, "sources_hash", lambda: "edited")
    assert keeping.fingerprint(np.zeros(3)) != before


def test_cross_validation_goes_on(tmp_path, monkeypatch):
    from neuraxis.sustain import crossval

    z = people(80)
    options = OPTIONS | {"folds": 2, "n_samples": 40}
    whole = cross_validate(z, EVENTS, 2, **options)
    fits, calls = crossval.fit, []

    def end(*arguments, **more):
        calls.append(0)
        if len(calls) > 3:
            raise Killed
        return fits(*arguments, **more)

    monkeypatch.setattr(crossval, "fit", end)
    with pytest.raises(Killed):
        cross_validate(z, EVENTS, 2, **options, checkpoint=tmp_path)
    monkeypatch.undo()
    found = cross_validate(z, EVENTS, 2, **options, checkpoint=tmp_path)
    for key, model in whole.models.items():
        same(found.models[key], model)


CODE = """
import sys
sys.path.insert(0, sys.argv[2])
from test_checkpoint import EVENTS, OPTIONS, people
from neuraxis.sustain import checkpoint as keeping, fit
keeping.Checkpoint.__init__.__defaults__ = (None, "", 0.1)
model = fit(people(), EVENTS, 2, **(OPTIONS | {"n_samples": 15000, "n_draws": 50}), checkpoint=keeping.partial(sys.argv[1]))
model.save(sys.argv[1])
keeping.done(sys.argv[1])
"""


def test_killed_by_sigkill_again_and_again(tmp_path):
    path = tmp_path / "model.npz"
    source = str(Path(__file__).parents[2] / "src")
    command = [sys.executable, "-c", CODE, str(path), str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": source}
    pieces = []
    for _ in range(2):
        running = subprocess.Popen(command, env=environment)
        known, deadline = len(pieces), time.time() + 1800
        while time.time() < deadline and running.poll() is None:
            pieces = [p.name for p in tmp_path.rglob("k*.npz")]
            if len(pieces) > known + 4:
                break
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL and not path.exists() and pieces
    subprocess.run(command, env=environment, check=True)
    same(SustainModel.load(path), fit(people(), EVENTS, 2, **(OPTIONS | {"n_samples": 15000, "n_draws": 50})))
    assert [p.name for p in tmp_path.iterdir()] == ["model.npz"]


def test_every_piece_that_is_kept_is_told(tmp_path, monkeypatch, caplog):
    """A log that is silent between pieces would look like a fit that hangs."""
    monkeypatch.setattr(search, "MOST_SEARCHED", 100)  # so that everyone is climbed, too
    caplog.set_level("INFO")
    kept = []
    monkeypatch.setattr(keeping.Checkpoint, "save", lambda self, name, arrays, write=None: kept.append(name))
    fit(people(), EVENTS, 1, **OPTIONS | {"n_samples": 20}, checkpoint=tmp_path)
    said = [m.split(": ")[0] for m in caplog.messages]
    ends = [("shaken", "shaken"), ("everyone", "climbed on everyone"), ("polished", "polished")]
    for piece, words in ends:
        of = sorted(int(n.removeprefix(f"k1_{piece}")) + 1 for n in kept if n.startswith(f"k1_{piece}"))
        assert of and sorted(m for m in said if m.endswith(words)) == [f"k=1 start {i} {words}" for i in of]
    assert sum(m.startswith("k=1 start") and " of 3 (random)" in m for m in said) == 3
    assert {"k1_chain0", "k1_chain1"} <= set(said)
