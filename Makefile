# One command for each thing to do; `make` alone lists them. Needs Python 3.11+ and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 1
SEARCH ?= 1
GATEWAY ?=
FULL ?=
FOLLOWERS ?=
FOLLOWEES ?=
FAULT ?=
SECONDS ?=
SEED ?=
QUICK ?=
SCENES ?=
PROFILE ?=
TARGET ?=
OPTIONS ?=

.DEFAULT_GOAL := help
.PHONY: help run infra demo measure bench peers takeover interference cold chaos test test-fast soak check check-deploy audit \
	docs format clean clean-data other-python

# What changes how Python runs belongs to the user's other programs.
# Without byte code on disk each worker and each command compiles everything that it imports: seconds at every start.
unexport __PYVENV_LAUNCHER__ PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONSTARTUP PYTHONINSPECT PYTHONOPTIMIZE PYTHONWARNINGS PYTHONUSERBASE \
	PYTHONDONTWRITEBYTECODE

help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# `exec`: the program takes the shell's place, so it sees its parent change when make is killed.
run: $(VENV)/$(if $(GATEWAY),.gateway,.run)  ## Start everything and WORKERS=1 workers (GATEWAY=1: behind nginx, SEARCH=0: no search)
	@exec $(BIN)/python -m microblog_streams.local run --workers $(WORKERS) $(if $(filter 0,$(SEARCH)),--no-search) \
		$(if $(GATEWAY),--gateway deploy/gateway/microblog.conf.template)

infra: $(VENV)/.run  ## Start Kafka, Cassandra, PostgreSQL and Valkey alone, in the foreground
	@exec $(BIN)/python -m microblog_streams.local infra

demo: $(VENV)/.run  ## Import a real graph, post, check every timeline and search (FULL=1: the whole graph, SEARCH=0: no search)
	@FULL="$(FULL)" SEARCH="$(SEARCH)" WORKERS="$(WORKERS)" exec $(BIN)/python -m benchmarks.demo

measure: $(VENV)/.run  ## Measure on a stack of its own: the figures of docs/results.md (FULL=1: the whole graph)
	@FULL="$(FULL)" exec $(BIN)/python -m benchmarks.measure

bench: $(VENV)/$(if $(PROFILE),.profile,.run)  ## Measure every hot path beside its ceiling (QUICK=1, PROFILE=1, SCENES=pages,...)
	@QUICK="$(QUICK)" SCENES="$(SCENES)" PROFILE="$(PROFILE)" exec $(BIN)/python -m benchmarks.bench

peers: $(VENV)/.run  ## Put one load on this and on another platform (TARGET="URL", or users', posts' and timelines' URLs)
	@QUICK="$(QUICK)" exec $(BIN)/python -m benchmarks.peers $(if $(TARGET),--target $(TARGET)) $(OPTIONS)

takeover: $(VENV)/.run  ## Measure joins and takeovers of three workers (FULL=1: the whole graph)
	@FULL="$(FULL)" exec $(BIN)/python -m benchmarks.takeover

interference: $(VENV)/.run  ## Measure what a post to a million followers costs another author (FOLLOWERS=...)
	@FOLLOWERS="$(FOLLOWERS)" exec $(BIN)/python -m benchmarks.interference

cold: $(VENV)/.run  ## Measure the cold timeline of a user who follows 20,000 (FOLLOWEES=...)
	@FOLLOWEES="$(FOLLOWEES)" exec $(BIN)/python -m benchmarks.cold

chaos: $(VENV)/.test  ## Break every part under load and check every timeline (FAULT=name,... SECONDS=60 SEED=...)
	@FAULT="$(FAULT)" SECONDS="$(SECONDS)" SEED="$(SEED)" exec $(BIN)/python -m tests.chaos.run

# Three processes for two cores: their tests wait for a quarter of the time. Each process has a stack of its own, some
# 3 GB with its workers: four at most, whatever the number of cores.
test: $(VENV)/.test  ## Run all tests, three processes for two cores, four at most; they start what they need
	@EXAMPLES_PERCENT=100 CHAOS_RATE=15 PROCESSES_PER_CORE=1.5 $(BIN)/python -m pytest tests/unit tests/component tests/integration tests/system \
		-n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Two processes for each core: some tests wait.
test-fast: $(VENV)/.test  ## Run the unit and component tests alone, on all cores
	@EXAMPLES_PERCENT=10 PROCESSES_PER_CORE=2 $(BIN)/python -m pytest tests/unit tests/component -n auto

