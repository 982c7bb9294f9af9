"""All that can be known before hours are spent: installation, kernels, machine, configuration, tables, ids, units, groups.

``neuraxis doctor [config]`` or ``python -m neuraxis.doctor [config]`` prints one line per finding, with what to do about it.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import yaml

from .checks import FILES, check_config, check_shape, expand_home, get, joined_tables, read_config, reads
from .errors import NeuraxisError, NeuraxisWarning, agreeing, counted, name_some
from .runs import held
from .storage import closed_cache, existing, explain, user

#: What a job asks for at most (rules/), MB; free disk below which a run is likely to end in the middle, MB.
JOB_MEMORY, LEAST_DISK = 1500, 2000
#: Files that a study writes at most, Snakemake's records included.
LEAST_FILES = 3000
#: The compiled kernels do the work of the readable formulas at least so many times as fast.
LEAST_SPEED = 1.5
#: Folders that a run writes.
OUTPUTS = ("results", "logs", "benchmarks", ".snakemake")
#: Scans of every group that are measured on trial.
TRIED = 2


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Attributes
    ----------
    level : {"ok", "note", "problem"}
        A problem ends or falsifies a run; a note should be known.
    area : str
    words : str
        What was found, and what to do about it.
    """

    level: str
    area: str
    words: str

    def __str__(self) -> str:
        return f"{self.level:8s}{self.area:15s}{' '.join(self.words.split())}"


#: Findings one after another, and what the next checks need.
Told = Generator[Finding, None, Any]


def doctor(config_path=None, out=None) -> int:
    """Print what is known of this installation and, where there is one, of the study.

    Parameters
    ----------
    config_path : path, optional
        The study's folder, its config.yaml, or an overlay for the study in the present folder; by default the study in the
        present folder.
    out : file, optional
        Where to print; by default the standard output.

    Returns
    -------
    int
        Exit status: 0 where there is no problem, else 1.
    """
    path = Path("." if config_path is None else config_path)
    try:
        folder = path if path.is_dir() else path.parent if path.name == "config.yaml" else Path.cwd()
    except OSError as error:
        print(Finding("problem", "rights", explain(error, path)), file=out or sys.stdout)
        return 1
    level = logging.getLogger("neuraxis").level
    logging.getLogger("neuraxis").setLevel(
        logging.ERROR
    )  # warnings of the checks are findings; the log would double them
    problems = notes = 0
    # a relative path means what it meant before the folder changes
    inside = Path(".") if path.is_dir() else path.absolute() if path.is_file() else path
    said: list[str] = []
    try:
        with contextlib.chdir(folder if folder.is_dir() else Path.cwd()):
            for finding in examine(inside):
                words = " ".join(finding.words.split())
                if finding.level != "ok" and any(words in earlier for earlier in said):
                    continue  # a table that several jobs read is told of once
                said.append(words)
                problems += finding.level == "problem"
                notes += finding.level == "note"
                print(finding, file=out or sys.stdout, flush=True)
    except OSError as error:  # the folder itself cannot be entered
        problems += 1
        print(Finding("problem", "rights", explain(error, folder)), file=out or sys.stdout)
    finally:
        logging.getLogger("neuraxis").setLevel(level)
    print(f"{counted(problems, 'problem')}, {counted(notes, 'note')}", file=out or sys.stdout)
    return int(problems > 0)


def examine(path) -> Iterator[Finding]:
    """All findings for the study in the present folder; `path` is a file of its configuration, or anything else."""
    yield from installation()
    yield from kernels()
    yield from machine(Path.cwd())
    yield from study(path)


def tried(area: str, function, *arguments, **options) -> tuple[Any, list[Finding]]:
    """Findings from a check: its errors as problems, one a line; its warnings as notes; and what it returned, or None."""
    found, result = [], None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            result = function(*arguments, **options)
        except NeuraxisError as error:
            head, *items = str(error).split("\n- ")
            lead = "" if head.strip() in ("Configuration:", "") else f"{head} "
            found += [Finding("problem", area, f"{lead}{item}".strip()) for item in items or [""]]
        except OSError as error:
            found.append(Finding("problem", area, explain(error)))
    words = dict.fromkeys(str(w.message) for w in said if issubclass(w.category, NeuraxisWarning))
    return result, [*found, *(Finding("note", area, w) for w in words)]


# ------------------------------------------------------------- the installation


