"""sustain: subtypes and stages per disease. In: z-scores. Out: results/sustain/{disease}/."""


rule sustain_sizes:
    """Refuse a group too small for its subtypes and folds, before anything is measured or fitted."""
    input:
        participants="results/cohort/participants.tsv",
    output:
        sizes="results/sustain/{disease}/sizes.tsv",
    log:
        "logs/sustain/{disease}/sizes.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/sizes.tsv"
    priority: 50
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(500),
        runtime="10m",
    params:
        engine=sources("sustain_sizes"),
        folds=lookup("sustain/folds", within=config),
        max_subtypes=lookup("sustain/max_subtypes", within=config),
    script:
        "../workflow/scripts/sustain_sizes.py"


rule sustain_events:
    """Choose the events."""
    input:
        zscores="results/normative/values.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
    output:
        events="results/sustain/{disease}/events.json",
        thresholds="results/sustain/{disease}/thresholds.tsv",
    log:
        "logs/sustain/{disease}/events.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/events.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(500),
        runtime="10m",
    params:
        engine=sources("sustain_events"),
        thresholds=lookup("sustain/thresholds", within=config),
        choose_thresholds=lookup("sustain/choose_thresholds", within=config),
        min_people=lookup("sustain/min_people", within=config),
        z_max=lookup("sustain/z_max", within=config),
        control=lookup("cohort/control", within=config),
    script:
        "../workflow/scripts/sustain_events.py"


