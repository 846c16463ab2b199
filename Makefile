# Every target sets up what it needs by itself: a Debian machine with Python 3.11, make and a
# compiler is enough. What only root may install (bubblewrap) is installed where we are root.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: all demo test test-all bench lint corpus rules-table vsix wheel clean
all: test

$(STAMP): constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	tools/system_packages.sh
	touch $@

demo: $(STAMP)
	$(BIN)/python tools/demo.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Two files of tests at a time: half of the time a test waits for processes of its own.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

test: lint
	$(PYTEST) -m "not slow" --durations=15

test-all: lint
	$(PYTEST) --durations=15

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# Hours on two cores, and only a quiet machine proves fast; a run that was stopped goes on with
# --since its start, and --new proves only what is new or changed.
corpus: $(STAMP)
	$(BIN)/python -m tools.build_corpus

# About half an hour on two cores; a run that was stopped goes on where it was. The interpreters
# are those that PATH and pyenv have; the own one comes first, since it has numpy and pandas.
rules-table: $(STAMP)
	$(BIN)/hasten rules measure --python $(BIN)/python --targets all --out analysis/rules/evidence.json
	$(BIN)/python -m benchmarks.rules --page

vsix:
	$(MAKE) -C editors/vscode vsix

wheel: $(STAMP)
	$(BIN)/python -m hatchling build -t wheel

clean:
	rm -rf $(VENV) build dist editors/vscode/node_modules editors/vscode/dist
