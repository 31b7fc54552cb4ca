# `make` alone lists the targets.
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help setup run reset

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## open the shop with its demo at http://127.0.0.1:1111/ (PORT, NIGHTMARKET_HOME, DATABASE_URL are honoured)
	@$(PYTHON) tools/setup.py && exec .venv/bin/nightmarket up --demo

reset: ## forget the shop's data, after asking
	@$(PYTHON) tools/setup.py && exec .venv/bin/nightmarket reset

setup: ## fetch everything a developer needs into .venv and node_modules
	@$(PYTHON) tools/setup.py --dev
