# Everything a new machine needs: `make demo` shows the product, `make test` proves it.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help setup demo test lint types check lock clean

help:            ## list what there is to make
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/ready  ## make the virtual environment, with the locked versions

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[dev]'
	@$(MAKE) --no-print-directory zbar
	@touch $@

# pyzbar needs the system's libzbar. Where it cannot be installed, everything else still works.
zbar:
	@if ldconfig -p 2>/dev/null | grep -q libzbar || [ -e /opt/homebrew/lib/libzbar.dylib ]; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  { apt-get update -qq; apt-get install -y -qq libzbar0; } >/dev/null || true; \
	elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then \
	  { sudo apt-get update -qq; sudo apt-get install -y -qq libzbar0; } >/dev/null || true; \
	elif command -v brew >/dev/null; then brew install --quiet zbar || true; \
	else echo "libzbar is missing: install libzbar0 (Debian, Ubuntu) or zbar (Homebrew)" >&2; fi

demo: setup      ## run the main job on the samples, on an embedded OSS
	$(BIN)/redactor demo

test: setup      ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --quiet

lint: setup      ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup     ## check types
	$(BIN)/mypy

check: lint types test  ## all of the above

lock: setup      ## write the versions installed now into constraints.txt
	{ sed -n '/^#/p' constraints.txt; \
	  $(BIN)/python -m pip freeze --all --exclude-editable | grep -v '^pip=='; } > constraints.new
	mv constraints.new constraints.txt

clean:           ## remove the virtual environment and what was made
	rm -rf $(VENV) redactor-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
