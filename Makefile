# `make demo` and `make test` need Python 3.11+ and make, nothing else.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
DEMO_OUT ?= demo-out
PARTS := schemas recorder replay migrations cli
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Everything that runs here is locked, the build backend included; hashes are checked. `make lock` renews.
LOCKED = $(PIP) install --require-hashes -r $(1) && $(PIP) install --no-deps --no-build-isolation -e .
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command 'make lock' --group build

.PHONY: demo test lint bench soak clean docs lock drift

demo: $(VENV)/.installed
	$(BIN)/earwitness demo --out $(DEMO_OUT)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed-lint $(VENV)/names
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	@cd $(VENV)/names && $(CURDIR)/$(BIN)/lint-imports --no-cache $(CURDIR)/pyproject.toml

soak: $(VENV)/.installed-test
	EARWITNESS_TEST_SIZE=soak $(BIN)/python -m pytest -n 2

bench: $(VENV)/.installed-test
	$(BIN)/python -m bench

docs: $(VENV)/.installed-test
	$(BIN)/python -m docs.generate

# The newest versions that pyproject.toml allows, for Python 3.11 and newer. `lowest.txt`: the oldest of what it names.
lock: | $(VENV)/bin/python
	$(PIP) install --upgrade uv
	$(LOCK) --extra test --extra lint --extra browser pyproject.toml --output-file requirements/all.txt
	$(LOCK) --extra test --constraint requirements/all.txt pyproject.toml --output-file requirements/test.txt
	$(LOCK) --constraint requirements/all.txt pyproject.toml --output-file requirements/demo.txt
	$(LOCK) --extra test --resolution lowest-direct pyproject.toml --output-file requirements/lowest.txt
	! command -v npm >/dev/null || npm install --silent --prefix tests/node --package-lock-only --omit-lockfile-registry-resolved

# What is newer than the locks, by name, and whether the suite passes with it. It changes nothing here.
drift: | $(VENV)/bin/python
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && $(BIN)/python -m venv $$scratch \
	&& $$scratch/bin/python -m pip install --quiet --upgrade pip -e '.[test]' && $$scratch/bin/python -m tests.tools.drift

clean:
	rm -rf $(VENV) build dist *.egg-info $(DEMO_OUT)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Name one with 'make PYTHON=/path/to/python3 …'." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# pyright cannot follow the import hook of an editable install: here it finds the parts under their installed names.
$(VENV)/names: pyproject.toml | $(VENV)/bin/python
	@rm -rf $@ && mkdir -p $@/earwitness
	@for part in $(PARTS) earwitness/py.typed earwitness/*.py; do ln -s ../../../$$part $@/earwitness/; done

$(VENV)/.installed: pyproject.toml requirements/demo.txt | $(VENV)/bin/python
	$(call LOCKED,requirements/demo.txt)
	@touch $@

$(VENV)/.installed-test: pyproject.toml requirements/test.txt | $(VENV)/bin/python
	$(call LOCKED,requirements/test.txt)
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-lint: pyproject.toml requirements/all.txt | $(VENV)/bin/python
	$(call LOCKED,requirements/all.txt)
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test
