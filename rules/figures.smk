"""figures: draw what the tables hold. Out: results/figures/{disease}/*.png and *.pdf."""


rule figures_disease:
    """All figures of one disease."""
    input:
        engine=room("figures"),
        zscores="results/normative/zscores.tsv",
        selection="results/sustain/{disease}/selection.tsv",
        model="results/sustain/{disease}/model.npz",
        subtypes="results/sustain/{disease}/subtypes.tsv",
        names="results/sustain/{disease}/names.tsv",
        associations="results/clinical/{disease}/associations.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
    output:
        selection=report(
            "results/figures/{disease}/selection.png",
            caption="../workflow/report/selection.rst",
            category="{disease}",
        ),
        order=report(
            "results/figures/{disease}/positional_variance.png",
            caption="../workflow/report/order.rst",
            category="{disease}",
        ),
        zmean=report(
            "results/figures/{disease}/mean_z.png",
            caption="../workflow/report/mean_z.rst",
            category="{disease}",
        ),
        probability=report(
            "results/figures/{disease}/probability.png",
            caption="../workflow/report/probability.rst",
            category="{disease}",
        ),
        forest=report(
            "results/figures/{disease}/forest.png",
            caption="../workflow/report/forest.rst",
            category="{disease}",
        ),
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
        simulated=SIMULATED,
    script:
        "../workflow/scripts/figures_disease.py"


rule figures_normative:
    """Diagnostics of the controls' z."""
    input:
        engine=room("figures"),
        zscores="results/normative/zscores.tsv",
        diagnostics="results/normative/diagnostics.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
    output:
        figure=report(
            "results/figures/normative.png",
            caption="../workflow/report/normative.rst",
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
