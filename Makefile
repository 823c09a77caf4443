# Everything a new machine needs: `make demo` shows the product, `make test` proves it.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help setup demo test unit lint types check lock clean

help:            ## list what there is to make
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/ready  ## make the virtual environment, with the locked versions

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[dev]'
	@$(MAKE) --no-print-directory system
	@touch $@

# pyzbar needs the system's libzbar, JPEGs are changed by its libturbojpeg, and tests open what was
# written with the readers of others and reports in a browser. Where they cannot be installed, everything else still works.
APT = libzbar0 libturbojpeg0 libjpeg-turbo-progs pngcheck webp gifsicle libtiff-tools libimage-exiftool-perl \
  libavif-bin libheif-examples apngdis chromium fonts-dejavu-core
BREW = zbar jpeg-turbo pngcheck webp gifsicle libtiff exiftool libavif libheif
READERS = djpeg pngcheck webpinfo gifsicle tiffinfo exiftool avifdec heif-info apngdis chromium

system:
	@if { ldconfig -p 2>/dev/null | grep libzbar && ldconfig -p | grep libturbojpeg \
	  || [ -e /opt/homebrew/lib/libzbar.dylib ]; } >/dev/null \
	  && for reader in $(READERS); do command -v $$reader >/dev/null || exit 1; done; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  { apt-get update -qq; for name in $(APT); do apt-get install -y -qq $$name; done; } \
	    >/dev/null 2>&1 || true; \
	elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then \
	  { sudo apt-get update -qq; for name in $(APT); do sudo apt-get install -y -qq $$name; done; } \
	    >/dev/null 2>&1 || true; \
	elif command -v brew >/dev/null; then \
	  for name in $(BREW); do brew install --quiet $$name || true; done; \
	else echo "install what is missing of: $(APT)" >&2; fi

demo: setup      ## run the main job on the samples, on an embedded OSS
	$(BIN)/redactor demo

test: setup      ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --quiet

unit: setup      ## run the tests that need no process, server, browser or whole command
	$(BIN)/python -m pytest --numprocesses auto --quiet -m "not integration"

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
