"""Which modules stand behind a script, and what of them can change a result: code, not comments, docstrings or layout."""

from __future__ import annotations

import ast
import hashlib
import re
from functools import cache
from pathlib import Path
from types import CodeType

FACE = "__init__.py"
#: ``from ..a import b, c`` and ``import neuraxis.a``, in one line or in parentheses.
FROM = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)", re.M)
PLAIN = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.M)
#: What a face fetches by itself when it is asked for a name that it does not hold.
FETCHED = re.compile(r"""import_module\(\s*["']([\w.]+)["']""")
#: A module whose classes note who inherits from them hangs on all that its package imports.
NOTES_HEIRS = re.compile(r"__init_subclass__|__subclasses__")


@cache
def _read(path: Path, package: Path) -> tuple[str, frozenset[tuple[Path, str]]]:
    """Hash of a file's code, and the files of the package that it imports itself, each with a name that it wants of it."""
    text = path.read_text(encoding="utf-8")
    # as the compiler sees it (a syntax tree that is walked takes three times as long); optimize: without docstrings
    code = compile(text, "", "exec", dont_inherit=True, optimize=2)
    found: set[tuple[Path, str]] = set()
    for dots, module, names in FROM.findall(text):
        wanted = [n.split()[0] for n in re.sub(r"#.*", "", names).strip("() \t\n").split(",") if n.strip()]
        found |= _places(len(dots), module, wanted, path, package)
    for names in PLAIN.findall(text):
        for name, *renamed in (n.split() for n in names.split(",") if n.strip()):
            # without a name of its own it gives the packages above too, and whatever they hold
            above = [] if renamed else [name.rsplit(".", k)[0] for k in range(1, name.count(".") + 1)]
            for module in (name, *above):
                found |= _places(0, module, ["*"], path, package)
    if path.name == FACE:
        for module in FETCHED.findall(text):
            found |= _places(0, module, ["*"], path, package)
    elif NOTES_HEIRS.search(text) and path.is_relative_to(package):
        found.add((path.with_name(FACE), "*"))
    found = {(p, name) for p, name in found if p.is_file()}
    return hashlib.sha256(repr(_essence(code)).encode()).hexdigest(), frozenset(found)


@cache
def _names_of(face: Path) -> dict[str, tuple[int, str, str] | None] | None:
    """Where a package's ``__init__`` has each of its names from: dots, module, name there; None: it makes the name itself.

    None altogether where it does more than hold names.
    """
    made: list[str] = []
    passed: dict[str, tuple[int, str, str]] = {}
    for node in ast.parse(face.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and all(n.name != "*" for n in node.names):
            passed |= {n.asname or n.name: (node.level, node.module or "", n.name) for n in node.names}
            made += [n.asname or n.name for n in node.names]
        elif isinstance(node, ast.Import):
            made += [n.asname or n.name.split(".")[0] for n in node.names]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list:
            made.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not any(isinstance(n, ast.Call) for n in ast.walk(node)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if not all(isinstance(t, ast.Name) for t in targets):
                return None
            made += [t.id for t in targets if isinstance(t, ast.Name)]
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return None
    return {name: passed.get(name) if made.count(name) == 1 else None for name in made}


def _essence(code):
    """What a code object does: all of it but the places of its lines in the file."""
    if isinstance(code, CodeType):
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        how = (code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
        return code.co_code, code.co_exceptiontable, names, how, [_essence(c) for c in code.co_consts]
    if isinstance(code, tuple):
        return [_essence(c) for c in code]
    # a set's order is another in every process
    return sorted(map(repr, code)) if isinstance(code, frozenset) else (type(code).__name__, repr(code))


def _places(level: int, module: str, names, path: Path, package: Path) -> set[tuple[Path, str]]:
    """Files of the package that one statement imports, each with the name that is asked of it.

    A name that a package's ``__init__`` only passes on is looked for where it comes from; an ``__init__`` that does more, or
    does not say where a name is from, stands with all that it imports.
    """
    if level:
        base = path.parents[level - 1]
    elif module.split(".")[0] == package.name:
        base = package.parent
    else:
        return set()
    base = base.joinpath(*module.split(".")) if module else base
    out = set()
    for folder in (base, *base.parents):
        # what a package above does when it is run is done for all modules in it
        if folder.is_relative_to(package) and (folder / FACE).is_file() and _names_of(folder / FACE) is None:
            out.add((folder / FACE, "*"))
    face = base / FACE
    held = (_names_of(face) or {}) if face.is_file() and face != path else {}
    for name in names:
        # a module of that name, or else whatever the module or package above defines
        modules = (base / f"{name}.py", base / name / FACE, *(() if name in held else (base.with_suffix(".py"),)))
        found = {(p, name) for p in modules if p.is_file()}
        if place := held.get(name):
            found |= _places(*place[:2], [place[2]], face, package)
        # the face itself: it makes the name, has it from another package, or does not say
        out |= found if found and (name not in held or place) else found | {(face, name)}
    return out


def modules_behind(script, package) -> list[Path]:
    """Files of the package behind a script, through all imports.

    Parameters
    ----------
    script, package : path
        The script; the folder of the package.

    Returns
    -------
    list of Path
        Sorted.
    """
    package = Path(package)
    known: set[Path] = set()
    new = {p for p, _ in _read(Path(script), package)[1]}
    while new:
        known |= new
        new = {p for file in new for p, _ in _read(file, package)[1]} - known
    return sorted(known)


def code_behind(script, package) -> str:
    """Fingerprint of the code of all modules of the package behind a script.

    A name that a package's ``__init__`` passes on counts with the module that defines it, not with all that ``__init__`` imports.
    A module that the script does not come to, a comment, other words of a docstring or another layout leave it as it is; so
    does the folder that the package is in. Another version of Python makes another one, as its compiler does.

    Parameters
    ----------
    script, package : path
        The script; the folder of the package.

    Returns
    -------
    str
        Hexadecimal digits.

    Examples
    --------
    >>> from neuraxis.home import PACKAGE, workflow_home
    >>> script = workflow_home() / "workflow/scripts/report_provenance.py"
    >>> code_behind(script, PACKAGE) == code_behind(script, PACKAGE)
    True
    """
    package = Path(package)

    def wanted(file: Path) -> str:
        """Where a file finds what it imports: of names that a face passes on its own code does not say it."""
        return " ".join(sorted(f"{p.relative_to(package).as_posix()}:{name}" for p, name in _read(file, package)[1]))

    files = modules_behind(script, package)
    told = [f"{file.relative_to(package).as_posix()} {_read(file, package)[0]} {wanted(file)}" for file in files]
    return hashlib.sha256("\n".join([wanted(Path(script)), *told]).encode()).hexdigest()[:16]
