"""sustain: subtypes and stages per disease. In: z-scores. Out: results/sustain/{disease}/."""


rule sustain_prepare:
    """Choose the events and divide the people into folds."""
    input:
        engine=room("sustain"),
        participants="results/cohort/participants.tsv",
        zscores="results/normative/zscores.tsv",
    output:
        events="results/sustain/{disease}/events.json",
        thresholds="results/sustain/{disease}/thresholds.tsv",
        folds="results/sustain/{disease}/folds.tsv",
    log:
        "logs/sustain/{disease}/prepare.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/prepare.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        settings=lookup("sustain", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/sustain_prepare.py"


rule sustain_fit:
    """Fit k subtypes to everyone or to all but one fold."""
    input:
        engine=room("sustain"),
        zscores="results/normative/zscores.tsv",
        events="results/sustain/{disease}/events.json",
        folds="results/sustain/{disease}/folds.tsv",
        previous=previous_model,
    output:
        model="results/sustain/{disease}/k{k}/{part}/model.npz",
    log:
        "logs/sustain/{disease}/k{k}_{part}.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/k{k}_{part}.tsv"
    conda:
        "../envs/neuraxis.yaml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime="6h",
    params:
        n_startpoints=lookup("sustain/n_startpoints", within=config),
        n_samples=lookup("sustain/n_samples", within=config),
        n_chains=lookup("sustain/n_chains", within=config),
        stage_prior=lookup("sustain/stage_prior", within=config),
        noise=lookup("sustain/noise", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/sustain_fit.py"


rule sustain_select:
    """Held-out densities of every k, baselines, CVIC and the choice of k."""
    input:
        engine=room("sustain"),
        zscores="results/normative/zscores.tsv",
        folds="results/sustain/{disease}/folds.tsv",
        models=expand(
            "results/sustain/{{disease}}/k{k}/{part}/model.npz", k=KS, part=PARTS
        ),
    output:
        selection="results/sustain/{disease}/selection.tsv",
        heldout="results/sustain/{disease}/heldout.tsv",
    log:
        "logs/sustain/{disease}/select.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/select.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=1500,
        runtime="30m",
    params:
        n_subtypes=lookup("sustain/n_subtypes", within=config),
    script:
        "../workflow/scripts/sustain_select.py"


rule sustain_subtypes:
    """Subtypes and stages under the chosen model: of patients (in and out of fold) and of controls."""
    input:
        engine=room("sustain"),
        zscores="results/normative/zscores.tsv",
        participants="results/cohort/participants.tsv",
        norms="results/normative/norms.json",
        folds="results/sustain/{disease}/folds.tsv",
        selection="results/sustain/{disease}/selection.tsv",
        models=expand(
            "results/sustain/{{disease}}/k{k}/{part}/model.npz", k=KS, part=PARTS
        ),
        truth=branch(
            SIMULATED,
            then="results/cohort/simulated/SIMULATED_truth.tsv",
            otherwise=[],
        ),
    output:
        model="results/sustain/{disease}/model.npz",
        subtypes="results/sustain/{disease}/subtypes.tsv",
        names="results/sustain/{disease}/names.tsv",
        order="results/sustain/{disease}/event_order.tsv",
        diagnostics="results/sustain/{disease}/diagnostics.tsv",
        stability="results/sustain/{disease}/stability.tsv",
        starts="results/sustain/{disease}/starts.tsv",
        controls="results/sustain/{disease}/controls.tsv",
        recovery="results/sustain/{disease}/recovery.tsv",
    log:
        "logs/sustain/{disease}/subtypes.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/subtypes.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=1500,
        runtime="30m",
    params:
        control=lookup("cohort/control", within=config),
        simulated=SIMULATED,
    script:
        "../workflow/scripts/sustain_subtypes.py"
