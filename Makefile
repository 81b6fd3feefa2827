# Two commands matter: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test check format clean constraints
help:
	@echo "make demo    a simulated earthquake, found: results in demo-output/"
	@echo "make test    all tests"
	@echo "make check   ruff and mypy"
	@echo "make format  ruff's formatter"
	@echo "make clean   remove what these made"

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/.runtime: pyproject.toml constraints.txt | .venv/bin/pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/bin/pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/.runtime

demo: .venv/.runtime
	$(BIN)/sarlra demo --out demo-output

test: .venv/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

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
	rm -rf .venv demo-output demo-world .pytest_cache .mypy_cache .ruff_cache