def installation() -> Iterator[Finding]:
    """Python, the package's requirements, the workflow's files."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    wrong = []
    try:
        python = importlib.metadata.metadata("neuraxis")["Requires-Python"] or ""
        if not SpecifierSet(python).contains(platform.python_version(), prereleases=True):
            wrong.append(f"Python {platform.python_version()} is not {python}")
        wanted = importlib.metadata.requires("neuraxis") or []
        version = importlib.metadata.version("neuraxis")
    except importlib.metadata.PackageNotFoundError:
        yield Finding(
            "problem", "installation", "the package is not installed; python -m pip install -e . in the clone"
        )
        return
    for line in wanted:
        need = Requirement(line)
        if need.marker and not any(need.marker.evaluate({"extra": e}) for e in ("", "workflow")):
            continue
        try:
            has = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{need.name} is missing")
            continue
        if not need.specifier.contains(has, prereleases=True):
            wrong.append(f"{need.name} {has} is not {need.specifier}")
    if wrong:
        yield Finding("problem", "installation", f"{'; '.join(wrong)}: python -m pip install 'neuraxis[workflow]'")
    else:
        yield Finding("ok", "installation", f"neuraxis {version}, Python {sys.version.split()[0]}, all requirements")
    from .home import workflow_home

    home, found = tried("installation", workflow_home)
    yield from found
    if home:
        yield Finding("ok", "installation", f"workflow in {home}")


# ------------------------------------------------------------- the kernels


def vector_width() -> int:
    """Bits of the widest vectors that compiled code may use here; 64 where there are none, or they are not known."""
    import llvmlite.binding
    import numba

    name = numba.config.CPU_NAME
    if name == "generic":
        return 128 if "x86" in llvmlite.binding.get_process_triple() else 64
    has = llvmlite.binding.get_host_cpu_features()
    for feature, bits in (("avx512f", 512), ("avx2", 256), ("avx", 256), ("sse2", 128), ("neon", 128)):
        if has.get(feature):
            return bits
    return 64


def trial(n_people: int = 4000, n_biomarkers: int = 6) -> tuple[float, float, float, float]:
    """A small fit, and a likelihood by the kernels and by the readable formula.

    Returns
    -------
    compiling : float
        Seconds of the first fit, which compiles all kernels or takes them from the cache.
    fast, slow : float
        Seconds of the likelihood by kernel and formula.
    apart : float
        Their largest difference, relative.
    """
    from scipy.stats import multivariate_normal

    from .sustain import ZScoreEvents
    from .sustain.warm import compile_kernels

    events = ZScoreEvents([[1.0, 2.0, 3.0]] * n_biomarkers, 5.0)
    rng = np.random.default_rng(1)
    values = rng.normal(1.0, 1.5, (n_people, n_biomarkers))
    covariance = 0.4 + 0.6 * np.eye(n_biomarkers)
    sequence = events.random_sequence(rng)

    def compiled():
        return events.log_likelihood(values, sequence, covariance=covariance)

    def readable():
        means = events.stage_values(sequence)
        return np.stack([multivariate_normal.logpdf(values, m, covariance) for m in means], axis=1)

    compiling = compile_kernels()
    seconds, results = [], []
    for function in (compiled, readable):
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            result = function()
            times.append(time.perf_counter() - begin)
        seconds.append(min(times))
        results.append(result)
    fast, slow = results
    return compiling, *seconds, float((np.abs(fast - slow) / np.maximum(np.abs(slow), 1)).max())


def kernels() -> Iterator[Finding]:
    """Whether the engine's kernels compile, agree with the readable formulas, and are faster."""
    import numba

    if numba.config.DISABLE_JIT:
        yield Finding(
            "problem", "kernels", "the compiler is off (NUMBA_DISABLE_JIT): fits would take weeks; unset that variable"
        )
        return
    yield Finding("ok", "kernels", "they are compiled now, the first time on a machine for a few minutes")
    try:
        compiling, fast, slow, apart = trial()
    except Exception as error:  # noqa: BLE001 - whatever the compiler says is a finding
        said = str(error).strip().splitlines()
        yield Finding(
            "problem",
            "kernels",
            f"they do not compile ({type(error).__name__}: {said[0] if said else ''}); install numba and llvmlite as "
            "requirements.lock has them",
        )
        return
    if apart > 1e-8:
        yield Finding(
            "problem",
            "kernels",
            f"they differ from the readable formulas by {apart:.2g}; delete the folders __pycache__/kernels-* and try again, "
            "then install numba and llvmlite as requirements.lock has them",
        )
    ratio = slow / fast
    words = (
        f"a small fit took {compiling:.1f} s, compiling included where it was needed; vectors of {vector_width()} bits; a "
        f"likelihood {ratio:.1f} times as fast as by the readable formula, and equal to {apart:.1g}"
    )
    if ratio < LEAST_SPEED:
        words += "; that is slow: is the machine busy, or NUMBA_OPT or NUMBA_CPU_NAME set?"
        yield Finding("note", "kernels", words)
    elif apart <= 1e-8:
        yield Finding("ok", "kernels", words)
    yield cache()


