# Two commands matter: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

#: What the map page is made of; a change builds it again.
VIEWER := $(wildcard viewer/*.* viewer/src/*)
PAGE := sarlra/serving/map/index.html

.PHONY: help demo test faults check format viewer clean constraints
help:
	@echo "make demo    a simulated earthquake, found: results in demo-output/"
	@echo "make test    all tests"
	@echo "make faults  the tests with faults, and their table in docs/faults.md"
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
	rm -rf .venv viewer/node_modules sarlra/serving/map demo-output demo-world .pytest_cache .mypy_cache .ruff_cache
