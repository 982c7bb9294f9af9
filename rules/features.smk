"""features: from segmentations to one table of measures. Out: results/features/measures.tsv, qc.tsv."""

if config["features"]["source"] == "images":

    rule features_extract:
        """Measure a batch of people; whoever cannot be measured is named and left out alone."""
        input:
            participants="results/cohort/participants.tsv",
            sessions="results/cohort/sessions.tsv",
            etiv=HEAD_SIZE,
            listed=people_table("participants"),
            biomarkers=lookup("features/biomarkers", within=config),
            label_names=shipped("resources/labels.tsv"),
            folder=branch(
                SIMULATED,
                then="results/cohort/simulated/SIMULATED_batch{batch}",
                otherwise=[],
            ),
        output:
            measures="results/features/batches/{batch}_measures.tsv",
            failures="results/features/batches/{batch}_failures.tsv",
            inputs="results/features/batches/{batch}_inputs.tsv",
        log:
            "logs/features/extract_{batch}.log",
        benchmark:
            "benchmarks/runs/features/extract_{batch}.tsv"
        conda:
            "../envs/neuraxis.yaml"
        resources:
            mem_mb=memory(1500),
            runtime="2h",
        params:
            engine=sources("features_extract"),
            n_batches=len(BATCHES),
            images=lambda wildcards: IMAGES[int(wildcards.batch)] if IMAGES else "",
            templates=image_templates,
            cord_levels=lookup("features/cord_levels", within=config),
            baseline_session=lookup("cohort/baseline_session", within=config),
        script:
            "../workflow/scripts/features_extract.py"

    rule features_retry:
        """Measure the scans that failed once more, alone; after mending files: --forcerun features_retry."""
        input:
            sessions="results/cohort/sessions.tsv",
            failures=expand(
                "results/features/batches/{batch}_failures.tsv", batch=BATCHES
            ),
            etiv=HEAD_SIZE,
            listed=people_table("participants"),
            biomarkers=lookup("features/biomarkers", within=config),
            label_names=shipped("resources/labels.tsv"),
            folders=branch(
                SIMULATED,
                then=expand(
                    "results/cohort/simulated/SIMULATED_batch{batch}", batch=BATCHES
                ),
                otherwise=[],
            ),
        output:
            measures="results/features/batches/retried_measures.tsv",
            failures="results/features/batches/retried_failures.tsv",
            inputs="results/features/batches/retried_inputs.tsv",
        log:
            "logs/features/retry.log",
        benchmark:
            "benchmarks/runs/features/retry.tsv"
        conda:
            "../envs/neuraxis.yaml"
        resources:
            mem_mb=memory(1500),
            runtime="2h",
        params:
            engine=sources("features_retry"),
            templates=image_templates,
            cord_levels=lookup("features/cord_levels", within=config),
            baseline_session=lookup("cohort/baseline_session", within=config),
        script:
            "../workflow/scripts/features_retry.py"


rule features_combine:
    """One table of measures, checked for units and quality."""
    input:
        participants="results/cohort/participants.tsv",
        listed=people_table("participants"),
        sessions="results/cohort/sessions.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
        label_names=shipped("resources/labels.tsv"),
        measures=MEASURED,
        failures=branch(
            config["features"]["source"] == "images",
            then=["results/features/batches/retried_failures.tsv"],
            otherwise=[],
        ),
        inputs=branch(
            config["features"]["source"] == "images",
            then=expand(
                "results/features/batches/{batch}_inputs.tsv",
                batch=[*BATCHES, "retried"],
            ),
            otherwise=[],
        ),
        sct=config["features"]["sct"] or [],
        etiv=HEAD_SIZE,
        qc_scores=config["features"]["qc_scores"] or [],
    output:
        measures="results/features/measures.tsv",
        followup="results/features/followup.tsv",
        failures="results/features/failures.tsv",
        inputs="results/features/inputs.tsv",
        qc="results/features/qc.tsv",
        flow="results/features/flow.tsv",
    log:
        "logs/features/combine.log",
    benchmark:
        "benchmarks/runs/features/combine.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1000),
        runtime="10m",
    params:
        engine=sources("features_combine"),
        source=lookup("features/source", within=config),
        cord_levels=lookup("features/cord_levels", within=config),
        sct_select=lookup("features/sct_select", within=config),
        sct_repeats=lookup("features/sct_repeats", within=config),
        use=lookup("features/use", within=config),
        exclude_rules=lookup("features/exclude_rules", within=config),
        outlier_limit=lookup("features/outlier_limit", within=config),
        qc_score_min=lookup("features/qc_score_min", within=config),
        baseline_session=lookup("cohort/baseline_session", within=config),
        simulated=SIMULATED,
    script:
        "../workflow/scripts/features_combine.py"
