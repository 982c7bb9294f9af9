"""clinical: what subtypes and stages mean. Out: results/clinical/{disease}/."""


rule clinical_associations:
    """Declared outcomes on subtype and stage, out-of-fold labels, with their uncertainty."""
    input:
        engine=room("clinical"),
        participants="results/cohort/participants.tsv",
        subtypes="results/sustain/{disease}/subtypes.tsv",
        names="results/sustain/{disease}/names.tsv",
    output:
        associations="results/clinical/{disease}/associations.tsv",
        table1="results/clinical/{disease}/table1.tsv",
    log:
        "logs/clinical/{disease}.log",
    benchmark:
        "benchmarks/runs/clinical/{disease}.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        outcomes=lookup("clinical/outcomes", within=config),
        n_draws=lookup("clinical/n_draws", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/clinical_associations.py"
