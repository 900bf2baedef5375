# A fresh machine needs Python 3.11, 3.12 or 3.13, make and git; everything else is installed
# into .venv from the lock files.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run serve test lint ui bench models lock docs sbom audit clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
ENVIRONMENT := DO_NOT_TRACK=1 PATH="$(CURDIR)/$(BIN):$$PATH"

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/' | expand -t 10

run: $(VENV)/.ready$(if $(filter spark,$(ENGINE)),-for-spark) ## refresh: make run [LANDING=folder] [ENGINE=spark]; the sample history where there is no data yet
	@$(ENVIRONMENT) $(if $(ENGINE),REGULARS_WAREHOUSE__ENGINE="$(ENGINE)") regulars refresh --sample-if-empty $(if $(LANDING),--landing "$(LANDING)")

serve: $(VENV)/.ready ## the dashboard on http://127.0.0.1:8050, and its HTTP interface under /docs
	@$(ENVIRONMENT) regulars serve

test: $(VENV)/.ready-to-test ## all tests
	@$(ENVIRONMENT) python -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=20

lint: $(VENV)/.ready-to-test ## style, types and SQL
	@$(ENVIRONMENT) ruff check .
	@$(ENVIRONMENT) ruff format --check .
	@$(ENVIRONMENT) mypy
	@$(ENVIRONMENT) sqlfluff lint --disable-progress-bar --processes 0 dbt_project

ui: $(VENV)/.ready ## Dagster's pages on http://127.0.0.1:3000
	@$(ENVIRONMENT) regulars ui

bench: $(VENV)/.ready-to-test ## time by step and peak memory next to a bare script and an earlier build, with a million customers, and with 50 readers
	@$(ENVIRONMENT) python -m benchmarks.refresh --write
	@$(ENVIRONMENT) python -m benchmarks.loading
	@$(ENVIRONMENT) python -m benchmarks.exports
	@$(ENVIRONMENT) python -m benchmarks.million
	@$(ENVIRONMENT) python -m benchmarks.serving --write

models: $(VENV)/.ready-to-test ## measure the models and write docs/models.md anew
	@$(ENVIRONMENT) python -m benchmarks.models

docs: $(VENV)/.ready-to-test ## write the data dictionary anew from the dbt documentation
	@$(ENVIRONMENT) python -m orchestration.data_dictionary

sbom: $(VENV)-audit/.ready ## what is installed with Regulars, as CycloneDX: sbom.cdx.json
	@$(VENV)-audit/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o sbom.cdx.json
	@echo "Wrote sbom.cdx.json"

audit: $(VENV)-audit/.ready ## ask a database on the internet for known vulnerabilities of what the lock has
	@$(VENV)-audit/bin/python deploy/known_vulnerabilities.py requirements.lock

lock: $(VENV)/.tools ## resolve the dependencies anew
	@$(BIN)/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header requirements-build.in -o requirements-build.lock
	@$(BIN)/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header --group dev --extra databases --extra postgresql pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header -c requirements-dev.lock --extra databases --extra postgresql pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header requirements-audit.in -o requirements-audit.lock
	@$(BIN)/uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header -c requirements-dev.lock --extra databases --extra postgresql --extra spark pyproject.toml -o requirements-spark.lock

clean: ## remove the environment; data stays
	rm -rf $(VENV) $(VENV)-audit *.egg-info

# ---- the environment ---------------------------------------------------------

# Compiled once here, not at each start: without bytecode every import takes twice as long.
# The packages' own tests are left out, a quarter of it all; a file that this Python can't
# compile is nobody's to import. uv installs the lock in seconds, with the machine's own
# certificates as a company proxy needs them; where it can't reach an index that pip is
# configured for, pip does the same in a minute or two
INSTALL = { $(BIN)/uv pip install -q --system-certs --python $(BIN)/python --require-hashes -r $(1) \
	|| $(BIN)/python -m pip install -q --no-compile --require-hashes -r $(1); } \
	&& { $(BIN)/python -m compileall -qq -j 0 -x '/tests/' $(VENV)/lib || true; }
INSTALL_SELF = $(BIN)/python -m pip install -q --no-deps --no-build-isolation --editable .

$(VENV)/.tools: requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12), (3, 13)))' \
		|| { echo "Regulars needs Python 3.11, 3.12 or 3.13; name one with make PYTHON=…"; exit 1; }
	@echo "Making the environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --require-hashes -r requirements-build.lock
	@touch $@

$(VENV)/.ready: $(VENV)/.tools requirements.lock pyproject.toml
	@$(call INSTALL,requirements.lock)
	@$(INSTALL_SELF)
	@touch $@

# only where it is asked for: half a gigabyte
$(VENV)/.ready-for-spark: $(VENV)/.ready requirements-spark.lock
	@$(call INSTALL,requirements-spark.lock)
	@touch $@

$(VENV)/.ready-to-test: $(VENV)/.ready requirements-dev.lock
	@$(call INSTALL,requirements-dev.lock)
	@touch $@

$(VENV)-audit/.ready: requirements-audit.lock
	@echo "Making the environment in $(VENV)-audit …"
	@$(PYTHON) -m venv $(VENV)-audit
	@$(VENV)-audit/bin/python -m pip install -q --require-hashes -r requirements-audit.lock
	@touch $@
