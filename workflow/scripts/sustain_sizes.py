"""Refuse, before anything is measured, a disease that its subtypes and folds would spread too thin."""

from neuraxis.job import settings, start
from neuraxis.schema import read, save
from neuraxis.sustain.study import sizes_table

if __name__ == "__main__":
    start(snakemake)
    disease = snakemake.wildcards.disease
    people = int((read("cohort/participants.tsv", snakemake.input.participants)["group"] == disease).sum())
    save(sizes_table(people, disease=disease, **settings(snakemake)), snakemake.output.sizes)
