"""Which modules stand behind a script, and what of them can change a result: code, not comments, docstrings or layout."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

#: Whatever can hold a docstring.
TOLD = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def _read(path: Path, package: Path) -> tuple[str, frozenset[Path]]:
    """Hash of a file's code, and the files of the package that it imports itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, TOLD) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.ImportFrom):
            found |= _files(node, path, package)
        elif isinstance(node, ast.Import):
            for name in node.names:
                found |= _files(ast.ImportFrom(name.name, [ast.alias("*")], 0), path, package)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), frozenset(found)


def _files(node: ast.ImportFrom, path: Path, package: Path) -> set[Path]:
    """Files of the package that one statement imports."""
    if node.level:
        base = path.parents[node.level - 1]
    elif (node.module or "").split(".")[0] == package.name:
        base = package.parent
    else:
        return set()
    base = base.joinpath(*(node.module or "").split("."))
    out = set()
    for name in node.names:
        # a module of that name, or else whatever the module or package above defines
        places = (base / f"{name.name}.py", base / name.name / "__init__.py", base.with_suffix(".py"))
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

    A module that the script does not come to, a comment, a docstring or another layout leave it as it is; so does the
    folder that the package is in.

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