soak: $(VENV)/.test  ## Run the long tests: what takes minutes, and what `make test` has a shorter form of
	@CHAOS_RATE=15 $(BIN)/python -m pytest tests/soak

check: $(VENV)/.check  ## Check format, lint, types, import contracts, the image, docs and retired words
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/python -m tools.docs --check
	@$(BIN)/python -m tools.chart --check
	@$(BIN)/python -m tools.dashboards --check
	@$(BIN)/python -m tools.retired_words

# checkov pins versions that ours are not: it has an environment of its own.
check-deploy: $(VENV)/.check $(VENV)/checkov/.made  ## Check the chart, the manifests and the image for insecure settings, by checkov
	@$(BIN)/python -m tools.deployment_check $(VENV)/checkov/bin/checkov

$(VENV)/checkov/.made: deploy/checkov-requirements.txt | $(VENV)/.check
	@echo "Installing checkov: a minute or two the first time"
	@$(BIN)/python -m venv --clear --without-pip $(@D)
	@$(BIN)/python -m pip --python $(@D)/bin/python install --quiet --no-deps --requirement $<
	@touch $@

# --strict: a version that PyPI says nothing about is no version without advisories.
audit: $(VENV)/.check  ## Check the pinned dependencies for known vulnerabilities (needs the network)
	@$(BIN)/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off \
		2>$(VENV)/audit.log || { \
		tail -n 1 $(VENV)/audit.log | sed -E '/^Found /!s/^(ERROR:[^:]*:)?/PyPI cannot be asked for advisories: /' >&2; exit 1; }
	@tail -n 1 $(VENV)/audit.log

docs: $(VENV)/.run  ## Write the generated pages, the schema of the chart's values and the dashboards anew
	@$(BIN)/python -m tools.docs
	@$(BIN)/python -m tools.chart
	@$(BIN)/python -m tools.dashboards

format: $(VENV)/.check  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:  ## Remove the virtual environment and caches; spares the data
	@rm -rf $(VENV) $(VENV).old build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Asked of the lock, which every server inherits: a launcher's process id says nothing of servers that outlive it.
define NO_STACK_RUNS
for lock in .data/stack.lock .data-*/stack.lock; do \
	[ ! -e "$$lock" ] || $(PYTHON) -I -c 'import fcntl, sys; \
		fcntl.flock(open(sys.argv[1], "r+"), fcntl.LOCK_EX | fcntl.LOCK_NB)' "$$lock" 2>/dev/null || \
		{ echo "A stack runs on $${lock%/*}: stop it first" >&2; exit 1; }; done
endef

clean-data:  ## Remove the data of runs and measurements (.data, .data-*), after asking
	@$(NO_STACK_RUNS)
	@printf 'Remove .data and .data-*, with all posts there? [y/N] '
	@read -r answer && [ "$$answer" = y ] || { echo "Nothing was removed" >&2; exit 1; }
	@$(NO_STACK_RUNS)
	@rm -rf .data .data-*

# The virtual environment, once for each set of extras; a stamp file says what is installed. Where it was not finished,
# or is another Python's (an upgrade at the same path) or another folder's, USABLE is empty, and it is made anew.
INSTALLER := microblog_streams/local/virtual_environment.py
USABLE := $(shell $(BIN)/python -I $(INSTALLER) --check $(VENV) 2>/dev/null)
$(VENV)/.run: EXTRAS := local
$(VENV)/.profile: EXTRAS := local,profile
$(VENV)/.gateway: EXTRAS := local,gateway
$(VENV)/.test: EXTRAS := local,test
$(VENV)/.check: EXTRAS := local,test,check

$(VENV)/.run $(VENV)/.profile $(VENV)/.gateway $(VENV)/.test $(VENV)/.check: setup.cfg constraints.txt $(if $(USABLE),,other-python)
	@echo "Installing into $(VENV) ($(EXTRAS)): a minute or two the first time"
	@$(if $(USABLE),$(BIN)/python,$(PYTHON)) -I $(INSTALLER) $(VENV) $(EXTRAS)
	@touch $@

other-python:
	@command -v $(PYTHON) >/dev/null 2>&1 || \
		{ echo "There is no $(PYTHON): install Python 3.11 or newer, or name it with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is $$($(PYTHON) -V 2>&1): 3.11 or newer is needed; name one with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) lacks venv or ensurepip: install them (Debian: apt install python3-venv)" >&2; exit 1; }
