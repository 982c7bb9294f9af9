"""What is wrong with a configuration, told before anything runs: one sentence a problem, all of them at once."""

from __future__ import annotations

import datetime
import difflib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from .cohort.templates import template_problem
from .errors import ConfigError, InputError, name_some
from .storage import REASONS, explain, user
from .tables import UNSEEN

#: Keys that name a file, or a list of files.
FILES = (
    *("cohort.participants", "cohort.phenotype", "cohort.sessions", "cohort.visits", "cohort.relapses"),
    *("features.table", "features.volume_tables", "features.sct", "features.etiv", "features.qc_scores"),
    "features.biomarkers",
)
#: Keys that name a template of files.
TEMPLATES = ("features.labels", "features.cord_mask", "features.cord_levels_image")
#: Most values and levels of a configuration; a few lines of YAML can unpack to billions (anchors of anchors).
MOST_VALUES, DEEPEST = 20_000, 30
#: Largest whole number that every type of number holds exactly.
LARGEST = 2**53
#: Folders of results that stand beside those of the diseases.
TAKEN = ("crossdisease", "none", "simulated")
#: Names that Windows keeps for devices: no folder can have them there.
DEVICES = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]", re.I)
#: Keys of section normative that hold for all biomarkers alone.
FOR_ALL = ("overrides", "missing", "folds")
#: Diseases of the simulated cohort.
SIMULATED_DISEASES = ("NMOSD", "MS")


def size_problem(value) -> str:
    """Why a configuration cannot be walked through: too many values, too deep, too large numbers, or containing itself; "" where it can.

    Whole numbers of YAML have no end: some thousand digits can be neither shown nor compared with a limit.
    """
    seen, open_now = 0, set()
    stack = [(value, 0, False, "")]
    while stack:
        item, depth, leaving, key = stack.pop()
        if leaving:
            open_now.discard(id(item))
            continue
        seen += 1
        if seen > MOST_VALUES:
            return f"it has more than {MOST_VALUES} values (anchors of anchors?)"
        if _beyond(item):
            return f"{key or 'a key'} is a whole number beyond 2^53, more than any setting means"
        if isinstance(item, (dict, list, tuple)):
            if id(item) in open_now:
                return "a part of it contains itself (an anchor within itself)"
            if depth >= DEEPEST:
                return f"it is nested more than {DEEPEST} levels deep"
            open_now.add(id(item))
            stack.append((item, depth, True, key))
            if isinstance(item, dict):
                stack += [(name, depth + 1, False, "") for name in item if isinstance(name, int)]
                named = [(f"{key}.{k}" if key else f"{k}", v) for k, v in item.items() if not _beyond(k)]
            else:
                named = [(f"{key}[{i}]", v) for i, v in enumerate(item)]
            stack += [(part, depth + 1, False, name) for name, part in named]
    return ""


def _beyond(value) -> bool:
    return isinstance(value, int) and abs(value) > LARGEST


def read_config(path) -> dict:
    """A configuration file, refused where it cannot be walked through.

    Raises
    ------
    ConfigError
        No such file, no YAML, no mapping, or what `size_problem` says.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        twice = repeated_keys(text)
        loaded = yaml.safe_load(text)
    except OSError as error:
        words = explain(error, path) if error.errno in REASONS else f"{path} cannot be read: {error}"
        raise ConfigError(words) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())[:300]}") from None
    if words := size_problem(loaded):
        raise ConfigError(f"{path}: {words}")
    if twice:
        raise ConfigError(f"{path}: given twice, of which YAML takes the last in silence: {name_some(twice)}; keep one")
    if loaded is not None and not isinstance(loaded, dict):
        raise ConfigError(f"{path}: sections (cohort:, features:, ...) are expected")
    return loaded or {}


def repeated_keys(text: str) -> list[str]:
    """Keys that a mapping of a YAML text has twice, with their lines."""
    found, stack = [], [yaml.compose(text, Loader=yaml.SafeLoader)]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names = [k.value for k, _ in node.value if isinstance(k, yaml.ScalarNode)]
            found += [
                f"{k.value} (line {k.start_mark.line + 1})"
                for n, (k, _) in enumerate(node.value)
                if isinstance(k, yaml.ScalarNode) and k.value in names[:n] and k.value != "<<"
            ]
            stack += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            stack += node.value
    return found


def leaves(value, key: str = "") -> Iterator[tuple[str, object]]:
    """Dotted key and value of everything that holds no further values."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, f"{key}.{k}" if key else str(k))
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value):
            yield from leaves(v, f"{key}[{i}]")
    else:
        yield key, value


