"""Long chains of the chosen model of everyone."""

from neuraxis.job import settings, start
from neuraxis.schema import read
from neuraxis.sustain import FitSettings, SustainModel
from neuraxis.sustain.checkpoint import done, partial
from neuraxis.sustain.crossval import described
from neuraxis.sustain.study import chain_draws
from neuraxis.tables import read_json


def run(zscores, norms, selection, models, disease, seed, threads, cord_levels, out, **effort) -> None:
    k = described(read("sustain/D/selection.tsv", selection))
    chosen = next(m for m in map(SustainModel.load, models) if m.n_subtypes == k)
    z = read("normative/zscores.tsv", zscores).set_index("participant_id")
    model = chosen.sample(
        z[z["group"] == disease],
        FitSettings(n_draws=chain_draws(effort["n_samples"]), **effort),
        seed=seed,
        key=(disease, "everyone"),
        n_threads=threads,
        checkpoint=partial(out),
    )
    model.norms = read_json(norms)
    model.settings["cord_levels"] = list(cord_levels)  # what its drawings say of the cord
    model.save(out)
    done(out)


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.norms,
        i.selection,
        i.models,
        snakemake.wildcards.disease,
        threads=snakemake.threads,
        out=snakemake.output.model,
        **settings(snakemake),
    )
