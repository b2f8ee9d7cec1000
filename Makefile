# Everything a clone needs: `make lm` runs the main job, `make test` the tests.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: lm test test-all test-gpu lint bench

lm: $(READY)
	$(BIN)/compare --task lm

test: $(READY)
	$(BIN)/pytest

test-all: $(READY)
	$(BIN)/pytest -m "not gpu"

test-gpu: $(READY)
	$(BIN)/pytest -n 0 -m gpu

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict compare backends tasks report

bench: $(READY)
	$(BIN)/python benchmarks/against_native.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/many_cells.py
	$(BIN)/python benchmarks/big_text.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[cpu,dev]'
	touch $@
