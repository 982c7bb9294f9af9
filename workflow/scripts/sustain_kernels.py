"""Compile the kernels, so that the first fits, which start together, need not each do it."""

import logging

from neuraxis.job import start
from neuraxis.sustain.warm import compile_kernels

if __name__ == "__main__":
    start(snakemake)
    logging.info("kernels compiled, or found compiled, in %.0f s", compile_kernels(snakemake.threads))
