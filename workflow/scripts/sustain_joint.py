"""One model of the people of all diseases, with as many subtypes as the disease that has most."""

from neuraxis.biomarkers import read_biomarkers
from neuraxis.job import settings, start
from neuraxis.normative.norms import Norms
from neuraxis.schema import read
from neuraxis.sustain import events_from_dict
from neuraxis.sustain.checkpoint import done, partial
from neuraxis.sustain.crossval import described
from neuraxis.sustain.study import fit_together
from neuraxis.tables import read_json


def run(zscores, norms, events, selections, biomarkers, diseases, control, declared, chain, seed, threads, out) -> None:
    model = fit_together(
        read("normative/zscores.tsv", zscores).set_index("participant_id"),
        diseases,
        control,
        max(described(read("sustain/D/selection.tsv", s)) for s in selections),
        used=[events_from_dict(read_json(e)).biomarkers for e in events],
        definitions=read_biomarkers(biomarkers),
        declared=declared,
        covariance=Norms.load(norms).noise_table(),
        chain=chain,
        seed=seed,
        n_threads=threads,
        checkpoint=partial(out),
    )
    model.save(out)
    done(out)


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        i.zscores,
        i.norms,
        i.events,
        i.selections,
        i.biomarkers,
        threads=snakemake.threads,
        **settings(snakemake),
        out=snakemake.output.model,
    )
