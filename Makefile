# `make` lists what can be done. Needs only make and Python 3.11 or newer (or uv); everything else goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-live test quick check size reference messages bench bench-peers bench-report mutants figures app constraints clean

BIN    := .venv/bin
STAMP  := .venv/.installed
PEERS  := .venv-peers/.installed
FAULTS := .venv-mutants/.installed
RESULTS := docs/speed/results.json
PARTS  := $(wildcard emberline scenarios twin models planning studies runs reports live ui app.py benchmarks tests)
ROOMS  := scenarios twin models planning studies runs reports live ui
ARGS   ?=
# Tests on the cores there are, and one process more, as tests of the pages wait for browsers: each process has its run
# of neighbours, as they share plans and servers, and who is done takes from the other. `-n 0` in ARGS: one process.
CORES  := -n $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))) --maxprocesses 4 --dist worksteal

help:  ## list the targets (this)
	@echo "make TARGET [ARGS=\"…\"]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## make .venv and install Emberline with its test and check tools
	@echo "Ready: $(BIN)/emberline"

demo: $(STAMP)  ## plan two days of the reference melt shop (48 heats) and say where the plan is
	$(BIN)/emberline plan melt-shop-two-days
	@echo
	@echo "The plan is stored; its run and folder stand above."
	@echo "  see it in the browser    make app"
	@echo "  all stored plans         $(BIN)/emberline runs"
	@echo "  other things to ask      $(BIN)/emberline --help"

demo-live: $(STAMP)  ## a simulated plant, the loop and the page Shift, until Ctrl-C; needs no broker
	@folder="$$(mktemp -d)"; cd "$$folder"; export EMBERLINE_HOME="$$folder/home"; trap 'kill 0' EXIT; \
	"$(CURDIR)/$(BIN)/emberline" live simulate melt-shop-small --speed 60 & plant=$$!; \
	while [ ! -f live.yaml ] && kill -0 $$plant 2>/dev/null; do sleep 0.2; done; [ -f live.yaml ] || exit 2; \
	"$(CURDIR)/$(BIN)/emberline" live run live.yaml & \
	echo "The page Shift is in the section Plant. Everything of this demo lies in $$folder."; \
	"$(CURDIR)/$(BIN)/emberline" app

test: $(STAMP)  ## run the tests, on up to 4 cores (ARGS="-k heat -x" goes to pytest; -n 0: in one process)
	$(BIN)/python -m pytest $(CORES) $(ARGS)

quick: $(STAMP)  ## the tests that take less than half a second each, in some three minutes: before every commit
	$(BIN)/python -m pytest $(CORES) --quick $(ARGS)

