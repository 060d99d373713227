# Everything a developer or a shop engineer types. Needs Python 3.11 or newer and make; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
LOG ?=
ITEMS ?=
EVENTS ?=
RATE ?=
REPORT ?=
KEEP ?=

.PHONY: demo test check bench clean lock
.DEFAULT_GOAL := demo

demo: $(STAMP)
	@exec $(BIN)/headrace demo $(if $(LOG),--log "$(LOG)") $(if $(ITEMS),--items "$(ITEMS)") \
	    $(if $(EVENTS),--events "$(EVENTS)") $(if $(RATE),--rate "$(RATE)") $(if $(REPORT),--report "$(REPORT)") $(if $(filter-out 0,$(KEEP)),--keep)

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/headrace bench $(or $(NAME),--help)

clean:
	rm -rf $(VENV) .headrace build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

lock:  ## Resolve pyproject.toml anew for every platform, with hashes and without addresses.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev --extra peers \
	    --no-emit-index-url --no-header --no-annotate --output-file requirements.lock pyproject.toml

# uv installs the lock several times faster than pip; its own pinned line is cut out of the lock.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Headrace needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^uv==/ {p = 1} p {print} p && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.txt
	@echo "Installing the locked requirements into $(VENV) (torch is large: a minute or two the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@
