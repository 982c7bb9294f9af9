"""Docstrings of the names that docs/api.md tells of: where parameters are told, all are, and no others."""

import importlib
import re

import pytest
from numpydoc.validate import validate


def names_of(text):
    """What the page shows: (module, name), classes with their public methods."""
    module, found = None, []
    for kind, name in re.findall(r"^\.\. (\w+):: (\S+)", text, re.M):
        if kind == "currentmodule":
            module = name
        elif kind in ("autofunction", "autoclass"):
            found.append(name.rpartition(".")[::2] if name.startswith("neuraxis.") else (module, name))
        elif kind == "automodule":
            inside = vars(importlib.import_module(name)).items()
            found += [(name, k) for k, v in inside if k[0] != "_" and callable(v) and v.__module__ == name]
    for where, name in list(found):
        value = getattr(importlib.import_module(where), name)
        methods = vars(value).items() if isinstance(value, type) else ()
        found += [(where, f"{name}.{k}") for k, v in methods if k[0] != "_" and callable(v)]
    return found


def test_parameters_that_are_told_are_all_and_real(request):
    names = names_of((request.config.rootpath / "docs/api.md").read_text(encoding="utf-8"))
    assert len(names) > 90 and ("neuraxis.sustain", "SustainModel.posterior") in names
    wrong = []
    for module, name in names:
        found = validate(f"{module}.{name}")
        assert found["docstring"], name
        if re.search(r"^ *Parameters\n *---", found["docstring"], re.M):
            wrong += [f"{name}: {code} {words}" for code, words in found["errors"] if code in ("PR01", "PR02")]
    assert not wrong, "\n".join(wrong)


def not_told(x, y):
    """A sum.

    Parameters
    ----------
    x : int
    z : int
    """


@pytest.mark.parametrize("code", ["PR01", "PR02"])
def test_the_validation_sees_what_it_is_for(code):
    assert code in [c for c, _ in validate(f"{__name__}.not_told")["errors"]]
