# Everything a clone needs: `make lm` runs the main job, `make test` the tests.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
BENCH := results/reference/bench

.PHONY: lm test test-all test-gpu lint docs bench reference

lm: $(READY)
	$(BIN)/compare --task lm

test: $(READY)
	$(BIN)/pytest

test-all: $(READY)
	$(BIN)/pytest -m "not gpu" --durations=40

test-gpu: $(READY)
	$(BIN)/pytest -n 0 -m gpu

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict compare backends engines tasks report benchmarks

docs: $(READY)
	$(BIN)/zensical build --clean --strict

# About four hours on two cores; the machine should have nothing else to do.
bench: $(READY)
	mkdir -p $(BENCH)
	$(BIN)/python benchmarks/against_native.py --rounds 6 --json $(BENCH)/native.json
	$(BIN)/python benchmarks/against_native.py --peers --rounds 6 --json $(BENCH)/peers.json
	$(BIN)/python benchmarks/modes.py --json $(BENCH)/modes.json
	$(BIN)/python benchmarks/overhead.py --json $(BENCH)/overhead.json
	$(BIN)/python benchmarks/against_itself.py --json $(BENCH)/itself.json
	$(BIN)/python benchmarks/repeatability.py --preset small --json $(BENCH)/repeatability-small.json
	$(BIN)/python benchmarks/repeatability.py --preset gpt --json $(BENCH)/repeatability-gpt.json
	$(BIN)/python benchmarks/many_cells.py --json $(BENCH)/many_cells.json
	$(BIN)/python benchmarks/big_text.py
	$(BIN)/python benchmarks/table.py $(BENCH)

# Some hours as well.
reference: $(READY)
	$(BIN)/python benchmarks/reference.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[cpu,dev]'
	touch $@