def get(config: dict, key: str) -> Any:
    """Value of a dotted key; None where there is none."""
    value: Any = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def expand_home(config: dict) -> None:
    """Write the home folder out in all paths and templates, in place (``~/study/participants.tsv``)."""
    for key in (*FILES, *TEMPLATES):
        section, name = key.split(".")
        value = get(config, key)
        if isinstance(value, str) and value.startswith("~"):
            config[section][name] = str(Path(value).expanduser())
        elif isinstance(value, list):
            config[section][name] = [str(Path(v).expanduser()) if str(v).startswith("~") else v for v in value]


def schema_problems(config: dict, schema: dict) -> list[str]:
    """What the schema refuses, each in one sentence with its key, with the key that was probably meant."""
    problems = []
    for error in sorted(
        Draft202012Validator(schema).iter_errors(config), key=lambda e: [str(p) for p in e.absolute_path]
    ):
        key = ".".join(str(p) for p in error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = list(error.schema.get("properties", {}))
            for name in [k for k in error.instance if k not in known]:
                near = difflib.get_close_matches(str(name), known, 1)
                where = f"{key}.{name}" if key else str(name)
                problems.append(f"{where}: unknown key{f'; did you mean {near[0]}?' if near else ''}")
            continue
        value = repr(error.instance)
        said = error.message if len(error.message) < 200 else f"{error.validator} does not hold"
        hint = ""
        if error.validator == "type" and isinstance(error.instance, (bool, datetime.date)):
            hint = "; YAML reads NO, ON, yes and dates as something else: write it in quotes"
        problems.append(f"{key or 'configuration'}: {said.replace(value, value[:60])}{hint}")
    return problems


def path_problems(config: dict) -> list[str]:
    """All files that are named and not there, with their keys; of those alone that this configuration reads."""
    absent = []
    for key in FILES:
        if not reads(config, key):
            continue
        value = get(config, key)
        paths = [str(v) for v in value] if isinstance(value, list) else []
        if "" in paths:
            absent.append(f"{key}: an empty path is listed")
        if twice := sorted({v for v in paths if v and paths.count(v) > 1}):
            absent.append(f"{key}: {name_some(twice)} is listed twice")
        given = value if isinstance(value, list) else [value]
        absent += [f"{key}: {path}: {words}" for path in given if path and (words := _file_problem(path))]
    return absent


def _file_problem(path) -> str:
    """Why a file cannot be read; "" where it can."""
    place = Path(str(path)).expanduser()
    rights = f"may not be read by {user()}; change the rights of file or folder (chmod, chown)"
    try:
        if not place.is_file():
            return "is a folder" if place.is_dir() else "no such file"
    except PermissionError:
        return rights
    except OSError as error:  # a name that is too long, a network disk that is gone
        return f"cannot be read: {error.strerror}"
    return "" if os.access(place, os.R_OK) else rights


def reads(config: dict, key: str) -> bool:
    """Whether a configuration makes use of a key that names files."""
    source = get(config, "features.source")
    if key == "features.biomarkers":
        return True
    if get(config, "cohort.source") == "simulated":
        return False
    return {"features.table": source == "table", "features.volume_tables": source == "volume_tables"}.get(key, True)


def template_problems(config: dict) -> list[str]:
    """Templates with unknown fields, or without the person."""
    if get(config, "cohort.source") == "simulated" or get(config, "features.source") != "images":
        return []
    found = [(key, get(config, key)) for key in TEMPLATES]
    return [f"{key}: {words}: {value}" for key, value in found if value and (words := template_problem(str(value)))]


def number_problems(config: dict) -> list[str]:
    """Numbers that are not finite (.inf, .nan)."""
    return [
        f"{key}: {value} is no finite number"
        for key, value in leaves(config)
        if isinstance(value, float) and not math.isfinite(value)
    ]


def text_problems(config: dict) -> list[str]:
    """Text with characters that nobody sees: they end in titles, tables and paths."""
    return [
        f"{key}: holds characters that are not seen ({value.encode('ascii', 'backslashreplace').decode()[:60]})"
        for key, value in leaves(config)
        if isinstance(value, str) and (value.translate(UNSEEN) != value or "\n" in value.strip())
    ]


def name_problems(config: dict) -> list[str]:
    """Names of diseases, outcomes and groups that collide or cannot be folders."""
    cohort = config.get("cohort")
    if not isinstance(cohort, dict) or not isinstance(cohort.get("diseases", []), list):
        return []  # the schema says so
    control, diseases, groups = cohort.get("control", ""), cohort.get("diseases", []), cohort.get("groups") or {}
    groups = groups if isinstance(groups, dict) else {}
    problems = []
    for name in map(str, diseases):
        if name.lower() in TAKEN:
            problems.append(
                f"cohort.diseases: {name} is the name of a folder of results; rename the group (cohort.groups)"
            )
        if DEVICES.fullmatch(name):
            problems.append(f"cohort.diseases: {name} cannot be a folder on Windows; rename the group (cohort.groups)")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]*", name):
            problems.append(
                f"cohort.diseases: {name!r} cannot be a folder (letters, digits, - _ and +); rename it by cohort.groups"
            )
    folded = [str(d).lower() for d in diseases]
    alike = sorted({str(d) for d in diseases if folded.count(str(d).lower()) > 1})
    if alike:
        problems.append(
            f"cohort.diseases: {', '.join(alike)} differ by capitals alone and would share a folder on some disks"
        )
    if control in diseases:
        problems.append(f"cohort.diseases lists the controls' group {control}")
    strange = [g for g in groups if g not in (control, *diseases)]
    if strange:
        problems.append(
            f"cohort.groups: {name_some(strange)} is neither cohort.control ({control}) nor one of cohort.diseases"
        )
    olds = [str(o) for names in groups.values() if isinstance(names, list) for o in names]
    twice = sorted({o for o in olds if olds.count(o) > 1})
    if twice:
        problems.append(f"cohort.groups: {name_some(twice)} is in two groups")
    swapped = sorted(
        o for g, names in groups.items() if isinstance(names, list) for o in map(str, names) if o in groups and o != g
    )
    if swapped:
        problems.append(f"cohort.groups: {name_some(swapped)} is the name of one group and a part of another")
    outcomes = get(config, "clinical.outcomes")
    outcomes = [o for o in outcomes if isinstance(o, dict)] if isinstance(outcomes, list) else []
    for o in outcomes:
        covariates = o.get("covariates")
        covariates = [str(c) for c in covariates] if isinstance(covariates, list) else []
        if strange := sorted({c for c in covariates if not c.strip() or covariates.count(c) > 1}):
            problems.append(
                f"clinical.outcomes: {o.get('name')}: covariate {name_some(map(repr, strange))} is empty or twice"
            )
        if str(o.get("column")) in covariates:
            problems.append(f"clinical.outcomes: {o.get('name')}: {o['column']} is the outcome and a covariate of it")
    outcomes = [str(o.get("name")) for o in outcomes]
    same = [o.strip().lower() for o in outcomes]
    twice = sorted({o for o in outcomes if same.count(o.strip().lower()) > 1})
    if twice:
        problems.append(f"clinical.outcomes: two outcomes are named {name_some(twice)}; give each its own name")
    if any(not o.strip() for o in outcomes):
        problems.append("clinical.outcomes: an outcome has no name")
    return problems


