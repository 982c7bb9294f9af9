"""figures: draw what the tables hold. Out: results/figures/{disease}/*.png and *.pdf."""


rule figures_disease:
    """All figures of one disease."""
    input:
        engine=sources("figures_disease"),
        participants="results/cohort/participants.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
        label_names=shipped("resources/labels.tsv"),
        selection="results/sustain/{disease}/selection.tsv",
        heldout_folds="results/sustain/{disease}/heldout_folds.tsv",
        subtypes="results/sustain/{disease}/subtypes.tsv",
        names="results/sustain/{disease}/names.tsv",
        positional_variance="results/sustain/{disease}/positional_variance.tsv",
        progression="results/sustain/{disease}/progression.tsv",
        maps="results/clinical/{disease}/maps.tsv",
        associations="results/clinical/{disease}/associations.tsv",
        survival="results/clinical/{disease}/survival.tsv",
        logrank="results/clinical/{disease}/logrank.tsv",
        transitions="results/clinical/{disease}/transitions.tsv",
        slopes="results/clinical/{disease}/slopes.tsv",
    output:
        **{
            name: report(
                f"results/figures/{{disease}}/{name}.png",
                caption=f"../workflow/report/{name}.rst",
                category="{disease}",
            )
            for name in names_of_figures(OF_DISEASE)
        },
    log:
        "logs/figures/{disease}.log",
    benchmark:
        "benchmarks/runs/figures/{disease}.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=1000,
        runtime="20m",
    params:
        outcomes=lookup("clinical/outcomes", within=config),
        simulated=SIMULATED,
    script:
        "../workflow/scripts/figures_disease.py"


if len(DISEASES) > 1:

    rule figures_crossdisease:
        """Similarity of the diseases' event orders."""
        input:
            engine=sources("figures_crossdisease"),
            similarity="results/sustain/crossdisease/similarity.tsv",
        output:
            figure=report(
                "results/figures/similarity.png",
                caption="../workflow/report/similarity.rst",
                category="diseases compared",
            ),
        log:
            "logs/figures/crossdisease.log",
        benchmark:
            "benchmarks/runs/figures/crossdisease.tsv"
        conda:
            "../envs/neuraxis.yaml"
        resources:
            mem_mb=1000,
            runtime="10m",
        params:
            simulated=SIMULATED,
        script:
            "../workflow/scripts/figures_crossdisease.py"


rule figures_normative:
    """Diagnostics of the controls' z, and their covariance."""
    input:
        engine=sources("figures_normative"),
        zscores="results/normative/zscores.tsv",
        diagnostics="results/normative/diagnostics.tsv",
        covariance="results/normative/covariance.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
    output:
        figure=report(
            "results/figures/normative.png",
            caption="../workflow/report/normative.rst",
            category="normative",
        ),
        covariance=report(
            "results/figures/covariance.png",
            caption="../workflow/report/covariance.rst",
            category="normative",
        ),
    log:
        "logs/figures/normative.log",
    benchmark:
        "benchmarks/runs/figures/normative.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        control=lookup("cohort/control", within=config),
        simulated=SIMULATED,
    script:
        "../workflow/scripts/figures_normative.py"
