# Every target makes its own environment in .venv first, and only once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Processes of the tests, each with one thread. The tests of a file share what they made and stay
# in one process; files are taken in their order, for the fewest tests are not the quickest.
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test coverage lint docs fuzz bench dist clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

demo: $(READY)  ## a first adaptation on drawn images, minutes on a laptop CPU
	$(BIN)/genmix-da adapt --src Ar --tgt Cl --setting opda --augment none --seed 1 \
	  --out runs/demo --resume
	$(BIN)/genmix-da report runs/demo --out runs/demo/report.html

test coverage: export OMP_NUM_THREADS := 1
test coverage: export MKL_NUM_THREADS := 1

test: $(READY)  ## all but the fuzzing, which is another target
	$(PYTEST) --ignore tests/fuzz

coverage: $(READY)  ## the same, and which lines it reaches; takes longer
	$(PYTEST) --cov --cov-report=term

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)  ## the pages as a site, site/index.html; a warning is an error
	$(BIN)/mkdocs build --strict

fuzz: export OMP_NUM_THREADS := 1
fuzz: export GENMIX_DA_FUZZ_MINUTES ?= 60
fuzz: $(READY)  ## hostile arguments and files; an hour of other ones every time, minutes of the same
	$(BIN)/python -m pytest tests/fuzz

bench: $(READY)
	$(BIN)/python scripts/bench/adapt.py
	$(BIN)/python scripts/bench/augment.py
	$(BIN)/python scripts/bench/table.py
	$(BIN)/python scripts/bench/classify.py
	$(BIN)/python scripts/bench/graph.py

dist: $(READY)  ## wheel and sdist, checked as the index checks them
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .coverage
