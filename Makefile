# Two commands matter: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

#: What the map page is made of; a change builds it again.
VIEWER := $(wildcard viewer/*.* viewer/src/*)
PAGE := sarlra/serving/map/index.html

.PHONY: help bench bench-quick demo test faults check format viewer clean constraints
help:
	@echo "make demo    a simulated earthquake, found: results in demo-output/"
	@echo "make test    all tests"
	@echo "make faults  the tests with faults, and their table in docs/faults.md"
	@echo "make bench   the benchmarks, into docs/results (half an hour; bench-quick: a small try)"
	@echo "make check   ruff and mypy"
	@echo "make format  ruff's formatter"
	@echo "make viewer  the map page of sarlra serve"
	@echo "make clean   remove what these made"

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/.runtime: pyproject.toml constraints.txt | .venv/bin/pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/bin/pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/.runtime

# Installing builds the page; this is for when its sources change, or it was removed.
$(PAGE): $(VIEWER) | .venv/.dev
	$(BIN)/python viewer/hatch_build.py

viewer: $(PAGE)

demo: .venv/.runtime
	$(BIN)/sarlra demo --out demo-output

test: .venv/.dev $(PAGE)
	$(BIN)/python -m pytest -n 2 --dist loadfile

faults: .venv/.dev
	$(BIN)/python -m pytest tests/faults --fault-table docs/faults.md

# One after the other: they measure.
define BENCH
	$(BIN)/python benchmarks/composite.py $(1) --out $(2)
	$(BIN)/python benchmarks/composite.py $(1) --beside 300 --out $(2)
	$(BIN)/python benchmarks/composite.py $(1) --http --out $(2)
	$(BIN)/python benchmarks/scores.py $(1) --out $(2)
	$(BIN)/python benchmarks/scores.py $(1) --filters 64 --out $(2)
	$(BIN)/python benchmarks/whole_job.py $(1) --out $(2) --figure $(3)/growth.png
endef

bench: .venv/.dev
	$(call BENCH,,docs/results,docs/figures)

bench-quick: .venv/.dev
	$(call BENCH,--quick,.bench,.bench)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

constraints: .venv/.dev
	$(BIN)/pip freeze --exclude-editable | grep -v ' @ ' > constraints.txt

clean:
	rm -rf .venv .bench viewer/node_modules sarlra/serving/map demo-output demo-world .pytest_cache .mypy_cache .ruff_cache