def cache() -> Finding:
    """Where compiled kernels are kept from one process to the next."""
    from .sustain.kernels import cache_folder

    place = cache_folder()
    if _temporary() in Path(place).parents:
        return Finding(
            "note",
            "kernels",
            f"compiled kernels are kept in {place}, since neither the package's folder nor your home can be written, and are "
            "compiled again when that is emptied; set NUMBA_CACHE_DIR to a folder that stays",
        )
    return Finding("ok", "kernels", f"compiled kernels are kept in {place}")


# ------------------------------------------------------------- the machine


def machine(folder: Path) -> Iterator[Finding]:
    """Processors, memory, disk and rights where the study's results go."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory().available / 1e6
    words = f"{counted(cores, 'processor')}, {memory:.0f} MB of memory free"
    if memory < JOB_MEMORY * cores:
        fit = max(1, int(memory // JOB_MEMORY))
        yield Finding("note", "memory", f"{words}; a job may need {JOB_MEMORY} MB: snakemake --cores {fit}")
    else:
        yield Finding("ok", "memory", words)
    for place, what in ((folder, "the study"), (_temporary(), "temporary files")):
        if place is None:
            yield Finding("problem", "disk", "no folder for temporary files: set TMPDIR to one that can be written")
            continue
        try:
            with tempfile.TemporaryFile(dir=place):
                pass
            free = psutil.disk_usage(str(existing(place))).free / 1e6
            names = os.statvfs(existing(place))
        except OSError as error:
            error.filename = None  # a name that was made up here
            yield Finding("problem", "disk", explain(error, place))
            continue
        if names.f_files and names.f_favail < LEAST_FILES:
            yield Finding(
                "problem",
                "disk",
                f"{place}: its disk takes {counted(names.f_favail, 'more file')}; a study writes up to {LEAST_FILES}: delete files there",
            )
        if free < LEAST_DISK and place == folder:
            yield Finding(
                "problem", "disk", f"{place}: {free:.0f} MB free; a study takes up to {LEAST_DISK} MB: free space there"
            )
        else:
            yield Finding("ok", "disk", f"{place}: {free:.0f} MB free for {what}")
    wanted = os.environ.get("TMPDIR")
    if wanted and not os.path.isdir(wanted):
        yield Finding("note", "disk", f"TMPDIR names {wanted}, which is no folder; {_temporary()} is taken instead")
    if closed := closed_cache():
        yield Finding(
            "note",
            "rights",
            f"{closed} cannot be written by {user()}: neuraxis run takes a temporary folder in its place; for snakemake and make run set "
            "XDG_CACHE_HOME to a folder that can be written",
        )
    for name in OUTPUTS:
        place = folder / name
        if os.path.isfile(place):
            yield Finding("problem", "rights", f"{place} is a file; a folder of that name is needed: rename it")
        elif shut := _closed(place):
            yield Finding(
                "problem",
                "rights",
                f"{name_some(shut)} cannot be written or read by {user()}: chmod or chown {place} with all that is in it",
            )
    yield from locks(folder)


def _closed(place: Path) -> list[str]:
    """Folders below a place that may not be written, files that may not be read; the place itself first."""
    found = []
    for here, folders, files in os.walk(place):
        found += [here] if not os.access(here, os.R_OK | os.W_OK | os.X_OK) else []
        folders[:] = sorted(folders)
        found += [os.path.join(here, f) for f in sorted(files) if not os.access(os.path.join(here, f), os.R_OK)]
    if not found and place.is_dir() and not os.access(place, os.R_OK | os.X_OK):
        found = [str(place)]
    return found


def locks(folder: Path) -> Iterator[Finding]:
    """Whether a run is at work in the folder, or was killed there."""
    state, who = held(folder)
    if state == "alive":
        yield Finding(
            "note",
            "lock",
            f"a run is at work here ({who}); another is refused until it ends",
        )
    elif state == "stale":
        yield Finding(
            "note",
            "lock",
            f"an earlier run here ({who}) was killed and left its lock; the next run removes it and goes on",
        )


def _temporary() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return None


# ------------------------------------------------------------- the study


def configuration(path) -> dict:
    """The study's complete configuration: defaults, config.yaml of the present folder, and `path` over them."""
    from snakemake.utils import validate

    from .home import complete, workflow_home

    home = workflow_home()
    place = home / "workflow/schemas/config.schema.yaml"
    schema = yaml.safe_load(place.read_text(encoding="utf-8"))
    path = Path(path)
    own = Path("config.yaml")
    overlay = path.is_file() and not (own.is_file() and path.samefile(own))
    config = complete(read_config(path) if overlay else {}, home)
    check_shape(config, schema)
    validate(config, str(place))  # fills the defaults in
    expand_home(config)
    check_config(config, schema)
    return config


