"""figures: draw what the tables hold; src/neuraxis/figures/declared.py lists them. Out: results/figures/."""

FIGURE_TABLES = tables_of(
    OF_DISEASE, more=WHO, without=() if config["sustain"]["variants"] else ("variants",)
)


rule figures_disease:
    """All figures of one disease."""
    input:
        participants="results/cohort/participants.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
        label_names=shipped("resources/labels.tsv"),
        model="results/sustain/{disease}/model.npz",
        maps=expand("results/clinical/{disease}/maps.tsv", disease=DISEASES),
        tables=[
            (
                f"results/clinical/{{disease}}/{t.removeprefix('clinical/')}.tsv"
                if t.startswith("clinical/")
                else f"results/sustain/{{disease}}/{t}.tsv"
            )
            for t in FIGURE_TABLES
        ],
    output:
        **drawn(OF_DISEASE, "results/figures/{disease}", "{disease}"),
    log:
        "logs/figures/{disease}.log",
    benchmark:
        "benchmarks/runs/figures/{disease}.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1000),
        runtime="20m",
    params:
        engine=sources("figures_draw"),
        tables=FIGURE_TABLES,
        title="{disease}",
        disease="{disease}",
        outcomes=lookup("clinical/outcomes", within=config),
        event_colours=lookup("report/event_colours", within=config),
        simulated=SIMULATED,
        cord_levels=lookup("features/cord_levels", within=config),
    script:
        "../workflow/scripts/figures_draw.py"


if len(DISEASES) > 1:

    rule figures_crossdisease:
        """Similarity of the diseases' event orders."""
        input:
            biomarkers=lookup("features/biomarkers", within=config),
            label_names=shipped("resources/labels.tsv"),
            tables=[f"results/sustain/{t}.tsv" for t in tables_of(OF_DISEASES)],
        output:
            **drawn(OF_DISEASES, "results/figures", "diseases compared"),
        log:
            "logs/figures/crossdisease.log",
        benchmark:
            "benchmarks/runs/figures/crossdisease.tsv"
        conda:
            "../envs/neuraxis.yaml"
        resources:
            mem_mb=memory(1000),
            runtime="10m",
        params:
            engine=sources("figures_draw"),
            tables=tables_of(OF_DISEASES),
            title="Diseases compared",
            simulated=SIMULATED,
            cord_levels=lookup("features/cord_levels", within=config),
        script:
            "../workflow/scripts/figures_draw.py"


rule figures_normative:
    """Diagnostics of the controls' z, and their covariance."""
    input:
        biomarkers=lookup("features/biomarkers", within=config),
        label_names=shipped("resources/labels.tsv"),
        tables=[f"results/{t}.tsv" for t in tables_of(OF_CONTROLS)],
    output:
        **drawn(OF_CONTROLS, "results/figures", "normative"),
    log:
        "logs/figures/normative.log",
    benchmark:
        "benchmarks/runs/figures/normative.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1000),
        runtime="10m",
    params:
        engine=sources("figures_draw"),
        tables=tables_of(OF_CONTROLS),
        title="Controls, out of sample",
        control=lookup("cohort/control", within=config),
        simulated=SIMULATED,
        cord_levels=lookup("features/cord_levels", within=config),
    script:
        "../workflow/scripts/figures_draw.py"
