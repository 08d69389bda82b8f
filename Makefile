# run · test · check · fix · docs · bench · soak · coverage · lock · clean
#
# Everything lives in .venv, made once from python3 and constraints.txt; after that no target needs a network, but for the
# peers of bench, which it fetches at its first run and skips where it cannot.

PYTHON ?= python3
PORT ?= 8000
PYTEST_ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := $(wildcard src tests tools benchmarks)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check fix docs bench soak coverage lock clean

help:
	@echo 'make run [PORT=8000]       start the gateway and push the examples through it'
	@echo 'make test [PYTEST_ARGS=…]  all tests'
	@echo 'make check                 format, lint, types, layers, generated files, documentation'
	@echo 'make fix                   format and mend what can be mended'
	@echo 'make docs                  build the documentation into site/'
	@echo 'make bench                 benchmarks'
	@echo 'make soak                  long tests: kills, fuzz'
	@echo 'make coverage              branch coverage of the pure core'
	@echo 'make lock                  refresh constraints.txt'
	@echo 'make clean                 remove all that make made'

# ── The environment ──────────────────────────────────────────────────────────────────────────────────────────────────

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "aclf-fhir needs Python 3.11 or newer; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "'$(PYTHON)' has no venv module (on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	@touch $@

# The build backend comes first, pinned like the rest, so that the build fetches nothing of its own.
.venv/installed: .venv/made pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt hatchling
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

# ── Use ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

run: .venv/installed
	$(BIN)/aclf-fhir demo examples --port $(PORT)

# ── Check ────────────────────────────────────────────────────────────────────────────────────────────────────────────

test: .venv/installed-dev
	$(BIN)/pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

check: .venv/installed-dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/generate_profiles.py --check
	$(BIN)/python tools/generate_case_file.py --check
	$(BIN)/python tools/generate_score_pages.py --check
	$(BIN)/python tools/generate_life_cycle_page.py --check
	$(BIN)/mkdocs build --quiet --strict

fix: .venv/installed-dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

docs: .venv/installed-dev
	$(BIN)/mkdocs build --strict

coverage: .venv/installed-dev
	$(BIN)/coverage run -m pytest --quiet $(PYTEST_ARGS)
	$(BIN)/coverage report

soak: .venv/installed-dev
	$(BIN)/pytest --hypothesis-profile=soak -m 'soak or not soak' $(PYTEST_ARGS)

bench: .venv/installed-dev
	@for script in benchmarks/*.py; do \
	  test -e "$$script" || { echo 'There are no benchmarks.' >&2; exit 1; }; \
	  echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done

# ── Keep ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

# Versions only: a fresh environment takes the newest of everything, and its list becomes the constraints.
lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip --disable-pip-version-check install --quiet '.[dev]'
	.venv-lock/bin/python -m pip --disable-pip-version-check freeze --exclude aclf-fhir > .venv-lock/constraints.txt
	mv .venv-lock/constraints.txt constraints.txt
	rm -rf .venv-lock

clean:
	rm -rf .venv .venv-lock build dist site htmlcov .coverage .coverage.* .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
