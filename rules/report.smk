"""report: the page, and one of all people, from the tables. Out: results/report/, results/clinical/{disease}/results.txt,
results/provenance.json."""

ASSETS = sorted(map(str, (PACKAGE / "report/assets").iterdir()))


rule report_page:
    """Write the page, the page of all people where wanted, and the results in sentences."""
    input:
        checks="results/checks.tsv",
        assets=ASSETS,
        dictionary=shipped("docs/results.md"),
        cohort_flow="results/cohort/flow.tsv",
        features_flow="results/features/flow.tsv",
        qc="results/features/qc.tsv",
        measures="results/features/measures.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
        label_names=shipped("resources/labels.tsv"),
        participants="results/cohort/participants.tsv",
        visits="results/cohort/visits.tsv",
        zscores="results/normative/zscores.tsv",
        normative="results/normative/diagnostics.tsv",
        provenance="results/provenance.json",
        covariance="results/normative/covariance.tsv",
        controls_figures=expand(
            "results/figures/{name}.png", name=names_of_figures(OF_CONTROLS)
        ),
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
                "calibration",
                "baselines",
                "event_order",
                "positional_variance",
                "progression",
                "followup",
            ],
        ),
        null=expand(
            "results/sustain/{disease}/parametric_null.tsv",
            disease=DISEASES if config["sustain"]["parametric_null"] else [],
        ),
        sites=expand(
            "results/sustain/{disease}/{table}.tsv",
            table=["sites", "site_labels"],
            disease=DISEASES if config["sustain"]["leave_site_out"] else [],
        ),
        variants=expand(
            "results/sustain/{disease}/variants.tsv",
            disease=DISEASES if config["sustain"]["variants"] else [],
        ),
        clinical=expand(
            "results/clinical/{disease}/{name}",
            disease=DISEASES,
            name=[f"{t}.tsv" for t in CLINICAL_TABLES],
        ),
        planted=expand(
            "results/clinical/{disease}/planted.tsv",
            disease=DISEASES if SIMULATED else [],
        ),
        figures=expand(
            "results/figures/{disease}/{name}.png",
            disease=DISEASES,
            name=names_of_figures(OF_DISEASE),
        ),
        cross=branch(
            len(DISEASES) > 1,
            then=[
                "results/sustain/crossdisease/enrichment.tsv",
                "results/sustain/crossdisease/similarity.tsv",
                "results/sustain/crossdisease/projection_counts.tsv",
                "results/sustain/crossdisease/joint_diagnostics.tsv",
                *expand(
                    "results/figures/{name}.png", name=names_of_figures(OF_DISEASES)
                ),
            ],
            otherwise=[],
        ),
    output:
        **(
            {"people": "results/report/people.html"}
            if config["report"]["people"]
            else {}
        ),
        page="results/report/index.html",
        words=expand("results/clinical/{disease}/results.txt", disease=DISEASES),
        dictionary="results/README.md",
    log:
        "logs/report/page.log",
    benchmark:
        "benchmarks/runs/report/page.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1000),
        runtime="10m",
    params:
        engine=sources("report_page"),
        title=lookup("report/title", within=config),
        people=lookup("report/people", within=config),
        diseases=DISEASES,
        control=lookup("cohort/control", within=config),
        simulated=SIMULATED,
    script:
        "../workflow/scripts/report_page.py"


rule report_provenance:
    """Versions, seed, configuration, checksums of the inputs, git commit."""
    input:
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
        mem_mb=memory(300),
        runtime="5m",
    params:
        engine=sources("report_provenance"),
        config=config,
        home=shipped("."),
    script:
        "../workflow/scripts/report_provenance.py"
