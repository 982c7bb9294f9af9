"""Docstrings of what is public: parameters, what is returned and raised, an example; all of it, and nothing else."""

import ast
import importlib
import inspect
import re
import textwrap

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate
from test_examples import WITHOUT, public


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


def methods_of(cls):
    """Public methods and properties of a class and its bases here, by name: what is called, and where it is said first."""
    found = {}
    for base in cls.__mro__:
        if base.__module__.startswith("neuraxis."):
            for name, thing in vars(base).items():
                if name[0] != "_" and (callable(thing) or isinstance(thing, classmethod | staticmethod | property)):
                    found.setdefault(name, []).append(getattr(thing, "__func__", thing))
    return found


def told(docstring, section):
    """Names of a section of parameters."""
    rows = NumpyDocString(textwrap.dedent(docstring))[section]
    return {n.strip().lstrip("*") for row in rows for n in row.name.split(",")}


def own(function):
    """Nodes of a function's code, without those of functions within it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    stack = list(tree.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            stack += ast.iter_child_nodes(node)


def lacks_of(function, around=""):
    """What a function's docstring does not say; `around`: examples of its class."""
    doc = inspect.cleandoc(function.__doc__ or "")
    if not doc:
        return ["words"]
    wanted = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
    lacks = [f"parameter {p}" for p in wanted if p not in told(doc, "Parameters")]
    nodes = list(own(function))
    returns = any(isinstance(n, ast.Return) and n.value is not None for n in nodes)
    if (returns or inspect.signature(function).return_annotation not in ("None", inspect.Signature.empty)) and not (
        "\nReturns\n---" in doc or "\nYields\n---" in doc
    ):
        lacks.append("Returns")
    raised = {ast.unparse(n.exc).split("(")[0] for n in nodes if isinstance(n, ast.Raise) and n.exc is not None}
    raised = {r for r in raised if r.endswith("Error")} - {"NotImplementedError"}
    lacks += [f"raises {r}" for r in sorted(raised) if not re.search(rf"\nRaises\n---[\s\S]*\b{r}\b", doc)]
    if ">>> " not in doc and f".{function.__name__}(" not in around:
        lacks.append("an example")
    return lacks


def test_whatever_is_public_is_told_in_full():
    wrong, seen = [], 0
    for name, thing in public().items():
        if not isinstance(thing, type):
            seen += 1
            lacks = lacks_of(thing)
            wrong += [f"{name}: {w}" for w in lacks if not (name in WITHOUT and w == "an example")]
            continue
        doc = inspect.cleandoc(thing.__doc__ or "")
        known = told(doc, "Parameters") | told(doc, "Attributes")
        wanted = [p for p in inspect.signature(thing).parameters if p not in known]
        # a class of classes that each take what the first one does
        inherited = any(b.__init__ is thing.__init__ and b is not thing for b in thing.__mro__)
        wrong += [f"{name}: parameter {p}" for p in wanted if not inherited]
        examples = "\n".join(
            line for b in thing.__mro__ for line in (b.__doc__ or "").splitlines() if re.match(r" *(>>>|\.\.\.) ", line)
        )
        for method, versions in methods_of(thing).items():
            seen += 1
            if isinstance(versions[0], property):
                wrong += [] if versions[0].fget.__doc__ else [f"{name}.{method}: words"]
                continue
            # one that stands for another of a class before says what is its own, the other says the rest
            fewest = min((lacks_of(v, examples) for v in versions if not isinstance(v, property)), key=len)
            wrong += [f"{name}.{method}: {w}" for w in fewest]
    assert seen > 200
    assert not wrong, "\n".join(wrong)


def half_told(x, y):
    """A quotient.

    Parameters
    ----------
    x : int
    """
    if not y:
        raise ValueError("y is 0")
    return x / y


def test_what_is_not_told_is_seen():
    assert lacks_of(half_told) == ["parameter y", "Returns", "raises ValueError", "an example"]
    assert lacks_of(half_told, "a.half_told(1, 2)")[-1] == "raises ValueError"
