# The commands of this project. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One worker more than there are cores: tests of processes and of the browser often wait.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: help install demo test lint types bench bench-full fmt lock

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(DEV_STAMP): $(STAMP) requirements-dev.txt requirements-llm.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-llm.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	touch $@

install: $(STAMP) ## Make .venv with the `startdeliver` command in it

demo: $(STAMP) ## Start everything with sample data and a simulated Intercom workspace
	$(BIN)/startdeliver demo

test: $(DEV_STAMP) ## Run the tests on SQLite and, when TEST_POSTGRES_URL is set, on PostgreSQL
	$(PYTEST)
	@if [ -n "$$TEST_POSTGRES_URL" ]; then \
		echo "On PostgreSQL, every test that uses a database:"; \
		STARTDELIVER_TEST_DATABASE=postgres $(PYTEST); \
	else \
		echo "PostgreSQL was not tested: TEST_POSTGRES_URL is not set."; \
	fi

lint: $(DEV_STAMP) ## Check style and the directions of import
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(DEV_STAMP) ## Check types
	$(BIN)/mypy

bench: $(DEV_STAMP) ## Measure the claims of benchmarks/README.md that fit in a few minutes
	$(BIN)/python -m benchmarks

bench-full: $(DEV_STAMP) ## Measure every claim, on PostgreSQL too when TEST_POSTGRES_URL is set
	$(BIN)/python -m benchmarks --full

fmt: $(DEV_STAMP) ## Put the code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(DEV_STAMP) ## Resolve the dependencies anew, with hashes
	$(BIN)/python -m pip install --quiet pip-tools
	for name in requirements requirements-llm requirements-dev; do \
		$(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
			--strip-extras --allow-unsafe --upgrade -o $$name.txt $$name.in || exit 1; \
	done
