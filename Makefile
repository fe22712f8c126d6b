# Everything from a bare machine with Python 3.11 or newer. `make help` lists the targets.
.POSIX:
.SUFFIXES:

# Inside the environment, so that they go when it goes.
STAMP = .venv/stamp

help:
	@echo 'make demo     start everything with believable data, and stay up (ONCE=1: end after it)'
	@echo 'make test     run all tests, with a browser'
	@echo 'make coverage run the tests in one process, and write htmlcov/'
	@echo 'make lint     check style, types and the direction of imports'
	@echo 'make setup    make .venv with everything for development'
	@echo 'make browser  find or install Chromium for the tests'
	@echo 'make lock     work out requirements/*.txt anew from pyproject.toml'
	@echo 'make clean    remove what the targets above have made'

setup: $(STAMP)/dev

# The smaller environment, enough to run Bursar.
run: $(STAMP)/run

$(STAMP)/dev: requirements/dev.txt pyproject.toml ops/setup.sh
	@sh ops/setup.sh requirements/dev.txt
	@mkdir -p $(STAMP) && touch $(STAMP)/dev $(STAMP)/run

$(STAMP)/run: requirements/run.txt pyproject.toml ops/setup.sh
	@sh ops/setup.sh requirements/run.txt
	@mkdir -p $(STAMP) && touch $(STAMP)/run

# Its own home, so that a demo never meets the data of a real installation.
demo: run
	@ONCE="$(ONCE)"; BURSAR_HOME="$${BURSAR_HOME:-$$PWD/.demo}" \
	    .venv/bin/bursar demo $${ONCE:+--once}

# Dozens of processes start: none of them is to compile everything anew.
test: setup
	@sh ops/peers.sh >/dev/null
	@unset PYTHONDONTWRITEBYTECODE; browser=$$(sh ops/browser.sh) && \
	    BURSAR_TEST_BROWSER="$$browser" .venv/bin/python -m pytest -n 2 --dist loadscope \
	        --no-loadscope-reorder $(PYTEST_ARGS)

# In one process, without the live stack, whose processes nobody looks into.
coverage: setup
	@.venv/bin/coverage run --source=bursar,web,tasks,connectors,schema -m pytest -q \
	    --ignore=tests/live $(PYTEST_ARGS)
	@.venv/bin/coverage html -q && .venv/bin/coverage report --skip-covered | tail -n 1
	@echo 'look at htmlcov/index.html'

browser: setup
	@sh ops/browser.sh

lint: setup
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

lock:
	@sh ops/lock.sh

clean:
	@if [ -x .venv/bin/bursar ]; then BURSAR_HOME="$$PWD/.demo" .venv/bin/bursar down; fi
	@if [ -h .demo/elsewhere ]; then rm -rf "$$(readlink .demo/elsewhere)"; fi
	rm -rf .venv .demo dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache

.PHONY: help setup run demo test coverage browser lint lock clean