def study(path) -> Iterator[Finding]:
    """Configuration, tables, ids, measures and their units and quality, norms, groups, events, outcomes."""
    path = Path(path)
    if not path.exists():
        yield Finding("problem", "configuration", f"{path}: no such file or folder")
        return
    config, found = tried("configuration", configuration, path)
    yield from found
    if config is None:
        return
    yield Finding("ok", "configuration", f"source of people: {config['cohort']['source']}; all keys are valid")
    if config["cohort"]["source"] == "simulated":
        yield Finding("note", "people", "the cohort is simulated; for your own people set cohort.source to files")
        drawn = simulated(config)
        yield from groups(config, drawn)
        yield from outcomes(config, drawn)
        return
    files = [(k, p) for k in FILES if reads(config, k) for p in _as_list(get(config, k)) if p]
    yield Finding("ok", "inputs", f"{counted(len(files), 'table is', 'tables are')} there")
    people = yield from cohort(config)
    if people is None:
        return
    own = people["participants"]
    combined = yield from measures(config, people)
    # people of tables are known with their quality and norms; of images, only those who are measured on trial
    made = None
    if combined is not None and config["features"]["source"] != "images":
        own = own[own["participant_id"].isin(combined.measures["participant_id"])]
        made = yield from norms(config, own, combined)
        if made is not None:
            own = own[own["participant_id"].isin(made.zscores["participant_id"])]
    yield from groups(config, own, placed=made is not None)
    if made is not None:
        yield from thresholds(config, made)
    yield from outcomes(config, people["participants"])


def simulated(config: dict) -> pd.DataFrame:
    """People of the simulated cohort: its table of participants."""
    from .cohort.simulated import simulate_cohort
    from .home import workflow_home

    own = config["cohort"]
    people = simulate_cohort(workflow_home() / "resources", scale=own["scale"], seed=config["seed"]).participants
    return people[people["group"].isin([own["control"], *own["diseases"]])]


def everyone(config: dict) -> list[str]:
    """Everyone in participants.tsv, those included who are left out."""
    from .cohort.participants import listed_people

    return listed_people(config["cohort"]["participants"])


def _as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def cohort(config: dict) -> Told:
    """People and everything about them, as the first job reads them; ids of all tables."""
    from .biomarkers import map_templates
    from .cohort.participants import gather_cohort
    from .cohort.templates import by_key
    from .features.combine import count_ids
    from .home import workflow_home

    own, features = config["cohort"], config["features"]
    schema = workflow_home() / "workflow/schemas/participants.schema.yaml"
    images = features["source"] == "images"
    tables, found = tried(
        "people",
        gather_cohort,
        own["participants"],
        yaml.safe_load(schema.read_text(encoding="utf-8")),
        control=own["control"],
        diseases=own["diseases"],
        phenotype=own["phenotype"],
        sessions=own["sessions"],
        visits=own["visits"],
        relapses=own["relapses"],
        groups=own["groups"],
        leave_out=bool(own["groups"]),
        sites=own["sites"],
        segmentations=(features["labels"] or features["cord_mask"]) if images else "",
        templates=by_key(features, map_templates(features["biomarkers"], features["use"])) if images else {},
        baseline_session=own["baseline_session"],
    )
    yield from found
    if tables is not None:
        sizes = tables["participants"]["group"].value_counts()
        yield Finding("ok", "people", ", ".join(f"{n} {g}" for g, n in sizes.items()))
        for row in tables["flow"].query("excluded > 0 and step != 'segmentation without participant'").itertuples():
            who = name_some(str(row.who).split(", "))
            yield Finding("note", "people", f"{row.excluded} of {row.group} fall out ({row.step}): {who}")
        for row in tables["flow"].query("step == 'segmentation without participant'").itertuples():
            who = name_some(str(row.who).split(", "))
            yield Finding(
                "note",
                "ids",
                f"{counted(row.excluded, 'segmentation belongs', 'segmentations belong')} to no participant: {who}",
            )
    listed, _ = tried("ids", everyone, config)
    if listed is not None:
        matched, found = tried("ids", count_ids, joined_tables(config), listed)
        yield from found
        for row in () if matched is None else matched.itertuples():
            words = f"{row.table} ({row.file}): {row.matched} of {counted(row.ids, 'id')} " + agreeing(
                row.matched, "is a participant's", "are participants'"
            )
            few = row.matched < row.ids
            yield Finding(
                "note" if few else "ok", "ids", words + (f"; not: {name_some(row.unmatched.split(', '))}" * few)
            )
    return tables


