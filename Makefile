# The menu. Python 3.11 or newer, git and make are all it needs; everything else lands in .venv.
PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
LOCKED := $(PIP) --require-hashes -r
PYTHONS := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11

.DEFAULT_GOAL := help
.PHONY: help run cluster test check fmt bench soak lock clean
.SUFFIXES:

help: ## this menu
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

run: .venv/.run ## one process on http://127.0.0.1:$PORT (8000), nothing else needed
	@exec $(PY) manage.py serve

cluster: .venv/.cluster ## PostgreSQL, Valkey, WORKERS web processes and a worker on this machine
	@exec $(PY) manage.py cluster

test: .venv/.dev ## everything, on SQLite, PostgreSQL, Valkey and Chromium (ONLY="unit browser" for some; SEED=1 for an order)
	@exec $(PY) -m tests.run_all $(if $(SEED),--seed $(SEED)) $(ONLY)

check: .venv/.dev ## format, lint, types, import boundaries, missing migrations, deploy check
	@exec $(PY) -m tests.run_checks

fmt: .venv/.dev ## put the code into its format
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

bench: .venv/.dev ## tables of what it costs, each beside a baseline (ONLY="locks storm" for some); half an hour
	@exec $(PY) -m bench $(ONLY)

soak: .venv/.dev ## long random runs, mutants, and a cluster under load that is hurt (ONLY="chaos" for some)
	@exec $(PY) -m tests.soak $(ONLY)

# Needs none of the lock files, so that it mends every one of them.
lock: .venv/.lock ## renew the lock files and docs/licences.md from requirements*.txt (UPGRADE=1: the newest of everything)
	@$(PY) -m tests.dependencies.lock_files $(if $(UPGRADE),--upgrade)
	@$(MAKE) --no-print-directory .venv/.dev
	@$(PY) -m tests.dependencies.licences

clean: ## take away .venv and caches (data in var/ stays)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

.venv/.made:
	@for python in $(PYTHONS); do \
	  if command -v $$python >/dev/null && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	    echo "Making .venv with $$python"; $$python -m venv --clear .venv && touch $@ && exit 0; exit 1; \
	  fi; \
	done; echo 'BookMySeat needs Python 3.11 or newer: make run PYTHON=/path/to/python3' >&2; exit 1

# From the lock files: what was tested is what is installed, byte for byte, and again when a lock file changes.
.venv/.run: requirements.lock .venv/.made
	@echo 'Installing what the product runs on'
	@$(LOCKED) requirements.lock && touch $@

.venv/.cluster: requirements-cluster.lock .venv/.made
	@echo 'Installing what the cluster needs'
	@$(LOCKED) requirements-cluster.lock && touch $@

.venv/.dev: requirements-dev.lock .venv/.made
	@echo 'Installing what tests and checks need'
	@$(LOCKED) requirements-dev.lock && touch $@

.venv/.lock: requirements-dev.txt .venv/.made
	@$(PIP) "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements-dev.txt)" && touch $@
