"""python -m neuraxis."""

from .cli import main

main(prog_name="neuraxis")
