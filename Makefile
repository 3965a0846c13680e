# Everything from nothing: `make run` and `make test` need Python 3.11+, make and a package index.

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --require-hashes --progress-bar off

.PHONY: run test attacks bench soak check stop lock
.DELETE_ON_ERROR:

run: $(VENV)/.installed
	@$(PY) -m saasbot run --stop-with-parent

# Tests of one file stay together: they share what is costly to start.
test: $(VENV)/.installed-dev
	@$(PY) -m pytest --numprocesses $$($(PY) -c "import os; print(min(4, os.cpu_count() + 1))") --dist loadfile

# Only the numbered attempts to get in, or to get something out (docs/attacks.md).
attacks: $(VENV)/.installed-dev
	@$(PY) -m pytest -m attack

bench: $(VENV)/.installed-dev
	@$(PY) -m bench

# Every promise about numbers, under load and faults: an hour and three quarters; SOAK="simulated kills" for some of them.
soak: $(VENV)/.installed-dev
	@$(PY) -m soak $(SOAK)

check: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright --pythonpath $(PY)
	$(VENV)/bin/lint-imports
	$(PY) -m tools.audit

stop: $(VENV)/.installed
	@$(PY) -m saasbot stop

# New versions within what the .in files say; no index address is written down.
lock: $(VENV)/.installed-dev
	$(PY) -m uv pip compile $(LOCK) requirements.in -o requirements.txt
	$(PY) -m uv pip compile $(LOCK) -c requirements.txt requirements-dev.in -o requirements-dev.txt

LOCK := --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade

$(PY):
	@echo "Creating the Python environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=<path>")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(PY)
	@echo "Installing the Python packages (the first time a minute or two)"
	@$(PIP) -r requirements.txt
	@touch $@

# The tools' list holds the program's packages as well, in the same versions.
$(VENV)/.installed-dev: requirements-dev.txt requirements.txt | $(PY)
	@echo "Installing the Python packages and the test tools (the first time a minute or two)"
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/.installed
