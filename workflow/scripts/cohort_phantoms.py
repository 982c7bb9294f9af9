"""Write one batch of simulated scans as images, or as FreeSurfer stats and an SCT table."""

import numpy as np

from neuraxis.cohort.phantoms import write_phantoms, write_stats
from neuraxis.job import start
from neuraxis.schema import load

if __name__ == "__main__":
    start(snakemake)
    i, p = snakemake.input, snakemake.params
    scans = load(i.measures)
    people = np.unique(scans["participant_id"])[int(snakemake.wildcards.batch) :: p.n_batches]
    mine = scans[scans["participant_id"].isin(people)]
    if p.written_as == "stats":
        write_stats(mine, i.biomarkers, i.label_names, snakemake.output.folder)
    else:
        write_phantoms(mine, i.biomarkers, snakemake.output.folder, seed=p.seed)
