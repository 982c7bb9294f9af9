"""Which modules stand behind a script, and what of them can change a result: code, not comments, docstrings or layout."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from types import CodeType

#: ``from ..a import b, c`` and ``import neuraxis.a``, in one line or in parentheses.
FROM = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)", re.M)
PLAIN = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.M)


@cache
def _read(path: Path, package: Path) -> tuple[str, frozenset[Path]]:
    """Hash of a file's code, and the files of the package that it imports itself."""
    text = path.read_text(encoding="utf-8")
    # as the compiler sees it (a syntax tree that is walked takes three times as long); optimize: without docstrings
    code = compile(text, "", "exec", dont_inherit=True, optimize=2)
    found = set()
    for dots, module, names in FROM.findall(text):
        wanted = [n.split()[0] for n in re.sub(r"#.*", "", names).strip("() \t\n").split(",") if n.strip()]
        found |= _files(len(dots), module, wanted, path, package)
    for names in PLAIN.findall(text):
        for name in names.split(","):
            found |= _files(0, name.split()[0] if name.strip() else "", ["*"], path, package)
    return hashlib.sha256(repr(_essence(code)).encode()).hexdigest(), frozenset(found)


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


def _files(level: int, module: str, names, path: Path, package: Path) -> set[Path]:
    """Files of the package that one statement imports."""
    if level:
        base = path.parents[level - 1]
    elif module.split(".")[0] == package.name:
        base = package.parent
    else:
        return set()
    base = base.joinpath(*module.split(".")) if module else base
    out = set()
    for name in names:
        # a module of that name, or else whatever the module or package above defines
        places = (base / f"{name}.py", base / name / "__init__.py", base.with_suffix(".py"))
        out.add(next((p for p in places if p.is_file()), base / "__init__.py"))
    return {p for p in out if p.is_file()}


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
    new = set(_read(Path(script), package)[1])
    while new:
        known |= new
        new = {p for file in new for p in _read(file, package)[1]} - known
    return sorted(known)


def code_behind(script, package) -> str:
    """Fingerprint of the code of all modules of the package behind a script.

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
    files = modules_behind(script, package)
    told = [f"{file.relative_to(package).as_posix()} {_read(file, package)[0]}" for file in files]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