def groups(config: dict, people: pd.DataFrame, placed: bool = False) -> Iterator[Finding]:
    """Sizes of groups and sites against what norms, subtypes, folds and the negative control need.

    `people` are those who are left; where they are `placed`, norms were made and have said what they need.
    """
    from .evaluation.control import check_controls
    from .normative.fit import pooled_sites
    from .normative.settings import NormSettings
    from .sustain.study import sizes_table

    sustain = config["sustain"]
    for disease in config["cohort"]["diseases"]:
        n = int((people["group"] == disease).sum())
        sizes, found = tried(
            "groups", sizes_table, n, disease=disease, folds=sustain["folds"], max_subtypes=sustain["max_subtypes"]
        )
        yield from found
        if sizes is not None:
            yield Finding(
                "ok",
                "groups",
                f"{disease}: {counted(n, 'person')} for {counted(sustain['max_subtypes'], 'subtype')} in folds",
            )
    control = people[people["group"] == config["cohort"]["control"]]
    if config["cohort"]["diseases"]:
        _, found = tried("groups", check_controls, len(control))
        yield from (
            Finding(
                "note",
                "groups",
                f"{f.words}; the study goes without, so that nobody knows how many subtypes healthy people seem to have",
            )
            for f in found
        )
    if placed:
        return
    values = {k: v for k, v in config["normative"].items() if k not in ("overrides", "missing")}
    settings, found = tried("groups", lambda: NormSettings(**values))
    yield from found
    if settings is None:
        return
    if len(control) < 2 * settings.folds:
        yield Finding(
            "problem",
            "groups",
            f"{counted(len(control), 'control is', 'controls are')} too few for {counted(settings.folds, 'fold')} of out-of-sample z; "
            "lower normative.folds",
        )
    if settings.site == "none":
        return
    pooled, found = tried("groups", pooled_sites, control["site"], settings)
    yield from found
    if pooled:
        yield Finding(
            "note",
            "groups",
            f"sites pooled for having fewer than {counted(settings.min_site_controls, 'control')}: {name_some(pooled)}",
        )
    lost = sorted(set(people["site"].dropna()) - set(control["site"].dropna()))
    if lost:
        n = int(people["site"].isin(lost).sum())
        yield Finding(
            "problem",
            "groups",
            f"{counted(n, 'person comes', 'people come')} from sites without controls ({name_some(lost)}), where no norm holds; add controls of "
            "these sites, leave the people out, or set normative.site to none",
        )