rule sustain_folds:
    """Divide the people into folds."""
    input:
        participants="results/cohort/participants.tsv",
        zscores="results/normative/values.tsv",
    output:
        folds="results/sustain/{disease}/folds.tsv",
    log:
        "logs/sustain/{disease}/folds.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/folds.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(500),
        runtime="10m",
    params:
        engine=sources("sustain_folds"),
        folds=lookup("sustain/folds", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/sustain_folds.py"


rule sustain_kernels:
    """Compile the kernels, in two processes, so that the first fits need not each do it."""
    output:
        touch("results/sustain/kernels.compiled"),
    log:
        "logs/sustain/kernels.log",
    benchmark:
        "benchmarks/runs/sustain/kernels.tsv"
    priority: 50
    conda:
        "../envs/neuraxis.yaml"
    threads: 2
    resources:
        mem_mb=memory(1500),
        runtime="30m",
    params:
        engine=sources("sustain_kernels"),
    script:
        "../workflow/scripts/sustain_kernels.py"


rule sustain_fit:
    """Fit 1, 2, ... subtypes, each split from the one before, to everyone or to all but one fold.

    One job for all numbers, which wait for each other anyway: starting one costs as much as a small fit. A finished fit is kept
    under its hash beside its model, so that a larger `max_subtypes` fits the new numbers only.
    """
    input:
        # only for the order: kernels that were compiled anew change nothing
        kernels=ancient("results/sustain/kernels.compiled"),
        zscores="results/normative/values.tsv",
        norms="results/normative/norms.json",
        events="results/sustain/{disease}/events.json",
        folds=folds_of_part,
    output:
        models=expand("results/sustain/{{disease}}/k{k}/{{part}}/model.npz", k=KS),
    log:
        "logs/sustain/{disease}/{part}.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/{part}.tsv"
    # what the longest way to the report hangs on goes first: fits, choice, chains, clinical stage, figures
    priority: 10
    conda:
        "../envs/neuraxis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime="12h",
    params:
        engine=sources("sustain_fit"),
        subtypes=KS,
        n_startpoints=lookup("sustain/n_startpoints", within=config),
        n_samples=SHORT_CHAINS,
        n_chains=lookup("sustain/n_chains", within=config),
        stage_prior=lookup("sustain/stage_prior", within=config),
        noise=lookup("sustain/noise", within=config),
        healthy=lookup("sustain/healthy", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/sustain_fit.py"


use rule sustain_fit as sustain_fit_variant with:
    output:
        models=expand(
            "results/sustain/{{disease}}/variants/{{variant}}/k{k}/{{part}}/model.npz",
            k=KS,
        ),
    log:
        "logs/sustain/{disease}/{variant}_{part}.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/{variant}_{part}.tsv"
    priority: 0
    params:
        stage_prior=variant_prior,
        noise=variant_noise,


rule sustain_select:
    """Held-out densities of every k, baselines, CVIC and the choice of k."""
    input:
        sizes="results/sustain/{disease}/sizes.tsv",
        zscores="results/normative/values.tsv",
        folds="results/sustain/{disease}/folds.tsv",
        models=expand(
            "results/sustain/{{disease}}/k{k}/{part}/model.npz", k=KS, part=PARTS
        ),
    output:
        selection="results/sustain/{disease}/selection.tsv",
        heldout="results/sustain/{disease}/heldout.tsv",
        heldout_folds="results/sustain/{disease}/heldout_folds.tsv",
    log:
        "logs/sustain/{disease}/select.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/select.tsv"
    priority: 10
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1500),
        runtime="30m",
    params:
        engine=sources("sustain_select"),
        n_subtypes=lookup("sustain/n_subtypes", within=config),
    script:
        "../workflow/scripts/sustain_select.py"


use rule sustain_select as sustain_select_variant with:
    input:
        zscores="results/normative/values.tsv",
        folds="results/sustain/{disease}/folds.tsv",
        models=expand(
            "results/sustain/{{disease}}/variants/{{variant}}/k{k}/{part}/model.npz",
            k=KS,
            part=PARTS[1:],
        ),
    output:
        selection="results/sustain/{disease}/variants/{variant}/selection.tsv",
        heldout="results/sustain/{disease}/variants/{variant}/heldout.tsv",
        heldout_folds="results/sustain/{disease}/variants/{variant}/heldout_folds.tsv",
    log:
        "logs/sustain/{disease}/{variant}_select.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/{variant}_select.tsv"
    priority: 0
    params:
        n_subtypes="auto",


rule sustain_variants:
    """What every variant of the model says about k, side by side."""
    input:
        main="results/sustain/{disease}/heldout.tsv",
        tables=expand(
            "results/sustain/{{disease}}/variants/{variant}/heldout.tsv",
            variant=config["sustain"]["variants"],
        ),
    output:
        variants="results/sustain/{disease}/variants.tsv",
    log:
        "logs/sustain/{disease}/variants.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/variants.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(500),
        runtime="10m",
    params:
        engine=sources("sustain_variants"),
        main=f"{config['sustain']['stage_prior']}-{config['sustain']['noise']}",
        variants=lookup("sustain/variants", within=config),
    script:
        "../workflow/scripts/sustain_variants.py"


rule sustain_negative_control:
    """The same selection on healthy people: whatever it finds there is not disease."""
    input:
        kernels=ancient("results/sustain/kernels.compiled"),
        zscores="results/normative/values.tsv",
        participants="results/cohort/participants.tsv",
        measures="results/features/measures.tsv",
        biomarkers=lookup("features/biomarkers", within=config),
        events="results/sustain/{disease}/events.json",
    output:
        control="results/sustain/{disease}/negative_control.tsv",
    log:
        "logs/sustain/{disease}/negative_control.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/negative_control.tsv"
    # one job as long as all folds of a disease: where their chains are long it must not be left for the end
    priority: 5 if config["sustain"]["n_samples_folds"] else 25
    conda:
        "../envs/neuraxis.yaml"
    threads: chain_threads
    resources:
        mem_mb=memory(1500),
        runtime="6h",
    params:
        engine=sources("sustain_negative_control"),
        norms=lookup("normative", within=config),
        control=lookup("cohort/control", within=config),
        main=f"{config['sustain']['stage_prior']}-{config['sustain']['noise']}",
        variants=lookup("sustain/negative_control_variants", within=config),
        healthy=lookup("sustain/healthy", within=config),
        max_subtypes=lookup("sustain/max_subtypes", within=config),
        folds=lookup("sustain/folds", within=config),
        n_startpoints=lookup("sustain/n_startpoints", within=config),
        n_samples=SHORT_CHAINS,
        n_chains=lookup("sustain/n_chains", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/sustain_negative_control.py"


if config["sustain"]["parametric_null"]:

    rule sustain_parametric_null:
        """How often the rule asks for the chosen number of subtypes in people drawn from the model with one fewer."""
        input:
            selection="results/sustain/{disease}/selection.tsv",
            folds="results/sustain/{disease}/folds.tsv",
            models=expand("results/sustain/{{disease}}/k{k}/full/model.npz", k=KS),
        output:
            null="results/sustain/{disease}/parametric_null.tsv",
        log:
            "logs/sustain/{disease}/parametric_null.log",
        benchmark:
            "benchmarks/runs/sustain/{disease}/parametric_null.tsv"
        conda:
            "../envs/neuraxis.yaml"
        threads: 1
        resources:
            mem_mb=memory(1500),
            runtime="12h",
        params:
            engine=sources("sustain_parametric_null"),
            draws=lookup("sustain/parametric_null", within=config),
            n_folds=lookup("sustain/folds", within=config),
            n_startpoints=lookup("sustain/n_startpoints", within=config),
            n_samples=SHORT_CHAINS,
            n_chains=lookup("sustain/n_chains", within=config),
            seed=lookup("seed", within=config),
        script:
            "../workflow/scripts/sustain_parametric_null.py"


if config["sustain"]["leave_site_out"]:

    rule sustain_sites:
        """The chosen model fitted anew without each site: does it hang on one of them?"""
        input:
            zscores="results/normative/values.tsv",
            norms="results/normative/norms.json",
            participants="results/cohort/participants.tsv",
            selection="results/sustain/{disease}/selection.tsv",
            models=expand("results/sustain/{{disease}}/k{k}/full/model.npz", k=KS),
        output:
            agreement="results/sustain/{disease}/sites.tsv",
            labels="results/sustain/{disease}/site_labels.tsv",
        log:
            "logs/sustain/{disease}/sites.log",
        benchmark:
            "benchmarks/runs/sustain/{disease}/sites.tsv"
        priority: 12
        conda:
            "../envs/neuraxis.yaml"
        threads: 1
        resources:
            mem_mb=memory(1500),
            runtime="6h",
        params:
            engine=sources("sustain_sites"),
            n_startpoints=lookup("sustain/n_startpoints", within=config),
            n_samples=SHORT_CHAINS,
            n_chains=lookup("sustain/n_chains", within=config),
            stage_prior=lookup("sustain/stage_prior", within=config),
            noise=lookup("sustain/noise", within=config),
            healthy=lookup("sustain/healthy", within=config),
            seed=lookup("seed", within=config),
        script:
            "../workflow/scripts/sustain_sites.py"


rule sustain_chains:
    """Long chains of the chosen model of everyone, until they agree; the models that lead to the choice have short ones."""
    input:
        zscores="results/normative/values.tsv",
        norms="results/normative/norms.json",
        selection="results/sustain/{disease}/selection.tsv",
        models=expand("results/sustain/{{disease}}/k{k}/full/model.npz", k=KS),
    output:
        model="results/sustain/{disease}/model.npz",
    log:
        "logs/sustain/{disease}/chains.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/chains.tsv"
    priority: 15
    conda:
        "../envs/neuraxis.yaml"
    threads: chain_threads
    resources:
        mem_mb=memory(1500),
        runtime="6h",
    params:
        engine=sources("sustain_chains"),
        n_samples=lookup("sustain/n_samples", within=config),
        n_doublings=lookup("sustain/n_doublings", within=config),
        n_chains=lookup("sustain/n_chains", within=config),
        cord_levels=lookup("features/cord_levels", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/sustain_chains.py"


rule sustain_subtypes:
    """Subtypes and stages under the chosen model: patients (in and out of fold), controls, later scans."""
    input:
        zscores="results/normative/values.tsv",
        followup="results/normative/followup.tsv",
        folds="results/sustain/{disease}/folds.tsv",
        model="results/sustain/{disease}/model.npz",
        models=expand(
            "results/sustain/{{disease}}/k{k}/{part}/model.npz", k=KS, part=PARTS[1:]
        ),
        biomarkers=lookup("features/biomarkers", within=config),
    output:
        subtypes="results/sustain/{disease}/subtypes.tsv",
        draws="results/sustain/{disease}/label_draws.tsv",
        followup="results/sustain/{disease}/followup.tsv",
        names="results/sustain/{disease}/names.tsv",
        order="results/sustain/{disease}/event_order.tsv",
        variance="results/sustain/{disease}/positional_variance.tsv",
        progression="results/sustain/{disease}/progression.tsv",
        diagnostics="results/sustain/{disease}/diagnostics.tsv",
        stability="results/sustain/{disease}/stability.tsv",
        starts="results/sustain/{disease}/starts.tsv",
        controls="results/sustain/{disease}/controls.tsv",
    log:
        "logs/sustain/{disease}/subtypes.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/subtypes.tsv"
    priority: 15
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1500),
        runtime="30m",
    params:
        engine=sources("sustain_subtypes"),
        control=lookup("cohort/control", within=config),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/sustain_subtypes.py"


rule sustain_recovery:
    """Simple baselines beside the model; recovery of the truth where it is simulated."""
    input:
        zscores="results/normative/values.tsv",
        subtypes="results/sustain/{disease}/subtypes.tsv",
        names="results/sustain/{disease}/names.tsv",
        order="results/sustain/{disease}/event_order.tsv",
        model="results/sustain/{disease}/model.npz",
        biomarkers=lookup("features/biomarkers", within=config),
        truth=branch(
            SIMULATED,
            then="results/cohort/simulated/SIMULATED_truth.tsv",
            otherwise=[],
        ),
        published=branch(
            SIMULATED,
            then=[
                shipped("resources/event_order.tsv"),
                shipped("resources/subtype_z.tsv"),
                shipped("resources/healthy_correlation.tsv"),
                shipped("resources/healthy_site_sd.tsv"),
            ],
            otherwise=[],
        ),
    output:
        recovery="results/sustain/{disease}/recovery.tsv",
        baselines="results/sustain/{disease}/baselines.tsv",
        calibration="results/sustain/{disease}/calibration.tsv",
    log:
        "logs/sustain/{disease}/recovery.log",
    benchmark:
        "benchmarks/runs/sustain/{disease}/recovery.tsv"
    conda:
        "../envs/neuraxis.yaml"
    resources:
        mem_mb=memory(1000),
        runtime="10m",
    params:
        engine=sources("sustain_recovery"),
        seed=lookup("seed", within=config),
    script:
        "../workflow/scripts/sustain_recovery.py"


if len(DISEASES) > 1:

    rule sustain_joint:
        """One model of the people of all diseases."""
        input:
            kernels=ancient("results/sustain/kernels.compiled"),
            zscores="results/normative/values.tsv",
            norms="results/normative/norms.json",
            events=expand("results/sustain/{disease}/events.json", disease=DISEASES),
            selections=expand(
                "results/sustain/{disease}/selection.tsv", disease=DISEASES
            ),
            biomarkers=lookup("features/biomarkers", within=config),
        output:
            model="results/sustain/crossdisease/joint_model.npz",
        log:
            "logs/sustain/joint.log",
        benchmark:
            "benchmarks/runs/sustain/joint.tsv"
        # the longest job of a study whose diseases are compared: it must not be left for the end
        priority: 20
        conda:
            "../envs/neuraxis.yaml"
        threads: chain_threads
        resources:
            mem_mb=memory(2000),
            runtime="6h",
        params:
            engine=sources("sustain_joint"),
            diseases=DISEASES,
            control=lookup("cohort/control", within=config),
            declared={
                key: lookup(f"sustain/{key}", within=config)
                for key in ("thresholds", "choose_thresholds", "min_people", "z_max")
            },
            chain={
                key: lookup(f"sustain/{key}", within=config)
                for key in (
                    "n_startpoints",
                    "n_samples",
                    "n_doublings",
                    "n_chains",
                    "stage_prior",
                    "noise",
                    "healthy",
                )
            },
            seed=lookup("seed", within=config),
        script:
            "../workflow/scripts/sustain_joint.py"

    rule sustain_crossdisease:
        """Event orders of the diseases compared, people on one another's models and on the joint model."""
        input:
            zscores="results/normative/values.tsv",
            models=expand("results/sustain/{disease}/model.npz", disease=DISEASES),
            names=expand("results/sustain/{disease}/names.tsv", disease=DISEASES),
            orders=expand("results/sustain/{disease}/event_order.tsv", disease=DISEASES),
            subtypes=expand("results/sustain/{disease}/subtypes.tsv", disease=DISEASES),
            joint="results/sustain/crossdisease/joint_model.npz",
            biomarkers=lookup("features/biomarkers", within=config),
        output:
            similarity="results/sustain/crossdisease/similarity.tsv",
            projection="results/sustain/crossdisease/projection.tsv",
            projection_counts="results/sustain/crossdisease/projection_counts.tsv",
            joint_order="results/sustain/crossdisease/joint_order.tsv",
            joint_diagnostics="results/sustain/crossdisease/joint_diagnostics.tsv",
            enrichment="results/sustain/crossdisease/enrichment.tsv",
        log:
            "logs/sustain/crossdisease.log",
        benchmark:
            "benchmarks/runs/sustain/crossdisease.tsv"
        conda:
            "../envs/neuraxis.yaml"
        threads: 1
        resources:
            mem_mb=memory(2000),
            runtime="6h",
        params:
            engine=sources("sustain_crossdisease"),
            diseases=DISEASES,
            seed=lookup("seed", within=config),
        script:
            "../workflow/scripts/sustain_crossdisease.py"
