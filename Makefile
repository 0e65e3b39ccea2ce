# `make demo` and `make test` each do all their own set-up; everything lives in .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint docs unit clean

demo: $(VENV)/.explaining            ## explain a sample article with the model that comes with hdoc
	$(BIN)/hdoc explain hdoc/assets/samples/childcare.txt

test: lint unit                      ## everything that is checked before a change goes in

lint: $(VENV)/.developing            ## style, types, the direction of imports, the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory docs

docs: $(VENV)/.developing            ## the documentation as a site: build/site/index.html
	$(BIN)/python scripts/results.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

unit: $(VENV)/.developing            ## the tests
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadfile

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.explaining: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/.developing: pyproject.toml constraints.txt scripts/system_packages.sh | $(VENV)/bin/python
	sh scripts/system_packages.sh
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.explaining

clean:                               ## forget the environment and all that was built
	rm -rf $(VENV) build dist *.egg-info
