"""Numbers agree with what they count, wherever a sentence, a message, a page or a log counts something."""

import ast
import re
from pathlib import Path

import pytest

from neuraxis.errors import agreeing, counted

ROOT = Path(__file__).parents[1]
#: Nouns that sources count.
NOUNS = (
    "people persons patients segmentations processors volumes times points imputations checks pairs lists controls participants biomarkers regions measures subtypes stages events draws samples folds "
    "scans images sites values rows columns cells tables rules files folders jobs chains steps visits outcomes diseases "
    "groups cohorts starts sessions parameters terms names sets orders findings problems notes slices cases models "
    "thresholds repeats relapses cores tests contrasts comparisons lines labels others keys figures pictures pages ids years"
).split()
#: Words that may stand between a number and its noun.
BETWEEN = "(?:(?:healthy|staged|imputed|stored|later|treated|other|more|new|clinical|further|missing|biomarker|largest|start|tested|different) )*"
#: Numbers that are no counts, or that are never 1: ages, names of groups and families, phases of a progress bar.
OTHERS = {
    "age.max()", "high", "far", "who['age']", "scale", "voxels", "standing", "row.subtype", "disease", "self.family", "many",
    "k", "ratio", "f' of {n_sites}' if n < n_sites else ''",
}  # fmt: skip


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "0 healthy people are"),
        (1, "1 healthy person is"),
        (2, "2 healthy people are"),
        (1200, "1,200 healthy people are"),
    ],
)
def test_a_number_agrees_with_its_noun_and_verb(n, words):
    assert counted(n, "healthy person is", "healthy people are", ",") == words


def test_plurals_that_are_not_given():
    assert [counted(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert [counted(n, "staged person") for n in (1, 3)] == ["1 staged person", "3 staged people"]
    assert [agreeing(n, "is", "are") for n in (0, 1, 2)] == ["are", "is", "are"]


def plain_counts(text: str) -> list[str]:
    """Places of f-strings where a number stands before a plural noun, whatever the number is."""
    noun = re.compile(rf" {BETWEEN}(?:{'|'.join(NOUNS)})\b")
    found = []
    for node in ast.walk(ast.parse(text)):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for number, after in zip(parts[:-1], parts[1:], strict=True):
            if isinstance(number, ast.FormattedValue) and isinstance(after, ast.Constant) and noun.match(after.value):
                what = ast.unparse(number.value)
                if what not in OTHERS and not what.isupper() and not what.startswith("counted("):
                    found.append(f"{number.lineno}: {{{what}}}{after.value[:40]}")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):  # of a log
            found += [f"{node.lineno}: %d{m[0]}" for m in re.finditer(r"(?<=%d)" + noun.pattern, node.value)]
    return found


def test_nothing_counts_by_hand():
    """Sources: every count of an f-string goes through `counted`; constants in capitals are more than one."""
    files = [f for folder in ("src", "workflow") for f in sorted((ROOT / folder).rglob("*.py"))]
    found = [f"{f.relative_to(ROOT)}:{hit}" for f in files for hit in plain_counts(f.read_text(encoding="utf-8"))]
    assert len(files) > 150 and not found, found


def test_a_count_by_hand_is_noticed():
    text = 'f"{n} people", f"{len(x)} healthy people are", f"{counted(n, \'person\')} here", f"{LEAST} people", f"{a} peoples", "%d starts"'
    assert plain_counts(text) == ["1: {n} people", "1: {len(x)} healthy people are", "1: %d starts"]


def test_nothing_builds_a_plural_by_hand():
    """An s behind a comparison with 1, in sources and pages."""
    by_hand = re.compile(r"""["'](e?s)?["'] (\* \(|if [\w.]+ [!=>]=? ['"]?1['"]? else ["'](e?s)?["'])""")
    files = [f for f in sorted((ROOT / "src").rglob("*")) if f.suffix in (".py", ".j2")]
    found = [f"{f.name}: {m[0]}" for f in files for m in by_hand.finditer(f.read_text(encoding="utf-8"))]
    assert len(files) > 150 and found == ['maps.py: "s" * ('], found  # of the other subtypes, which are not counted
    counts = re.compile(rf"\}}\}} {BETWEEN}(?:{'|'.join(NOUNS)})\b")
    pages = [f for f in files if f.suffix == ".j2"]
    told = [m[0] for f in pages for m in counts.finditer(f.read_text(encoding="utf-8"))]
    assert len(pages) >= 3 and set(told) <= {"}} years"}, told  # ages
