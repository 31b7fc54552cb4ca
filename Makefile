# `make` alone lists the targets.
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help setup run reset check test long bench torture docs format scoreboard

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## open the shop with its demo at http://127.0.0.1:1111/ (PORT, NIGHTMARKET_HOME, DATABASE_URL are honoured)
	@$(PYTHON) tools/setup.py && exec .venv/bin/nightmarket up --demo

reset: ## forget the shop's data, after asking
	@$(PYTHON) tools/setup.py && exec .venv/bin/nightmarket reset

setup: ## fetch everything a developer needs into .venv and node_modules
	@$(PYTHON) tools/setup.py --dev

test: ## set up what is missing, then run every test
	@$(PYTHON) tools/setup.py --dev && $(PYTHON) tools/chromium.py && .venv/bin/python tools/check.py --tests

check: ## what CI runs: format, lint, types, import contracts, every test; prints seconds by kind
	@$(PYTHON) tools/setup.py --dev && $(PYTHON) tools/chromium.py && .venv/bin/python tools/check.py

long: ## the tests that take minutes
	@$(PYTHON) tools/setup.py --dev && .venv/bin/python tools/check.py --long

bench: ## orders per second on this machine, beside pgbench in the same run; product pages; 100,000 products in and out, and searched
	@$(PYTHON) tools/setup.py --dev && .venv/bin/nightmarket bench && .venv/bin/python -m bench.imports && .venv/bin/python -m bench.search

ROUNDS ?= 10
MINUTES ?= 3
SEED ?= 1
torture: ## rehearsals with random faults: nothing lost, doubled, oversold or unpaid (ROUNDS=10 MINUTES=3 SEED=1)
	@$(PYTHON) tools/setup.py --dev && .venv/bin/python -m tools.torture --rounds $(ROUNDS) --minutes $(MINUTES) --seed $(SEED) --write

docs: ## write docs/reference anew from the code
	@$(PYTHON) tools/setup.py --dev && .venv/bin/python -m tools.reference

format: ## format the code and mend what ruff can mend
	@$(PYTHON) tools/setup.py --dev && .venv/bin/ruff format . && .venv/bin/ruff check --fix .

scoreboard: ## sizes, knots and tests of the house beside our aims
	@$(PYTHON) tools/setup.py --dev && .venv/bin/python -m tools.scoreboard
