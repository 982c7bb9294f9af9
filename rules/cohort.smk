"""cohort: who takes part. In: participants.tsv or nothing (simulated). Out: results/cohort/participants.tsv, flow.tsv."""

if SIMULATED:

    rule cohort_simulate:
        """Draw the simulated study cohort: people, measures to be written into images, truth."""
        input:
            orders=shipped("resources/event_order.tsv"),
            regional=shipped("resources/subtype_z.tsv"),
            correlation=shipped("resources/healthy_correlation.tsv"),
            site_sd=shipped("resources/healthy_site_sd.tsv"),
        output:
            participants="results/cohort/simulated/SIMULATED_participants.tsv",
            measures="results/cohort/simulated/SIMULATED_measures.tsv",
            truth="results/cohort/simulated/SIMULATED_truth.tsv",
            etiv="results/cohort/simulated/SIMULATED_etiv.tsv",
            sessions="results/cohort/simulated/SIMULATED_sessions.tsv",
            visits="results/cohort/simulated/SIMULATED_visits.tsv",
            relapses="results/cohort/simulated/SIMULATED_relapses.tsv",
        log:
            "logs/cohort/simulate.log",
        benchmark:
            "benchmarks/runs/cohort/simulate.tsv"
        conda:
            "../envs/neuraxis.yaml"
        resources:
            mem_mb=memory(500),
            runtime="10m",
        params:
            engine=sources("cohort_simulate"),
            scale=lookup("cohort/scale", within=config),
            seed=lookup("seed", within=config),
        script:
            "../workflow/scripts/cohort_simulate.py"

    rule cohort_phantoms:
        """Write a batch of simulated people as label volumes and cord masks, or as stats files."""
        input:
            measures="results/cohort/simulated/SIMULATED_measures.tsv",
            biomarkers=lookup("features/biomarkers", within=config),
            label_names=shipped("resources/labels.tsv"),
        output:
            folder=directory("results/cohort/simulated/SIMULATED_batch{batch}"),
        log:
            "logs/cohort/phantoms_{batch}.log",
        benchmark:
            "benchmarks/runs/cohort/phantoms_{batch}.tsv"
        conda:
            "../envs/neuraxis.yaml"
        resources:
            mem_mb=memory(500),
            runtime="30m",
        params:
            engine=sources("cohort_phantoms"),
            n_batches=len(BATCHES),
            written_as=lookup("cohort/written_as", within=config),
            seed=lookup("seed", within=config),
        script:
            "../workflow/scripts/cohort_phantoms.py"


rule cohort_participants:
    """Read and check the participants table; say who was left out and why."""
    input:
        schema=shipped("workflow/schemas/participants.schema.yaml"),
        participants=people_table("participants"),
        phenotype=lookup("cohort/phenotype", within=config),
        sessions=people_table("sessions"),
        visits=people_table("visits"),
        relapses=people_table("relapses"),
        joined=list(JOINED),
    output:
        participants="results/cohort/participants.tsv",
        flow="results/cohort/flow.tsv",
        sessions="results/cohort/sessions.tsv",
        visits="results/cohort/visits.tsv",
        relapses="results/cohort/relapses.tsv",
        ids="results/cohort/ids.tsv",
    log:
        "logs/cohort/participants.log",
    benchmark:
        "benchmarks/runs/cohort/participants.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(500),
        runtime="10m",
    params:
        engine=sources("cohort_participants"),
        control=lookup("cohort/control", within=config),
        diseases=lookup("cohort/diseases", within=config),
        segmentations=segmentations,
        templates=all_templates,
        groups=lookup("cohort/groups", within=config),
        leave_out=bool(config["cohort"]["groups"]) or SIMULATED,
        sites=lookup("cohort/sites", within=config),
        baseline_session=lookup("cohort/baseline_session", within=config),
        joined=JOINED,
        images=lambda wildcards: [there(t) for t in all_templates(wildcards).values()],
    script:
        "../workflow/scripts/cohort_participants.py"
