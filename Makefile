# One command each on a fresh machine with Python 3.11 or later: `make run`, `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CASE   := cases/composite/ncm83_packing
OUT    := $(CASE)/ncm83_packing.results

# Threads of the linear algebra libraries only disturb solves of this kind.
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

.PHONY: run test check bench report peers clean

run: $(VENV)/.ready
	$(BIN)/catholyte check $(CASE)/case.toml
	$(BIN)/catholyte run $(CASE)/case.toml --out $(OUT) --overwrite --plots

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q tests/unit/test_kernels.py tests/unit/test_grid_kernels.py

check: $(VENV)/.ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Sizes that take minutes: CATHOLYTE_BENCH_LONG=1. Threads of `report` and `peers`: THREADS=2; more options: ARGS="…".
THREADS ?= 1
ARGS    ?=

bench: $(VENV)/.ready-bench
	cd benchmarks && ../$(BIN)/asv machine --yes
	cd benchmarks && ../$(BIN)/asv run --quick --show-stderr --python=same

report: $(VENV)/.ready
	$(BIN)/python -m benchmarks.report --threads $(THREADS) $(ARGS)
	$(BIN)/python -m benchmarks.bandwidth --threads $(THREADS)

peers: $(VENV)/.ready-peers
	$(BIN)/python -m benchmarks.peers --threads $(THREADS) $(ARGS)

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.ready-test: pyproject.toml $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

$(VENV)/.ready-bench: pyproject.toml $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	touch $@

$(VENV)/.ready-peers: pyproject.toml benchmarks/peers/constraints.txt $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --editable ".[peers]" --constraint benchmarks/peers/constraints.txt
	touch $@

clean:
	rm -rf $(VENV) build dist solver/*.egg-info
