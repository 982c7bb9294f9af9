# Every target first brings .venv up to the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
export PATH := $(CURDIR)/$(BIN):$(PATH)

# Matrices of twenty columns: threads of the linear algebra cost more than they give, twice so beside other processes.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

.PHONY: run test test-slow test-python test-slurm lint bench fuzz faults mutants docs clean

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

run: $(VENV)/.installed  ## the default study, from images to results/report/index.html
	snakemake --cores $(CORES)

test: $(VENV)/.installed  ## all tests
	pytest

test-slow: $(VENV)/.installed  ## the tutorial as it stands, from an installed wheel; kinds of study; a fit with kernels for any processor
	NEURAXIS_SLOW=1 pytest -n 0 tests/workflow/test_wheel.py tests/workflow/test_kinds.py tests/processors

test-python: $(VENV)/.installed  ## tests of the engine without the compiler, problems that are small enough (NEURAXIS_SECONDS each, 20)
	NUMBA_DISABLE_JIT=1 pytest tests/sustain

test-slurm: $(VENV)/.installed  ## the small study on a one-machine SLURM (root; apt-get install slurm-wlm munge)
	bash tests/slurm/start.sh && python tests/slurm/compare.py; status=$$?; bash tests/slurm/stop.sh; exit $$status

lint: $(VENV)/.installed
	ruff check .
	ruff format --check .
	mypy
	python -m numpydoc lint $$(find src/neuraxis -name '*.py')
	snakefmt --check Snakefile rules workflow/Snakefile
	snakemake --lint

bench: $(VENV)/.installed  ## speed of the engine (beside the peer where it can be imported) and of the readers; calibration
	python benchmarks/engine.py $(if $(PEER),--peer $(PEER)) $(if $(PEER_PYTHON),--peer-python $(PEER_PYTHON))
	python benchmarks/features.py
	python benchmarks/clinical.py

INPUTS ?= 1000000
fuzz: $(VENV)/.installed  ## mutated files through every parser; counts to benchmarks/fuzz.tsv
	python tests/fuzz/long.py $(INPUTS)

ROOMS ?=
ONLY ?=
SAMPLE ?= 0
SEED ?= 1
MOST ?= inf
FAULTS ?= 1000
faults: $(VENV)/.installed  ## kills, damage, full disks, limits while a job runs; results compared; benchmarks/reliability.tsv
	OPENBLAS_NUM_THREADS=1 python tests/faults/harness.py $(FAULTS)

mutants: $(VENV)/.installed  ## named faults planted one at a time (ONLY=twenty: those of a list; SAMPLE=30: random mutants of ROOMS, drawn by SEED, MOST seconds of tests each), the tests must notice
	python benchmarks/mutants.py --sample $(SAMPLE) --seed $(SEED) --most $(MOST) --only "$(ONLY)" $(ROOMS)

docs: $(VENV)/.installed  ## the graphs of docs/workflow.md, the README's picture where results/ are there, the site docs/site/html
	python docs/draw.py
	python -m sphinx -q -b html docs docs/site/html

clean:
	rm -rf results .snakemake
