"""All figures of one scope, from the files of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..progress import steps
from . import clinical, maps, model, normative
from .declared import ALL, Figure
from .given import read_given
from .style import finish

#: Where the functions of declared figures are; named here, so that the workflow sees which files draw.
MODULES = {"clinical": clinical, "maps": maps, "model": model, "normative": normative}


def function_of(figure: Figure) -> Callable:
    """What draws a declared figure: a function of `given.Given`."""
    module, name = figure.draw.split(":")
    return getattr(MODULES[module], name)


def draw(out: Mapping[str, Path], *, title: str, simulated: bool, tables: Mapping[str, str], **given) -> None:
    """Draw figures by name, PNG at the path and PDF beside it.

    Parameters
    ----------
    out : mapping of str to path
        Name of a declared figure to its PNG.
    title : str
    simulated : bool
        They are marked.
    tables : mapping of str to path
    **given
        See `given.read_given`.
    """
    data = read_given(tables, **given)
    for name, path in steps(out.items(), "figures"):
        finish(function_of(ALL[name])(data), title, simulated, Path(path))
