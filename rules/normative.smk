"""normative: from measures to z-scores against controls. Out: results/normative/zscores.tsv, norms.json,
covariance.tsv, diagnostics.tsv."""


rule normative_zscores:
    """Fit norms on controls; z of everyone, controls out of sample."""
    input:
        participants="results/cohort/participants.tsv",
        measures="results/features/measures.tsv",
        followup="results/features/followup.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
    output:
        zscores="results/normative/zscores.tsv",
        values="results/normative/values.tsv",
        followup="results/normative/followup.tsv",
        norms="results/normative/norms.json",
        diagnostics="results/normative/diagnostics.tsv",
        covariance="results/normative/covariance.tsv",
        dropped="results/normative/dropped.tsv",
    log:
        "logs/normative/zscores.log",
    benchmark:
        "benchmarks/runs/normative/zscores.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1500),
        runtime="30m",
    params:
        engine=sources("normative_zscores"),
        settings=lookup("normative", within=config),
        control=lookup("cohort/control", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/normative_zscores.py"
