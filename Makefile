# The commands of this project. `make demo` needs Python 3.11 with venv, three system libraries and a package registry;
# `make test` also Chromium, Node.js 18 and npm. tools/check_system.py names what is missing.
PYTHON ?= python3.11
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: setup demo test bench check clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt tools/setup.sh
	@PYTHON="$(PYTHON)" sh tools/setup.sh $(VENV)
	@touch $@

demo: setup
	@$(VENV)/bin/visavis demo

test: setup
	@sh tools/test.sh $(VENV)

# Rendering, beside PyTorch too, which nothing else needs (some 200 MB more to fetch, or GBs where pip brings CUDA).
bench: setup
	@echo "installing PyTorch to compare with"
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,train]'
	@$(VENV)/bin/visavis bench render

check: setup
	@sh tools/check.sh $(VENV)

clean:
	rm -rf $(VENV) web/node_modules build *.egg-info .pytest_cache .ruff_cache
