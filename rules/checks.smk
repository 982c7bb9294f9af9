"""checks: what must hold of the finished tables of any study. Out: results/checks.tsv, results/checks_page.tsv."""


rule checks:
    """Hold the tables to one another, to formulas and to the files; stop the report where they do not."""
    input:
        biomarkers=lookup("features/biomarkers", within=config),
        participants="results/cohort/participants.tsv",
        volume_tables=branch(
            config["features"]["source"] == "volume_tables",
            then=config["features"]["volume_tables"],
            otherwise=[],
        ),
        sct=config["features"]["sct"] or [],
        features=expand(
            "results/features/{name}.tsv",
            name=["measures", "followup", "qc", "flow", "inputs", "failures"],
        ),
        normative=expand(
            "results/normative/{name}",
            name=[
                "zscores.tsv",
                "values.tsv",
                "followup.tsv",
                "diagnostics.tsv",
                "covariance.tsv",
                "dropped.tsv",
                "norms.json",
            ],
        ),
        sustain=expand(
            "results/sustain/{disease}/{name}",
            disease=DISEASES,
            name=[
                "model.npz",
                "folds.tsv",
                "heldout.tsv",
                "heldout_folds.tsv",
                "selection.tsv",
                "subtypes.tsv",
                "names.tsv",
                "label_draws.tsv",
                "followup.tsv",
                "event_order.tsv",
                "positional_variance.tsv",
                "negative_control.tsv",
                "recovery.tsv",
                "baselines.tsv",
            ],
        ),
        models=expand(
            "results/sustain/{disease}/k{k}/{part}/model.npz",
            disease=DISEASES,
            k=KS,
            part=PARTS[1:],
        ),
        variants=expand(
            "results/sustain/{disease}/variants.tsv",
            disease=DISEASES if config["sustain"]["variants"] else [],
        ),
        cross=branch(
            len(DISEASES) > 1,
            then="results/sustain/crossdisease/enrichment.tsv",
            otherwise=[],
        ),
        clinical=expand(
            "results/clinical/{disease}/{name}.tsv",
            disease=DISEASES,
            name=CLINICAL_TABLES + ["planted"] * SIMULATED,
        ),
    output:
        checks="results/checks.tsv",
    log:
        "logs/checks.log",
    benchmark:
        "benchmarks/runs/checks.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1500),
        runtime="20m",
    params:
        engine=sources("checks"),
        page=False,
        diseases=DISEASES,
        control=lookup("cohort/control", within=config),
        cord_levels=lookup("features/cord_levels", within=config),
        labels=SIMULATED or bool(config["features"]["labels"]),
        cord=SIMULATED
        or bool(config["features"]["cord_mask"] and not config["features"]["sct"]),
        sct_select=lookup("features/sct_select", within=config),
        sct_repeats=lookup("features/sct_repeats", within=config),
    script:
        "../workflow/scripts/checks.py"


use rule checks as checks_page with:
    input:
        biomarkers=lookup("features/biomarkers", within=config),
        checks="results/checks.tsv",
        page="results/report/index.html",
    output:
        checks="results/checks_page.tsv",
    log:
        "logs/checks_page.log",
    benchmark:
        "benchmarks/runs/checks_page.tsv"
    params:
        page=True,
