"""Where the workflow's own files are, and a study's configuration over the workflow's defaults."""

from __future__ import annotations

import copy
from pathlib import Path

from .checks import FILES, get, read_config
from .errors import ConfigError

PACKAGE = Path(__file__).parent
#: The workflow's files in an installed package; a clone holds them at its top.
SHIPPED = PACKAGE / "shipped"
#: What a folder holds that is the workflow's.
MARKS = ("Snakefile", "config.yaml", "rules/common.smk", "workflow/schemas/config.schema.yaml")


def is_home(folder) -> bool:
    """Whether a folder holds the workflow: its Snakefile, rules, schemas and defaults."""
    return all((Path(folder) / mark).is_file() for mark in MARKS)


def workflow_home(near=None) -> Path:
    """Folder of Snakefile, rules, schemas, resources and defaults.

    Parameters
    ----------
    near : path, optional
        Folder that is asked first: that of the Snakefile that runs. One that was fetched from elsewhere is no folder
        of this machine; then the installed package's own files serve.

    Returns
    -------
    Path
        Absolute.

    Raises
    ------
    ConfigError
        Neither the package nor the clone around it holds them.

    Examples
    --------
    >>> (workflow_home() / "Snakefile").is_file()
    True
    """
    places = [*([Path(near)] if near else []), SHIPPED, PACKAGE.parents[1]]
    for place in places:
        if is_home(place):
            return place.absolute()
    raise ConfigError(
        f"the workflow's files (Snakefile, rules, schemas) are in none of {', '.join(map(str, places))}; "
        "install neuraxis again, or run the Snakefile of a complete clone"
    )


def shown(path, home) -> str:
    """A file of the workflow as rules name it: relative to the clone where the study runs in it, absolute elsewhere."""
    return str(Path(path)) if Path(home).samefile(Path.cwd()) else str(Path(home) / path)


def package_folder(home) -> Path:
    """Folder of the sources: the clone's own, or those of the installed package."""
    own = Path(shown("src/neuraxis", home))
    return own if own.is_dir() else PACKAGE


def merged(under: dict, over: dict) -> dict:
    """`over` on top of `under`: sections are merged key by key, everything else (lists too) is replaced.

    Parameters
    ----------
    under, over : dict

    Returns
    -------
    dict
        A new one.

    Examples
    --------
    >>> merged({"cohort": {"control": "HC", "diseases": ["MS", "NMOSD"]}}, {"cohort": {"diseases": ["MS"]}})
    {'cohort': {'control': 'HC', 'diseases': ['MS']}}
    """
    out = copy.deepcopy(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else copy.deepcopy(value)
    return out


#: What config.yaml says of the published cohort, and what holds for people of one's own unless their configuration says more.
OF_OWN_PEOPLE = {"sustain.n_subtypes": "auto"}


def complete(given: dict, home, *, own_file: bool = True) -> dict:
    """A study's configuration: the workflow's defaults, the study's config.yaml, and what the call gave, in this order.

    The default study shows as many subtypes as were published; people of one's own get the number that their data support,
    unless their configuration says another (`OF_OWN_PEOPLE`), and so does a study that tries fewer subtypes than were published. Called in the study's folder. Paths of the study stay as they are, relative to it; a file that only the defaults
    name (resources/biomarkers.tsv) is the workflow's own.

    Parameters
    ----------
    given : dict
        Of ``--configfile`` and ``--config``, or of the module statement.
    home : path
        See `workflow_home`.
    own_file : bool
        Read the config.yaml of the study's folder, where there is one.

    Returns
    -------
    dict
        A new one.

    Raises
    ------
    ConfigError
        A file that is no YAML of sections.

    Examples
    --------
    >>> config = complete({"sustain": {"folds": 3}}, workflow_home(), own_file=False)
    >>> config["sustain"]["folds"], config["sustain"]["z_max"]
    (3, 5)
    """
    home = Path(home)
    defaults = read_config(home / "config.yaml")
    own = Path("config.yaml")
    if own_file and own.is_file() and not own.samefile(home / "config.yaml"):
        given = merged(read_config(own), given)
    config = merged(defaults, given)
    # the published number is no number of a study that tries fewer
    most, published = get(config, "sustain.max_subtypes"), get(config, "sustain.n_subtypes")
    fewer = isinstance(most, int) and isinstance(published, int) and published > most
    if get(config, "cohort.source") != "simulated" or fewer:
        for key, value in OF_OWN_PEOPLE.items():
            section, name = key.split(".")
            if get(config, key) is not None and get(given, key) is None:
                config[section][name] = value
    for key in FILES:
        section, name = key.split(".")
        path = get(defaults, key)
        # a config.yaml that was copied whole names the workflow's file too, unless the study has one of that name
        if path and get(config, key) == path and not (get(given, key) and Path(path).is_file()):
            config[section][name] = shown(path, home)
    return config