check: $(STAMP)  ## lint, formatting, types, and the size of the library
	$(BIN)/ruff check $(PARTS)
	$(BIN)/ruff format --check $(PARTS)
	@# the package as it is installed, for the type checker: links to the rooms (docs/design/0009)
	@mkdir -p build/types/emberline && ln -sfn $(foreach part,$(ROOMS) $(wildcard emberline/*.py),$(CURDIR)/$(part)) build/types/emberline/
	$(BIN)/mypy build/types/emberline app.py benchmarks tests
	@$(BIN)/python -m benchmarks.size --check

size: $(STAMP)  ## lines of code by room, next to what pyproject.toml allows
	@$(BIN)/python -m benchmarks.size

reference: $(STAMP)  ## make docs/reference: every key of scenarios and monitoring plans, from their records
	$(BIN)/python docs/make_reference.py

messages: $(STAMP)  ## gather the pages' messages into reports/text/locale/*.po, where new ones wait for a translation
	$(BIN)/pybabel -q extract -F babel.cfg -k tr -k trn:1,2 -k mark -k Message \
	  -k paragraph -k caption -k info -k warning --no-default-keywords --sort-output --width 120 \
	  --add-location file --project Emberline --version 0.1 --output emberline.pot .
	@for language in $(notdir $(basename $(wildcard reports/text/locale/*.po))); do \
	  $(BIN)/pybabel -q update -i emberline.pot -o reports/text/locale/$$language.po -l $$language --width 120 \
	    --no-fuzzy-matching --ignore-pot-creation-date || exit 1; \
	done

bench: $(STAMP)  ## measure speed against the references (ARGS="hub week" names benches; --help lists them)
	$(BIN)/python -m benchmarks --json $(RESULTS) $(ARGS)

bench-peers: $(STAMP) $(PEERS)  ## the same cases in linopy, PyPSA, oemof.solph, flixopt and CP-SAT, in .venv-peers (docs/peers.md)
	$(BIN)/python -m benchmarks --json $(RESULTS) peers cp-sat $(ARGS)

bench-report: $(STAMP)  ## write docs/speed.md with tables and plots from what the benches stored
	$(BIN)/python -m benchmarks report

mutants: $(STAMP) $(FAULTS)  ## put small faults into the code and see whether tests notice (ARGS="--rooms bill --sample 50"; docs/mutants.md)
	.venv-mutants/bin/python -m benchmarks.mutants $(ARGS)

figures: $(STAMP)  ## write the recorded figures of small plants again: their difference is what a change has changed (tests/recorded)
	export PYTHONPATH=tests/oracles:tests/models:tests/twin; for table in figures spoilt bounds; do $(BIN)/python tests/recorded/$$table.py || exit 1; done

app: $(STAMP)  ## open the pages in the browser
	$(BIN)/emberline app

constraints:  ## resolve all dependencies afresh into constraints.txt (with Python 3.11, the oldest supported)
	python3.11 -m venv .venv-fresh
	.venv-fresh/bin/pip install --quiet --editable ".[test,check]"
	.venv-fresh/bin/pip list --format freeze --exclude emberline --exclude pip --exclude setuptools > constraints.txt
	rm -rf .venv-fresh

clean:  ## remove .venv and its neighbours, caches and builds; stored plans stay
	rm -rf .venv .venv-fresh .venv-peers .venv-mutants .mutants build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find $(PARTS) -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: with uv where there is one, else with the first Python that is new enough.
$(STAMP): pyproject.toml constraints.txt
	@set -e; export PIP_DISABLE_PIP_VERSION_CHECK=1; \
	say() { printf '%s\n' "$$@" >&2; }; \
	if command -v uv >/dev/null 2>&1; then \
	  $(BIN)/python -c '' 2>/dev/null || { rm -rf .venv; uv venv --quiet --python '>=3.11' .venv; }; \
	  say "Installing into .venv with uv …"; \
	  uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[test,check]'; \
	else \
	  if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    for p in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python none; do \
	      if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then break; fi; \
	    done; \
	    if [ $$p = none ]; then \
	      say "Emberline needs Python 3.11 or newer, and none was found (python3 here: $$(command -v python3 >/dev/null && python3 --version 2>&1 || echo absent))." \
	          "  Debian, Ubuntu:  apt install python3 python3-venv     macOS:  brew install python" \
	          "  or install uv, which brings a Python of its own. One in another place:  make setup PYTHON=/path/to/python3"; \
	      exit 1; \
	    fi; \
	    if ! "$$p" -c 'import ensurepip' >/dev/null 2>&1; then \
	      say "$$p has no venv module (ensurepip is missing).  Debian, Ubuntu:  apt install python3-venv"; \
	      exit 1; \
	    fi; \
	    rm -rf .venv; "$$p" -m venv .venv; \
	  fi; \
	  say "Installing into .venv with $$($(BIN)/python --version) (about a minute the first time) …"; \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,check]'; \
	fi; \
	touch $(STAMP)

# The peers, with the same Python; they would not fit beside Emberline's own releases.
$(PEERS): benchmarks/peers/requirements.txt | $(STAMP)
	@set -e; export PIP_DISABLE_PIP_VERSION_CHECK=1; rm -rf .venv-peers; \
	printf '%s\n' "Installing PyPSA, oemof.solph, flixopt and OR-tools into .venv-peers (some minutes the first time) …" >&2; \
	if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --python "$$($(BIN)/python -c 'import sys; print(sys._base_executable)')" .venv-peers; \
	  uv pip install --quiet --python .venv-peers/bin/python --requirement benchmarks/peers/requirements.txt; \
	else \
	  $(BIN)/python -m venv .venv-peers; \
	  .venv-peers/bin/python -m pip install --quiet --requirement benchmarks/peers/requirements.txt; \
	fi; \
	touch $(PEERS)

# cosmic-ray, which changes the code from outside, so that it need not fit beside Emberline's own releases.
$(FAULTS): benchmarks/mutants/requirements.txt | $(STAMP)
	@set -e; export PIP_DISABLE_PIP_VERSION_CHECK=1; rm -rf .venv-mutants; \
	if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --python "$$($(BIN)/python -c 'import sys; print(sys._base_executable)')" .venv-mutants; \
	  uv pip install --quiet --python .venv-mutants/bin/python --requirement benchmarks/mutants/requirements.txt; \
	else \
	  $(BIN)/python -m venv .venv-mutants; \
	  .venv-mutants/bin/python -m pip install --quiet --requirement benchmarks/mutants/requirements.txt; \
	fi; \
	touch $(FAULTS)