def norms(config: dict, people: pd.DataFrame, combined) -> Told:
    """The norms and everyone's z, as the study makes them of tables; whom they leave out, and for want of what."""
    from .features.biomarkers import read_biomarkers
    from .normative.settings import needs_head_size
    from .normative.study import normative_tables

    made, found = tried(
        "norms",
        normative_tables,
        combined.measures,
        people,
        combined.followup,
        read_biomarkers(config["features"]["biomarkers"]),
        config["normative"],
        control=config["cohort"]["control"],
        seed=config["seed"],
    )
    yield from found
    if made is None:
        return None
    for group, gone in made.dropped.groupby("group", sort=True):
        yield Finding(
            "note",
            "norms",
            f"{len(gone)} of {group} {agreeing(len(gone), 'falls', 'fall')} out for measures that are missing: "
            f"{name_some(gone['participant_id'])}; measure them, or see normative.missing and normative.site",
        )
    z = made.zscores.set_index("participant_id")
    measured = combined.measures.set_index("participant_id").loc[z.index]
    sized = needs_head_size(made.norms.settings)
    small = z.index[measured["etiv"].isna() & measured[sized].notna().any(axis=1)] if sized else []
    if len(small):
        yield Finding(
            "note",
            "norms",
            f"{counted(len(small), 'person has', 'people have')} no head size (etiv), so no z of {name_some(sized)}: {name_some(small)}; give it "
            "(features.etiv, or a column etiv), or set normative.head_size to none",
        )
    who = people.set_index("participant_id").loc[z.index]
    needed = ["age", "sex", *(["site"] if any(s.site != "none" for s in made.norms.settings.values()) else [])]
    blank = who.index[who[needed].isna().any(axis=1)]
    if len(blank):
        yield Finding(
            "note",
            "norms",
            f"{counted(len(blank), 'person has', 'people have')} no {' or no '.join(c for c in needed if who[c].isna().any())}, so no z at all: "
            f"{name_some(blank)}; fill the column of participants.tsv in",
        )
    yield Finding("ok", "norms", f"{made.norms!r}, z of {counted(len(z), 'person')}: made on trial")
    return made


def thresholds(config: dict, made) -> Iterator[Finding]:
    """Events of every disease as the study will choose them: thresholds that the data do not reach, families that do not fit."""
    from .features.biomarkers import read_biomarkers
    from .sustain import declared_events

    sustain, defined = config["sustain"], read_biomarkers(config["features"]["biomarkers"])
    values = made.values.set_index("participant_id")
    group, values = values["group"], values.drop(columns=["group", "origin"], errors="ignore")
    for disease in config["cohort"]["diseases"]:
        if not (group == disease).any():
            continue  # said with the groups
        chosen, found = tried(
            "events",
            declared_events,
            values[group == disease],
            definitions=defined,
            controls=values[group == config["cohort"]["control"]],
            **{k: sustain[k] for k in ("thresholds", "choose_thresholds", "min_people", "z_max")},
        )
        yield from (Finding(f.level, f.area, f"{disease}: {f.words}") for f in found)
        if chosen is None:
            continue
        events, table = chosen
        without = [b for b, kept in table.groupby("biomarker", sort=False)["kept"].any().items() if not kept]
        if without:
            yield Finding(
                "note",
                "events",
                f"{disease}: {name_some(without)} {agreeing(len(without), 'is', 'are')} left out of the model, since fewer than "
                f"{counted(sustain['min_people'], 'person')} reach any of their thresholds; see their unit and direction, sustain.thresholds and "
                "sustain.min_people",
            )
        beyond = table[table["kept"] & (table["n_people"] == 0)]
        if len(beyond):
            named = [f"{b} ({t:g})" for b, t in beyond[["biomarker", "threshold"]].itertuples(index=False)]
            yield Finding(
                "note",
                "events",
                f"{disease}: nobody reaches {name_some(named)}, so that the place of these events is not in the data; lower sustain.thresholds "
                "(or those of features.biomarkers), or set sustain.choose_thresholds to true",
            )
        yield Finding(
            "ok",
            "events",
            f"{disease}: {events.n_events} of {counted(len(table), 'event')} kept, of {counted(events.n_biomarkers, 'biomarker')}",
        )


