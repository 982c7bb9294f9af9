"""report: one page from the tables. Out: results/report/index.html, results/provenance.json."""


rule report_page:
    """Write the page."""
    input:
        engine=sources("report_page"),
        template=str(PACKAGE / "report/page.html.j2"),
        dictionary=shipped("docs/results.md"),
        cohort_flow="results/cohort/flow.tsv",
        features_flow="results/features/flow.tsv",
        qc="results/features/qc.tsv",
        measures="results/features/measures.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
        normative="results/normative/diagnostics.tsv",
        provenance="results/provenance.json",
        covariance="results/normative/covariance.tsv",
        normative_figure="results/figures/normative.png",
        covariance_figure="results/figures/covariance.png",
        sustain=expand(
            "results/sustain/{disease}/{name}.tsv",
            disease=DISEASES,
            name=[
                "selection",
                "heldout_folds",
                "subtypes",
                "names",
                "diagnostics",
                "stability",
                "starts",
                "controls",
                "negative_control",
                "recovery",
                "baselines",
            ],
        ),
        variants=expand(
            "results/sustain/{disease}/variants.tsv",
            disease=DISEASES if config["sustain"]["variants"] else [],
        ),
        clinical=expand(
            "results/clinical/{disease}/{name}",
            disease=DISEASES,
            name=[f"{t}.tsv" for t in CLINICAL_TABLES] + ["results.txt"],
        ),
        planted=expand(
            "results/clinical/{disease}/planted.tsv",
            disease=DISEASES if SIMULATED else [],
        ),
        figures=expand(
            "results/figures/{disease}/{name}.png", disease=DISEASES, name=FIGURES
        ),
        cross=branch(
            len(DISEASES) > 1,
            then=[
                "results/sustain/crossdisease/enrichment.tsv",
                "results/figures/similarity.png",
            ],
            otherwise=[],
        ),
    output:
        page="results/report/index.html",
        dictionary="results/README.md",
    log:
        "logs/report/page.log",
    benchmark:
        "benchmarks/runs/report/page.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        title=lookup("report/title", within=config),
        diseases=DISEASES,
        control=lookup("cohort/control", within=config),
        simulated=SIMULATED,
    script:
        "../workflow/scripts/report_page.py"


rule report_provenance:
    """Versions, seed, configuration, checksums of the inputs, git commit."""
    input:
        engine=sources("report_provenance"),
        files=[*given_tables(), shipped("requirements.lock")],
        scans="results/features/inputs.tsv",
        measures="results/features/measures.tsv",
    output:
        provenance="results/provenance.json",
        description="results/dataset_description.json",
    log:
        "logs/report/provenance.log",
    benchmark:
        "benchmarks/runs/report/provenance.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=300,
        runtime="5m",
    params:
        config=config,
        home=shipped("."),
    script:
        "../workflow/scripts/report_provenance.py"
