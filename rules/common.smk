"""Validation of the configuration, wildcards, and input functions."""

import os
import re
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import validate

from neuraxis.biomarkers import map_templates
from neuraxis.checks import (
    check_config,
    check_python,
    check_shape,
    expand_home,
    joined_tables,
    read_config,
)
from neuraxis.cohort.templates import by_key
from neuraxis.errors import NeuraxisError
from neuraxis.features.extract import fingerprint, there
from neuraxis.figures.declared import OF_CONTROLS, OF_DISEASE, OF_DISEASES, WHO
from neuraxis.figures.declared import names as names_of_figures
from neuraxis.figures.declared import tables_of
from neuraxis.home import complete, package_folder, shown, workflow_home
from neuraxis.labels import SYSTEMS as TRUE_NAMES
from neuraxis.runs import claim, say_plainly
from neuraxis.sources import code_behind

# The study is where Snakemake runs (--directory); the workflow's files are here, or in the installed package where
# this file was fetched from elsewhere (module: snakefile: github(...)).
HOME = workflow_home(
    Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
)
PACKAGE = package_folder(HOME)
SCHEMA = yaml.safe_load(
    Path(HOME, "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8")
)
# for envs/neuraxis.post-deploy.sh, which Snakemake copies elsewhere
os.environ.update(NEURAXIS_HOME=str(HOME), NEURAXIS_PACKAGE=str(PACKAGE.absolute()))
logger.addFilter(say_plainly)
try:
    for given in workflow.config_settings.configfiles:
        read_config(given)  # Snakemake takes the last of a key given twice in silence
    config = complete(config, HOME, own_file=workflow.modifier.is_main_snakefile())
    check_shape(config, SCHEMA)
    validate(config, "../workflow/schemas/config.schema.yaml")  # fills the defaults in
    expand_home(config)
    check_config(config, SCHEMA)
    if "conda" not in map(
        str, workflow.deployment_settings.deployment_method
    ):  # whose jobs have a Python of their own
        check_python(sys.executable)
    if workflow.is_main_process and (words := claim()):  # jobs read this file too
        logger.warning(words)
except NeuraxisError as error:
    raise WorkflowError(str(error)) from None

SIMULATED = config["cohort"]["source"] == "simulated"
DISEASES = config["cohort"]["diseases"]
BATCHES = list(range(config["features"]["batches"]))
CLINICAL_TABLES = [
    "maps",
    "associations",
    "nested",
    "sensitivity",
    "nuisance",
    "worsening",
    "stage_curves",
    "survival",
    "logrank",
    "treatment",
    "treatment_survival",
    "treatment_logrank",
    "prediction",
    "trial",
    "reported",
    "scans",
    "transitions",
    "reversals",
    "slopes",
    "changes",
    "table1",
    "table1_groups",
    "table1_included",
]
KS = list(range(1, config["sustain"]["max_subtypes"] + 1))
# MCMC steps of every model but the reported one
SHORT_CHAINS = config["sustain"]["n_samples_folds"] or config["sustain"]["n_samples"]
PARTS = ["full"] + [f"fold{i}" for i in range(config["sustain"]["folds"])]
MEASURED = {
    "images": expand(
        "results/features/batches/{batch}_measures.tsv", batch=[*BATCHES, "retried"]
    ),
    "table": config["features"]["table"],
    "volume_tables": config["features"]["volume_tables"],
}[config["features"]["source"]]
HEAD_SIZE = (
    (
        "results/cohort/simulated/SIMULATED_etiv.tsv"
        if config["cohort"]["written_as"] == "images"
        else []
    )
    if SIMULATED
    else config["features"]["etiv"] or []
)
IMAGES = (
    fingerprint(
        [config["features"][k] for k in ("labels", "cord_mask", "cord_levels_image")],
        map_templates(config["features"]["biomarkers"]),
        len(BATCHES),
        config["cohort"]["participants"],
    )
    if config["features"]["source"] == "images" and not SIMULATED
    else []
)
JOINED = {} if SIMULATED else joined_tables(config)


wildcard_constraints:
    disease="|".join(map(re.escape, DISEASES)) or "none",
    variant="(smooth|dirichlet|uniform)-(controls|adapted|independent|learnt)",
    part="full|fold[0-9]+",
    k="[0-9]+",
    batch="[0-9]+",


def memory(mb):
    """MB of memory that a job asks for, doubled whenever it is tried again (retries: of a profile): out of memory or not, it may help."""
    return lambda wildcards, attempt: mb * 2 ** (attempt - 1)


def chain_threads(wildcards):
    """A core for every chain; locally at most half of the cores: a job that waits for all of them leaves others idle."""
    chains, cores = config["sustain"]["n_chains"], workflow.resource_settings.cores
    # a submission and the job in it must say the same, or the cluster refuses the job its cores: --cores is that of both
    submitted = workflow.remote_exec or workflow.non_local_exec
    return max(min(chains, (cores or chains) // (1 if submitted else 2)), 1)


def shipped(path):
    """A file of the workflow, wherever the study is."""
    return shown(path, HOME)


def sources(script):
    """Fingerprint of the package's code behind a script: an edit that can change results reruns the rules that use it."""
    return code_behind(shipped(f"workflow/scripts/{script}.py"), PACKAGE)


def people_table(name):
    """The simulated cohort's table of this name, or the user's, or nothing."""
    if SIMULATED:
        return f"results/cohort/simulated/SIMULATED_{name}.tsv"
    return config["cohort"][name] or []


def given_tables():
    """Every table that the results were made from: the user's, or the simulated cohort's, and the definitions."""
    cohort, features = config["cohort"], config["features"]
    tables = [
        people_table(name)
        for name in ("participants", "sessions", "visits", "relapses")
    ]
    tables += [*cohort["phenotype"], HEAD_SIZE, features["sct"], features["qc_scores"]]
    tables += {
        "images": [],
        "table": [features["table"]],
        "volume_tables": features["volume_tables"],
    }[features["source"]]
    tables += [features["biomarkers"], shipped("resources/labels.tsv")]
    return [table for table in tables if table]


def segmentations(wildcards):
    """Path template of the user's segmentations, or cords (a function, so that its braces stay)."""
    features = config["features"]
    images = features["source"] == "images" and not SIMULATED
    return (features["labels"] or features["cord_mask"]) if images else ""


def image_templates(wildcards):
    """Path templates of segmentation, cord mask and cord levels; a function for the same reason."""
    features = config["features"]
    return [features[k] for k in ("labels", "cord_mask", "cord_levels_image")]


def all_templates(wildcards):
    """Path templates of all images by their keys; none where people are not measured from images of one's own."""
    features = config["features"]
    own = features["source"] == "images" and not SIMULATED
    maps = map_templates(features["biomarkers"], features["use"]) if own else []
    return by_key(features, maps) if own else {}


def folds_of_part(wildcards):
    """The division into folds, which the model of everyone does not depend on."""
    return (
        []
        if wildcards.part == "full"
        else f"results/sustain/{wildcards.disease}/folds.tsv"
    )


def variant_prior(wildcards):
    """Stage prior of a variant."""
    return wildcards.variant.split("-")[0]


def variant_noise(wildcards):
    """Noise of a variant."""
    return wildcards.variant.split("-")[1]


def drawn(figures, folder, category):
    """Outputs of figures by name, for Snakemake's report too."""
    return {
        f.name: report(
            f"{folder}/{f.name}.png",
            caption="../workflow/report/figure.rst",
            category=category,
            labels={"figure": f.title},
        )
        for f in figures
    }