def outcomes(config: dict, people: pd.DataFrame) -> Iterator[Finding]:
    """Whether the tables serve the declared outcomes, the treatment and the predictions."""
    from .clinical.cases import check_outcomes
    from .clinical.outcomes import declare
    from .clinical.treatment import check_treatment
    from .clinical.worsening import MADE

    own, clinical = config["cohort"], config["clinical"]
    made, found = tried("outcomes", lambda: [declare(**o) for o in clinical["outcomes"]])
    yield from found
    if not made:
        return
    table, found = tried(
        "outcomes", check_outcomes, made, people.set_index("participant_id"), own["control"], made=MADE
    )
    yield from found
    if table is not None:
        yield Finding("ok", "outcomes", f"{counted(len(made), 'outcome has its', 'outcomes have their')} columns")
        table = table[table["group"] != own["control"]]
        for (name, group), part in table[table["complete"] == 0].groupby(["outcome", "group"], sort=False):
            if (part["n"] == 0).any():
                named = part.loc[part["n"] == 0, "column"]
                why = f"nobody has a value of {name_some(named)}"
            else:
                why = f"nobody has values of all of {name_some(part['column'])}"
            yield Finding(
                "note",
                "outcomes",
                f"{name}: {why} in {group}, so that nothing is told of it there; fill it in, or take the outcome out",
            )
    drawn = own["source"] == "simulated"
    for o in made:
        wanted = [c for c in o.columns if c in MADE and c not in people]
        if wanted and not own["visits"] and not drawn:
            yield Finding(
                "note",
                "outcomes",
                f"{o.name}: {name_some(wanted)} {agreeing(len(wanted), 'is', 'are')} made from cohort.visits, which is not given; give that table, or take the outcome out",
            )
        elif (
            any(c.startswith(("pira_", "raw_", "first_relapse_", "on_study_relapses")) for c in wanted)
            and not own["relapses"]
            and not drawn
        ):
            yield Finding(
                "note",
                "outcomes",
                f"{o.name}: {name_some(wanted)} {agreeing(len(wanted), 'needs', 'need')} cohort.relapses, which is not given, so that nobody has a relapse; "
                "give that table, or take the outcome out",
            )
    _, found = tried("outcomes", check_treatment, people[people["group"] != own["control"]], **clinical["treatment"])
    yield from found
    if not any(o.type == "survival" for o in made):
        return
    column = clinical["treatment"]["column"]
    if column and column not in people:
        yield Finding(
            "note",
            "outcomes",
            f"clinical.treatment.column: {column} is not in participants.tsv, so that nothing is told of treatments; name the column, or set it to ''",
        )
    absent = [c for c in clinical["prediction"]["clinical"] if c not in people]
    if absent:
        yield Finding(
            "note",
            "outcomes",
            f"clinical.prediction.clinical: {name_some(absent)} {agreeing(len(absent), 'is', 'are')} not in participants.tsv, so that predictions go "
            "without; name columns that are there",
        )


def measures(config: dict, people: dict) -> Told:
    """Measures, their units and quality: tables whole; of images, the tables beside them, and a few people on trial."""
    from .features.biomarkers import read_biomarkers
    from .features.combine import combine
    from .home import workflow_home

    features, baseline = config["features"], config["cohort"]["baseline_session"]
    labels = workflow_home() / "resources/labels.tsv"
    person = people["participants"]
    on_trial = features["source"] == "images"
    if on_trial:
        yield from images(features)
        known = yield from beside(config, people)
        # whoever is in most of the tables beside, so that these are joined on trial, too
        order = person["participant_id"].map(known).fillna(0).sort_values(ascending=False, kind="stable").index
        person = person.loc[order].groupby("group", sort=True).head(TRIED).sort_index()
        table = yield from trial_scans(config, people, person)
        if table is None or table.empty:
            return None
        paths = [table]
        person = person[person["participant_id"].isin(table["participant_id"])]
    else:
        paths = [features["table"]] if features["source"] == "table" else features["volume_tables"]
    keys = ("sct", "etiv", "qc_scores", "cord_levels", "sct_select", "sct_repeats", "use", "exclude_rules")
    combined, found = tried(
        "measures",
        combine,
        person,
        people["sessions"],
        read_biomarkers(features["biomarkers"]),
        source=features["source"],
        measures=paths,
        label_names=labels,
        listed=everyone(config),
        baseline_session=baseline,
        **{k: features[k] for k in (*keys, "outlier_limit", "qc_score_min")},
    )
    yield from found
    if combined is None:
        return None
    for row in combined.flow.query("excluded > 0").itertuples():
        who = name_some(str(row.who).split(", "))
        rules = "" if row.step != "quality rules" else "; see features.exclude_rules"
        yield Finding("note", "measures", f"{row.excluded} of {row.group} fall out ({row.step}): {who}{rules}")
    if on_trial:
        yield from head_sizes(config, combined.measures)
    else:
        gaps = combined.measures.drop(columns=["participant_id", "etiv"]).isna().sum()
        if gaps.any():
            named = [f"{b} ({n})" for b, n in gaps[gaps > 0].items()]
            yield Finding(
                "note",
                "measures",
                f"missing in some of {counted(len(combined.measures), 'person')}: {name_some(named)}",
            )
        yield Finding(
            "ok",
            "measures",
            f"{counted(len(combined.measures), 'person')}, {counted(combined.measures.shape[1], 'column')}",
        )
    return combined


