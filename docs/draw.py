"""Redraw what the docs show: the graphs in workflow.md from the workflow, the README's picture from results/.

make docs
"""

import re
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/workflow.md"
PICTURE = ROOT / "docs/picture.png"
DRAWN = ROOT / "results/figures/MS/brain_mean_z.png"
#: The smallest study with every kind of job: one disease, one batch of images.
SMALLEST = "cohort: {diseases: [MS]}\nfeatures: {batches: 1}\n"


def graph(kind: str, overlay: str = "", root: Path = ROOT) -> str:
    """The workflow as Snakemake draws it, `kind` rulegraph or dag, in Mermaid's words.

    Colours are left out, and so are arrows that a chain of others implies.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as more:
        more.write(overlay or "{}")
        more.flush()
        command = ["snakemake", "-n", f"--{kind}", "mermaid-js", "--forceall"]
        command += ["--configfile", str(root / "config/quick.yaml"), more.name]
        out = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    names = dict(re.findall(r"(id\d+)\[(.+)\]", out))
    after: dict[str, set] = {name: set() for name in names}
    for a, b in re.findall(r"(id\d+) --> (id\d+)", out):
        after[a].add(b)

    def reached(a: str) -> set:
        return after[a].union(*map(reached, after[a]))

    arrows = [(a, b) for a in after for b in after[a] if not any(b in reached(c) for c in after[a])]
    if kind == "rulegraph":
        lines = sorted(f"    {names[a]} --> {names[b]}" for a, b in arrows)
    else:
        number = {a: f"j{i}" for i, a in enumerate(sorted(names, key=lambda a: (names[a], int(a[2:]))))}
        lines = sorted(
            (f'    {n}["{names[a]}"]' for a, n in number.items()), key=lambda line: int(re.search(r"\d+", line)[0])
        )
        lines += sorted(f"    {number[a]} --> {number[b]}" for a, b in arrows)
    return "\n".join(["```mermaid", "flowchart TB", *lines, "```"])


def graphs(root: Path = ROOT) -> list[str]:
    """What workflow.md shows, in its order."""
    return [graph("rulegraph", root=root), graph("dag", SMALLEST, root)]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    new = iter(graphs())
    PAGE.write_text(re.sub(r"```mermaid\n.*?\n```", lambda _: next(new), text, flags=re.DOTALL), encoding="utf-8")
    if DRAWN.exists():
        image = Image.open(DRAWN).convert("RGB")
        image.thumbnail((900, 900))
        image.quantize(256, Image.Quantize.MAXCOVERAGE).save(PICTURE, optimize=True)
    else:
        print(f"{DRAWN.relative_to(ROOT)} is not there (make run): the README's picture stays as it is")
