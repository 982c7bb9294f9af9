"""The command `neuraxis`: init, run, stage, export, doctor. Thin: every command calls one function of the package."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from . import __version__
from .errors import ConfigError, NeuraxisError
from .storage import REASONS, closed_cache, explain, own_folder

#: What the commands end with: 0 done, 1 refused in words, 2 a wrong call (click's own), else Snakemake's.
REFUSED = 1
STUDY = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Commands(click.Group):
    """Commands whose refusals are one message and exit code 1, without a traceback."""

    def invoke(self, ctx) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except NeuraxisError as error:
            words = str(error)
        except BrokenPipeError:
            raise  # whoever read the output has seen enough: click ends in silence
        except OSError as error:
            if error.errno not in REASONS:
                raise
            words = explain(error)
        except MemoryError:
            words = "this needs more memory than there is; close programs, or raise the limit (ulimit -v)"
        click.echo(f"neuraxis: {words}", err=True)
        return ctx.exit(REFUSED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="neuraxis")
def main() -> None:
    """Atrophy subtypes and stages of brain and spinal cord, from segmentations to report.

    \b
    neuraxis init mystudy --data /data/study     a configuration for what is there
    cd mystudy && neuraxis run                   from images to results/report/index.html
    neuraxis stage --study . --freesurfer /data/fs/sub-07 --age 41 --sex F --site A
    """


@main.command()
@click.argument("study", type=STUDY)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder to look at: FreeSurfer or FastSurfer results, SynthSeg and SCT tables, participants.tsv.",
)
def init(study: Path, data: Path | None) -> None:
    """Write a new STUDY folder: configuration, a template for the table of people, README.

    \b
    neuraxis init mystudy                        a small simulated study, to see what comes out
    neuraxis init mystudy --data /data/bids      proposes paths, groups, sites and outcomes
    """
    from .newstudy import make_study

    for line in make_study(study, data):
        click.echo(f"- {line}")
    click.echo(f'Written to {study}. Look at config.yaml there, then: cd "{study}" && neuraxis run')


def study_here(study: Path | None) -> Path:
    """The study that is meant: the one given, this folder, or the only one in it.

    Raises
    ------
    ConfigError
        There is none, or several.
    """
    here = study or Path.cwd()
    if (here / "config.yaml").is_file():
        return here
    if study is None:
        below = sorted(p.parent for p in here.glob("*/config.yaml"))
        if len(below) == 1:
            click.echo(f"Study: {below[0].name}, the only one in this folder", err=True)
            return below[0]
        if below:
            names = ", ".join(p.name for p in below)
            raise ConfigError(f"several studies are here ({names}); cd into one, or --study NAME")
    raise ConfigError(f"{here} holds no config.yaml: neuraxis init FOLDER writes a study")


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option("--study", type=STUDY, help="Folder of the study; else the one this is called in.")
@click.option("--preset", type=click.Choice(["quick", "study"]), help="quick: a minute's look; study: as published.")
@click.argument("snakemake_arguments", nargs=-1, type=click.UNPROCESSED)
def run(study: Path | None, preset: str | None, snakemake_arguments: tuple[str, ...]) -> None:
    """Run the study with Snakemake, on all cores unless told otherwise; its arguments are handed on.

    \b
    neuraxis run                                 everything, ending in results/report/index.html
    neuraxis run -n                              what would run
    neuraxis run --cores 4 --until normative_zscores
    neuraxis run --workflow-profile slurm        on a cluster (a profile's folder)
    """
    # a configuration that is given in the call may stand anywhere
    told = any(a.startswith(("--configfile", "--config")) for a in snakemake_arguments)
    folder = study if study is not None and study.is_dir() and told else study_here(study)
    command = snakemake_command(folder, snakemake_arguments, preset)
    if place := closed_cache():
        os.environ["XDG_CACHE_HOME"] = str(own_folder("cache"))
        click.echo(
            f"neuraxis: {place} cannot be written: {os.environ['XDG_CACHE_HOME']} takes its place, and what is compiled there is compiled "
            "again when that is emptied; set XDG_CACHE_HOME to a folder that stays",
            err=True,
        )
    # Snakemake takes the place of this process: whoever ends the one ends the other, whatever the signal
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)


def snakemake_command(study: Path, arguments, preset: str | None = None) -> list[str]:
    """Snakemake's call for a study: the workflow's Snakefile in the study's folder.

    Examples
    --------
    >>> snakemake_command(Path("mine"), ["-n"])[3:]  # doctest: +ELLIPSIS
    ['--snakefile', '.../Snakefile', '--directory', 'mine', '--cores', 'all', '-n']
    """
    from .home import workflow_home

    home = workflow_home()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(home / "Snakefile"), "--directory", str(study)]
    if not any(re.fullmatch(COUNTS, a) for a in arguments):
        command += ["--cores", "all"]
    command += list(arguments)
    if preset:
        command += ["--configfile", str(home / f"config/{preset}.yaml")]
    return command


#: Arguments by which Snakemake is told how many jobs may run.
COUNTS = re.compile(r"(--(cores|jobs|workflow-profile|profile|executor)(=.*)?|-[cje]\S*)")


@main.command()
@click.option("--study", type=STUDY, help="A finished study's folder.")
@click.option("--model", type=FILE, help="A model file (neuraxis export).")
@click.option("--freesurfer", help="The person's folder of FreeSurfer, FastSurfer or SAMSEG results.")
@click.option("--labels", help="A label volume (SynthSeg, aparc+aseg).")
@click.option("--table", type=FILE, help="Table of measures, or as SynthSeg and asegstats2table write them.")
@click.option("--sct", type=FILE, help="CSV of sct_process_segmentation.")
@click.option("--cord-mask", help="Mask of the cord, with --cord-levels.")
@click.option("--cord-levels", help="Vertebral levels on the mask's grid.")
@click.option("--qc-scores", type=FILE, help="SynthSeg's --qc table.")
@click.option("--etiv", type=float, help="Head size in mm3, where the files lack it.")
@click.option("--id", "participant_id", help="The person; else as the files say.")
@click.option("--age", type=float, help="Years, at the scan.")
@click.option("--sex", help="F or M.")
@click.option("--site", help="Where the person was scanned, as the study calls it.")
@click.option(
    "--people",
    type=FILE,
    help="Several people: table of participant_id, age, sex, site; paths then hold {participant_id}.",
)
@click.option("--disease", help="Of a model of several diseases; all of them otherwise.")
@click.option("--override", is_flag=True, help="Place people whom the study would have left out; their pages say so.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("new people"),
    show_default=True,
    help="Folder for people.tsv, zscores.tsv and a page per person.",
)
def stage(study: Path | None, model: Path | None, out: Path, **given) -> None:
    """Place one new person, or a table of them, under a study's model. Research use only.

    The study's readers, units, quality rules, norms, covariance and model hold. Whoever the study would have left out is
    refused with the reason (exit code 1).

    \b
    neuraxis stage --study . --freesurfer /data/fs/sub-07 --sct cord.csv --age 41 --sex F --site A
    neuraxis stage --model ms.neuraxis --table measures.tsv --people new.tsv
    """
    from .labels import NORMAL
    from .newpeople import open_model

    if (study is None) == (model is None):
        raise click.UsageError("give --study or --model")
    placed = open_model(study or model).stage(**given)
    shown = ["participant_id", "disease", "subtype", "name", "p_healthy", "stage", "stage_low", "stage_high"]
    if len(placed.table):
        told = placed.table[shown]
        told = told.assign(name=told["name"].mask(placed.table["normal_appearing"].astype(bool), NORMAL))
        click.echo(told.to_string(index=False, float_format="{:.2f}".format))
        written = placed.write(out)
        click.echo(f"Research use only. Written to {out}: {', '.join(p.name for p in written)}")
    for person, notes in placed.notes.items():
        for note in notes if person in placed.z.index else ():
            click.echo(f"note {person}: {note}", err=True)
    for person, reason in placed.refused.itertuples(index=False):
        click.echo(f"refused {person}: {reason}", err=True)
    if len(placed.refused):
        raise SystemExit(REFUSED)


@main.command()
@click.argument("study", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--disease", multiple=True, help="One of the study's diseases; all of them otherwise.")
def export(study: Path, model: Path, disease: tuple[str, ...]) -> None:
    """Write the model of STUDY into one open file MODEL that holds no person and no code.

    \b
    neuraxis export . ms.neuraxis
    neuraxis stage --model ms.neuraxis --table measures.tsv --age 41 --sex F --site A
    """
    from .newpeople.shared import export as write

    found = write(study, model, disease or None)
    click.echo(f"{found}\nWritten to {model} and read back.")


@main.command()
@click.argument("study", required=False, type=click.Path(path_type=Path))
def doctor(study: Path | None) -> None:
    """Look for what would end a run before it begins: installation, machine, and the STUDY (or an overlay) if there is one.

    \b
    neuraxis doctor                              the study in this folder, or the only one in it
    neuraxis doctor mystudy
    """
    from .doctor import doctor as examine

    if study is None and not Path("config.yaml").is_file() and len(below := sorted(Path().glob("*/config.yaml"))) == 1:
        study = below[0].parent
    raise SystemExit(examine(None if study is None else study.absolute()))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the shell's completion script.

    \b
    neuraxis completion bash >> ~/.bashrc
    """
    environment = {**os.environ, "_NEURAXIS_COMPLETE": f"{shell}_source"}
    done = subprocess.run([sys.executable, "-m", "neuraxis"], env=environment, capture_output=True, text=True)
    click.echo(done.stdout)


if __name__ == "__main__":
    main()