def override_problems(config: dict, schema: dict, biomarkers=None) -> list[str]:
    """Overrides of the norms with keys or values that the section normative does not have, or of no biomarker."""
    overrides = get(config, "normative.overrides") or {}
    known = {k: v for k, v in schema["properties"]["normative"]["properties"].items() if k not in FOR_ALL}
    problems = []
    for name, keys in overrides.items():
        if biomarkers is not None and name not in biomarkers:
            near = difflib.get_close_matches(str(name), biomarkers, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"normative.overrides: {name} is no biomarker of features.biomarkers{hint}")
        if not isinstance(keys, dict):
            problems.append(f"normative.overrides.{name}: keys and values are expected, such as {{head_size: none}}")
            continue
        one = {"type": "object", "additionalProperties": False, "properties": known}
        problems += [f"normative.overrides.{name}.{p}" for p in schema_problems(keys, one)]
    return problems


def together_problems(config: dict) -> list[str]:
    """Keys that depend on one another."""
    cohort, features, sustain = config["cohort"], config["features"], config["sustain"]
    files = cohort["source"] == "files"
    images = features["source"] == "images"
    problems = []
    if not files and not set(cohort["diseases"]) <= set(SIMULATED_DISEASES):
        problems.append("cohort.diseases: the simulated cohort has NMOSD and MS only")
    if not files and cohort["control"] != "HC":
        problems.append("cohort.control: the simulated cohort's controls are HC")
    if files and not cohort["participants"]:
        problems.append("cohort.participants: give the path of participants.tsv, or set cohort.source to simulated")
    if files and images and not (features["labels"] or features["cord_mask"]):
        problems.append("features.labels: give the path of the label volumes with {participant_id} in it")
    if images and bool(features["cord_mask"]) != bool(features["cord_levels_image"]):
        problems.append("features.cord_mask and features.cord_levels_image come together")
    if files and cohort["sessions"] and images:
        lacking = [k for k in TEMPLATES if get(config, k) and "{session_id}" not in get(config, k)]
        problems += [f"{key}: with cohort.sessions the path must hold {{session_id}}" for key in lacking]
    if files and features["source"] == "volume_tables" and not (features["volume_tables"] or features["sct"]):
        problems.append("features.volume_tables: list the tables of volumes")
    if files and features["source"] == "table" and not features["table"]:
        problems.append("features.table: give the path of the table of measures")
    if isinstance(sustain["n_subtypes"], int) and sustain["n_subtypes"] > sustain["max_subtypes"]:
        problems.append("sustain.n_subtypes is above sustain.max_subtypes")
    if list(sustain["thresholds"]) != sorted(sustain["thresholds"]):
        problems.append("sustain.thresholds must ascend")
    if len(set(features["cord_levels"])) < len(features["cord_levels"]):
        problems.append("features.cord_levels: a level is listed twice, and would count twice")
    if not sustain["choose_thresholds"] and sustain["z_max"] <= max(sustain["thresholds"]):
        problems.append("sustain.z_max must lie above the last of sustain.thresholds")
    return problems


