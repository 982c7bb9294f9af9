#!/usr/bin/env bash
# Run by Snakemake inside the new environment, in the study's folder; rules/common.smk names the workflow's.
set -euo pipefail
home="${NEURAXIS_HOME:-.}"
if [ -f "$home/pyproject.toml" ]; then
    # editable, so that an edited source needs no new environment
    python -m pip install --quiet --no-deps --editable "$home"
else
    # the workflow of an installed package: the environment's jobs use the same sources
    ln -sfn "$NEURAXIS_PACKAGE" "$(python -c 'import site; print(site.getsitepackages()[0])')/neuraxis"
fi
