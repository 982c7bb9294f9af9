#!/usr/bin/env bash
# Run by Snakemake inside the new environment, in the workflow's folder.
set -euo pipefail
# editable, so that an edited source needs no new environment
python -m pip install --quiet --no-deps --editable .