def check_shape(config: dict, schema: dict) -> None:
    """Refuse what has another shape than a configuration, before defaults are filled in.

    Raises
    ------
    ConfigError
        All problems in one message.
    """
    if words := size_problem(config):
        raise ConfigError(f"Configuration: {words}")
    _refuse(
        [*number_problems(config), *text_problems(config), *schema_problems(config, schema), *name_problems(config)]
    )


def check_config(config: dict, schema: dict) -> None:
    """Refuse a complete configuration (with its defaults) that cannot be run.

    Raises
    ------
    ConfigError
        All problems in one message: absent files, templates, names, keys that contradict one another.
    """
    problems = [*path_problems(config), *template_problems(config), *together_problems(config)]
    names = None
    if Path(config["features"]["biomarkers"]).is_file():
        from .biomarkers import read_biomarkers

        try:
            defined = read_biomarkers(config["features"]["biomarkers"])
            names = defined["biomarker"].tolist()
            maps = [t for k, v in zip(defined["kind"], defined["labels"], strict=True) if k == "map" for t in v]
            wrong = [(t, template_problem(t.partition("#")[0])) for t in maps]
            problems += [f"features.biomarkers: {words}: {t}" for t, words in wrong if words]
        except InputError as error:
            problems.append(f"features.biomarkers: {error}")
    use = config["features"].get("use")
    for name in use if isinstance(use, list) else []:
        if names is not None and name not in names:
            near = difflib.get_close_matches(str(name), names, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"features.use: {name} is no biomarker of features.biomarkers{hint}")
    _refuse([*problems, *override_problems(config, schema, names)])


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ConfigError("Configuration:\n- " + "\n- ".join(dict.fromkeys(problems)))


def check_python(executable: str) -> None:
    """Refuse a Python that Snakemake cannot start: it calls it without quotes.

    Parameters
    ----------
    executable : str
        Its path (`sys.executable`).

    Raises
    ------
    InputError
    """
    if re.search(r"\s", executable):
        raise InputError(
            f"the path of Python holds a blank, and Snakemake starts its jobs by it without quotes: {executable}; "
            "put the clone, or the environment, in a folder without blanks (the study's own folder may have them)"
        )


def joined_tables(config: dict) -> dict[str, tuple[str, str]]:
    """Tables that are joined to the participants by id: path to its key and the kind of its ids."""
    kinds = {"features.sct": "sct"}
    out = {}
    for key in FILES:
        if key in ("cohort.participants", "features.biomarkers") or not reads(config, key):
            continue
        value = get(config, key)
        for path in value if isinstance(value, list) else [value]:
            if path:
                out[str(path)] = (key, kinds.get(key, "people"))
    return out
