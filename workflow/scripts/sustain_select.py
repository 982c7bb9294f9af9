"""CVIC of every k from the fold models, baselines, and the choice."""

from pathlib import Path

import numpy as np
import pandas as pd

from neuraxis.job import start
from neuraxis.sustain import SustainModel, selection_table
from neuraxis.sustain.baselines import gaussian_log_density, normal_log_density
from neuraxis.tables import read_table, write_table


def run(zscores, folds, models, n_subtypes, selection, heldout, heldout_folds):
    z = read_table(zscores).set_index("participant_id")
    fold = read_table(folds).set_index("participant_id")["fold"]
    z = z.loc[fold.index]
    lpd, gaussian = {}, np.zeros(len(z))
    for path in map(Path, models):
        part = path.parent.name
        if part == "full":
            continue
        held = (fold == int(part.removeprefix("fold"))).to_numpy()
        m = SustainModel.load(path)
        values, _ = m.events.check_data(z)
        lpd.setdefault(m.n_subtypes, np.zeros(len(z)))[held] = m.log_predictive_density(z[held])
        if m.n_subtypes == 1:
            lpd.setdefault(0, np.zeros(len(z)))[held] = normal_log_density(values[held])
            gaussian[held] = gaussian_log_density(values[~held], values[held])
    table = selection_table(lpd, gaussian)
    if n_subtypes != "auto":
        by_rule = int(table.loc[table["chosen"], "n_subtypes"].iloc[0])
        table["chosen"] = table["n_subtypes"] == n_subtypes
        table["reason"] = np.where(
            table["chosen"], f"k = {n_subtypes} was fixed in the configuration; the rule would choose {by_rule}", ""
        )
    write_table(table, selection)
    wide = pd.DataFrame({"participant_id": z.index, "fold": fold.to_numpy(), "gaussian": gaussian})
    wide = wide.join(pd.DataFrame({f"k{k}": lpd[k] for k in sorted(lpd)}))
    write_table(wide, heldout)
    by_fold = wide.drop(columns="participant_id").groupby("fold")
    sums = by_fold.sum()
    sums.insert(0, "n_people", by_fold.size())
    write_table(sums.reset_index(), heldout_folds)


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(i.zscores, i.folds, i.models, snakemake.params.n_subtypes, **dict(snakemake.output.items()))
