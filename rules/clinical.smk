"""clinical: what subtypes and stages mean. Out: results/clinical/."""


rule clinical_columns:
    """Refuse outcomes that the people's table cannot serve, before anything is measured; count who has the values."""
    input:
        participants="results/cohort/participants.tsv",
    output:
        columns="results/clinical/columns.tsv",
    log:
        "logs/clinical/columns.log",
    benchmark:
        "benchmarks/runs/clinical/columns.tsv"
    priority: 50
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(500),
        runtime="10m",
    params:
        engine=sources("clinical_columns"),
        control=lookup("cohort/control", within=config),
        outcomes=lookup("clinical/outcomes", within=config),
        treatment=lookup("clinical/treatment", within=config),
    script:
        "../workflow/scripts/clinical_columns.py"


rule clinical_associations:
    """Outcomes on subtype and stage with their uncertainty, survival, follow-up, Table 1."""
    input:
        columns="results/clinical/columns.tsv",
        participants="results/cohort/participants.tsv",
        visits="results/cohort/visits.tsv",
        relapses="results/cohort/relapses.tsv",
        zscores="results/normative/zscores.tsv",
        zscores_followup="results/normative/followup.tsv",
        measures="results/features/measures.tsv",
        qc="results/features/qc.tsv",
        subtypes="results/sustain/{disease}/subtypes.tsv",
        followup="results/sustain/{disease}/followup.tsv",
        names="results/sustain/{disease}/names.tsv",
        refitted=branch(
            config["sustain"]["leave_site_out"],
            then="results/sustain/{disease}/site_labels.tsv",
            otherwise=[],
        ),
        biomarkers=lookup("features/biomarkers", within=config),
        reported=shipped("resources/reported.tsv"),
    output:
        **{name: f"results/clinical/{{disease}}/{name}.tsv" for name in CLINICAL_TABLES},
    log:
        "logs/clinical/{disease}.log",
    benchmark:
        "benchmarks/runs/clinical/{disease}.tsv"
    priority: 15
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1000),
        runtime="60m",
    params:
        engine=sources("clinical_associations"),
        control=lookup("cohort/control", within=config),
        outcomes=lookup("clinical/outcomes", within=config),
        worsening=lookup("clinical/worsening", within=config),
        n_draws=lookup("clinical/n_draws", within=config),
        treatment=lookup("clinical/treatment", within=config),
        trial=lookup("clinical/trial", within=config),
        predicted=lookup("clinical/prediction", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/clinical_associations.py"


if SIMULATED:

    rule clinical_recovery:
        """Clinical effects planted in the simulated people beside those found."""
        input:
            participants="results/cohort/participants.tsv",
            visits="results/cohort/visits.tsv",
            relapses="results/cohort/relapses.tsv",
            truth="results/cohort/simulated/SIMULATED_truth.tsv",
            subtypes="results/sustain/{disease}/subtypes.tsv",
            names="results/sustain/{disease}/names.tsv",
        output:
            planted="results/clinical/{disease}/planted.tsv",
        log:
            "logs/clinical/{disease}_recovery.log",
        benchmark:
            "benchmarks/runs/clinical/{disease}_recovery.tsv"
        conda:
            "../envs/neuraxis.yaml"
        resources:
            mem_mb=memory(1000),
            runtime="20m",
        params:
            engine=sources("clinical_recovery"),
            control=lookup("cohort/control", within=config),
            outcomes=lookup("clinical/outcomes", within=config),
            worsening=lookup("clinical/worsening", within=config),
            true_names=TRUE_NAMES,
        script:
            "../workflow/scripts/clinical_recovery.py"
