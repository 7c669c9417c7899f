# `make demo` and `make test` need Python 3.11+ and make, nothing else.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
DEMO_OUT ?= demo-out
PARTS := schemas recorder replay migrations cli
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint bench soak clean docs

demo: $(VENV)/.installed
	$(BIN)/earwitness demo --out $(DEMO_OUT)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed-lint $(VENV)/names
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

soak: $(VENV)/.installed-test
	EARWITNESS_TEST_SIZE=soak $(BIN)/python -m pytest -n 2

bench: $(VENV)/.installed-test
	$(BIN)/python -m bench

docs: $(VENV)/.installed-test
	$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) build dist *.egg-info $(DEMO_OUT)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Name one with 'make PYTHON=/path/to/python3 …'." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# pyright cannot follow the import hook of an editable install: here it finds the parts under their installed names.
$(VENV)/names: pyproject.toml | $(VENV)/bin/python
	@rm -rf $@ && mkdir -p $@/earwitness
	@for part in $(PARTS) earwitness/py.typed earwitness/*.py; do ln -s ../../../$$part $@/earwitness/; done

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-lint: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -e '.[test,lint]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test
