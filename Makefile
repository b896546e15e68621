# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVE_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-milvus check serve setup setup-dev weights format lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: setup weights ## run a whole search from registration to home, then serve the pages
	$(BIN)/lighthouse demo

test: setup-dev weights ## run the whole suite (SQLite and a real PostgreSQL)
	$(BIN)/pytest -n auto --dist worksteal

test-milvus: setup-dev weights ## run the suites of the service and of the index with Milvus as the index
	LIGHTHOUSE_TEST_INDEX=milvus $(BIN)/pytest -n auto --dist worksteal tests/api tests/index

check: setup-dev weights ## format, lint, types, contracts and the whole suite
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --dist worksteal

serve: setup weights ## start the service on http://127.0.0.1:8400
	$(BIN)/lighthouse db upgrade
	$(BIN)/lighthouse serve $(SERVE_ARGS)

setup: $(VENV)/run.stamp ## install what running needs
setup-dev: $(VENV)/dev.stamp ## install what running and testing need

weights: | $(VENV)/run.stamp ## fetch the default weights, checked by sha256
	$(BIN)/lighthouse models fetch

format: setup-dev ## put the code into its usual shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## resolve the dependencies anew (needs uv)
	requirements/lock

clean: ## remove the environment and the local data
	rm -rf $(VENV) var

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	requirements/install $(PYTHON) $(VENV) requirements/run.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml
	requirements/install $(PYTHON) $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/run.stamp