def beside(config: dict, people: dict) -> Told:
    """Tables beside the images, each against everyone's scans; returns in how many each person is."""
    from .cohort.ids import BASELINE, People
    from .features.combine import by_scans, refuse_unused, side_tables

    features = config["features"]
    follow = list(people["sessions"][["participant_id", "session_id"]].itertuples(index=False, name=None))
    first = people["participants"]["participant_id"]
    scans = pd.MultiIndex.from_tuples([*((p, BASELINE) for p in first), *follow])
    keys = ("cord_levels", "sct_select", "sct_repeats")
    known: dict[str, int] = {}
    for key, what in (("sct", "a cord area"), ("etiv", "a head size"), ("qc_scores", "QC scores")):
        if not features[key]:
            continue

        def look(key=key):
            given = {"sct": "", "etiv": "", "qc_scores": "", key: features[key], **{k: features[k] for k in keys}}
            parts = side_tables(People(everyone(config)), **given)
            by_scans(parts, config["cohort"]["baseline_session"], follow)
            (name, values) = parts.popitem()
            values = values if isinstance(values, pd.Series) else values.iloc[:, 0]
            refuse_unused(values, scans, name)
            return values

        values, found = tried("measures", look)
        yield from found
        if values is None:
            continue
        has = {p for p, s in values.dropna().index if s == BASELINE}
        for p in has:
            known[p] = known.get(p, 0) + 1
        absent = [p for p in first if p not in has]
        yield Finding(
            "note" if absent else "ok",
            "measures",
            f"features.{key}: {len(first) - len(absent)} of {counted(len(first), 'person')} {agreeing(len(first) - len(absent), 'has', 'have')} {what}"
            + (f"; not: {name_some(absent)}" if absent else ""),
        )
    return known


def trial_scans(config: dict, people: dict, few: pd.DataFrame) -> Told:
    """The first scans of a few people, measured as they will be."""
    from .cohort.ids import BASELINE
    from .features.extract import extract
    from .home import workflow_home

    features = config["features"]
    made, found = tried(
        "measures",
        extract,
        few[["participant_id"]].assign(session_id=BASELINE),
        biomarkers=features["biomarkers"],
        labels_file=workflow_home() / "resources/labels.tsv",
        folders=(),
        etiv=features["etiv"],
        templates=[features[k] for k in ("labels", "cord_mask", "cord_levels_image")],
        baseline_session=config["cohort"]["baseline_session"],
        cord_levels=features["cord_levels"],
        listed=everyone(config),
        follow=list(people["sessions"][["participant_id", "session_id"]].itertuples(index=False, name=None)),
    )
    yield from found
    if made is None:
        return None
    for row in made[1].itertuples():
        yield Finding("problem", "measures", f"{row.participant_id}: {row.problem}")
    yield Finding("ok", "measures", f"{len(made[0])} of {counted(len(few), 'scan')} measured on trial")
    return made[0]


def images(features: dict) -> Iterator[Finding]:
    """Whether all images that fit the templates may be read."""
    from .biomarkers import map_templates
    from .cohort.templates import by_key, files_of
    from .features.extract import read_files

    for key, template in by_key(features, map_templates(features["biomarkers"], features["use"])).items():
        places = [Path(file) for file, _ in files_of(template.partition("#")[0])]
        files = [f for place in places for f in ([place] if not place.is_dir() else read_files(place) or [place])]
        closed = [str(f) for f in files if not os.access(f, os.R_OK)]
        if closed:
            yield Finding(
                "problem",
                "inputs",
                f"{key}: {len(closed)} of {counted(len(files), 'file')} may not be read by {user()} ({name_some(closed)}); their people "
                "would be left out: change the rights (chmod, chown)",
            )
        elif files:
            yield Finding("ok", "inputs", f"{key}: {counted(len(files), 'file')} can be read")


def head_sizes(config: dict, table) -> Iterator[Finding]:
    """Whether head sizes are known where a norm needs them, and whether norms can be asked for at all."""
    from .features.biomarkers import read_biomarkers
    from .normative.settings import check_head_size
    from .normative.study import norms_asked

    def look():
        check_head_size(
            table["etiv"],
            norms_asked(table.columns, read_biomarkers(config["features"]["biomarkers"]), config["normative"]).own,
        )

    _, found = tried("measures", look)
    yield from found


if __name__ == "__main__":
    raise SystemExit(doctor(sys.argv[1] if len(sys.argv) > 1 else None))
