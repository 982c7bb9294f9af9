"""neuraxis: from brain and cord segmentations to atrophy subtypes and stages, and what they mean clinically."""

from snakemake.utils import min_version

min_version("9.25")


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/cohort.smk"
include: "rules/features.smk"
include: "rules/normative.smk"
include: "rules/sustain.smk"
include: "rules/clinical.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/checks.smk"


rule all:
    """Everything, ending in results/report/index.html."""
    default_target: True
    input:
        "results/report/index.html",
        "results/provenance.json",
        "results/checks.tsv",
        "results/checks_page.tsv",
