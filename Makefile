# Every target first brings .venv up to the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test lint bench clean

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

run: $(VENV)/.installed  ## the default study, from images to results/report/index.html
	snakemake --cores $(CORES)

test: $(VENV)/.installed  ## all tests
	pytest

lint: $(VENV)/.installed
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint

bench: $(VENV)/.installed  ## speed of the engine, beside the peer where it can be imported
	python benchmarks/engine.py

clean:
	rm -rf results .snakemake
