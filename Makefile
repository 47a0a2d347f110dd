# Two commands on a fresh machine: `make demo` and `make test`. All that they make stays inside this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLUSTER_LOG := $(VENV)/var/tests-cluster.log
# Nothing on the main path imports torch: the universal potentials and MACE have environments of their own.
CALCULATORS := $(VENV)/var/calculators
MACE := $(VENV)/var/mace

# Modules are compiled when they are first imported: compiling all of them takes two minutes, and most are never used.
# Jobs with the universal potentials do not write to their environment: there all modules are compiled.
PIP_INSTALL := pip install --no-compile

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_CACHE_DIR := 1
export PIP_QUIET := 1
# One thread for each program: the workflows run several of them at once.
export OMP_NUM_THREADS := 1
export MPLCONFIGDIR := $(CURDIR)/$(VENV)/var/matplotlib
export PRE_COMMIT_HOME := $(CURDIR)/$(VENV)/var/pre-commit
ifneq ($(wildcard $(CALCULATORS)/.installed),)
export SEIMLIP_CALCULATORS_PYTHON ?= $(CURDIR)/$(CALCULATORS)/bin/python
endif

ifneq ($(wildcard $(MACE)/.installed),)
export SEIMLIP_MACE_PYTHON ?= $(CURDIR)/$(MACE)/bin/python
endif

.PHONY: help demo sei install calculators mace test test-main test-cluster lint docs clean

help:  ## List the targets.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: install  ## Grow a potential for Li2CO3 and compute with it; results go to demo/. SHORT=1: only the potential.
	$(BIN)/aiida-seimlip demo --directory demo $(if $(SHORT),--short)

sei: install calculators  ## Grow one potential for the interphase with a teacher; results go to sei/. SHORT=1: try it.
	$(BIN)/aiida-seimlip sei --directory sei $(if $(SHORT),--short)

install: $(VENV)/.installed  ## Make .venv and install the package with what the demo needs.

calculators: $(CALCULATORS)/.installed  ## Make an environment with the universal potentials (torch, 1.5 GB): the tests find it.

mace: $(MACE)/.installed  ## Make an environment with MACE (torch, 1.5 GB), seimlip-lmp in it: the tests find it.

test: $(VENV)/.installed-dev $(VENV)/.pseudos  ## Install the test tools and run the whole suite.
	@echo 'tests/cluster, which wait for much of their time, run beside the others; what they print comes last.'
	@$(MAKE) --no-print-directory --jobs=2 --keep-going test-main test-cluster; \
	status=$$?; cat $(CLUSTER_LOG); exit $$status

test-main: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-cluster: $(VENV)/.installed-dev
	@mkdir -p $(dir $(CLUSTER_LOG))
	@$(BIN)/python -m pytest tests/cluster -o cache_dir=.pytest_cache/cluster > $(CLUSTER_LOG) 2>&1

lint: $(VENV)/.installed-dev  ## Run ruff, mypy, codespell and import-linter.
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

docs: $(VENV)/.installed-dev  ## Build the documentation, warnings as errors.
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

# Where there is pw.x, its tests need pseudopotentials, which are no part of this package.
$(VENV)/.pseudos: | $(VENV)/.installed-dev
	@if command -v pw.x > /dev/null; then $(BIN)/python -m tests.espresso.pseudos && touch $@ \
	|| echo 'The pseudopotentials could not be fetched: tests with pw.x cannot run.'; fi

clean:  ## Remove what the other targets made.
	rm -rf $(VENV) demo sei docs/_build docs/reference/_generated

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade 'pip>=24.2'

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo 'Installing aiida-seimlip into $(VENV) ...'
	$(BIN)/python -m $(PIP_INSTALL) -e '.[demo]'
	@echo 'Compiling the kernels ...'
	@$(BIN)/python -c 'from aiida_seimlip.science.mtp.kernel import compile_kernels; compile_kernels()'
	@touch $@

$(VENV)/var/%/.installed: requirements-%.txt | $(BIN)/python
	@echo 'Installing what $< lists into $(@D) ...'
	@rm -f $@
	@$(PYTHON) -m venv $(@D) && \
	$(@D)/bin/python -m pip install $$(grep '^torch' $<) && \
	$(@D)/bin/python -m pip install -r $< && \
	$(if $(filter mace,$*),$(@D)/bin/python -m pip install --no-deps -e . &&) touch $@ || { \
	  echo '*** What $< lists could not be installed: see above. All that does without it works.' >&2; \
	  exit 1; }

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.installed
	@echo 'Installing the test tools into $(VENV) ...'
	$(BIN)/python -m $(PIP_INSTALL) -e '.[dev]'
	@touch $@
