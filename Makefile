# Everything a person or CI does with this repository; `make` alone explains it.
.DEFAULT_GOAL := help
.PHONY: help setup demo unit test long resilience model deployment docs test-all test-clients controls slow check lint types layers chaos bench lock clean

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
CORE := tests/unit tests/integration tests/system

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/setup.stamp  ## .venv with the locked packages and this project, nothing else (PYTHON=... picks the interpreter)

.venv/lock.stamp: requirements.lock .ci/python
	@python=$$(.ci/python $(PYTHON)) && echo "setting up .venv with $$python" && "$$python" -m venv --clear .venv
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@touch $@

.venv/setup.stamp: .venv/lock.stamp pyproject.toml
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## orders on a real Kafka; ARGS='--orders 500 --exit' is passed on
	@$(BIN)/foldstream demo $(ARGS)

unit: setup  ## the tests that need no broker, in half a minute; ARGS='-k name' is passed on, here and below
	@$(PYTEST) tests/unit $(ARGS)

test: setup  ## the tests to run before a push: unit, integration and system, on a real Kafka, in two processes
	@$(PYTEST) $(CORE) -m "not long and not slow" $(ARGS)

long: setup  ## those of the same groups that take five seconds or more
	@$(PYTEST) $(CORE) -m long $(ARGS)

resilience: setup  ## the tests in which workers, brokers and connections break
	@$(PYTEST) tests/resilience $(ARGS)

model: setup  ## the model of the protocol, explored and compared with a real broker
	@$(PYTEST) tests/model $(ARGS)

deployment: setup  ## the tests of image, compose file, dashboards and proxies
	@$(PYTEST) tests/deployment $(ARGS)

docs: setup  ## the pages: links, the table of guarantees, the tutorials to the letter
	@$(PYTEST) tests/docs $(ARGS)

test-all: test long resilience model deployment docs  ## all groups of tests, one after the other

test-clients: setup  ## clients generated for Python, Go, TypeScript and Java, built and run; ARGS='-k go'
	@$(BIN)/python -m pytest tests/deployment/clients $(ARGS)

controls: setup  ## the negative controls alone: each switches one mechanism off, and sees the test of its guarantee fail
	@$(PYTEST) -m control $(ARGS)

slow: setup  ## the tests that take long: two hundred random histories under `foldstream verify` (a quarter of an hour)
	@$(BIN)/python -m pytest -n 2 --dist load -m slow $(ARGS)

check: lint types layers test-all  ## what CI runs: lint, types, layers, then all groups of tests

lint: setup  ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup  ## mypy, strict
	@$(BIN)/mypy

layers: setup  ## import-linter: arrows point down only, the core is pure
	@$(BIN)/lint-imports

chaos: setup  ## workers, broker and connections break under load, then the audit; ARGS='--seed 7 --minutes 10'
	@$(BIN)/python -m tests.support.faults.chaos $(ARGS)

bench: setup  ## throughput, latency, take-over, growth, partitions, rolling restart, beside hand-written loops; ARGS='profile', ARGS=--help
	@$(BIN)/python -m bench $(ARGS)

lock: setup  ## resolve the dependencies of pyproject.toml anew into requirements.lock
	@$(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --all-extras --output-file requirements.lock pyproject.toml

clean:  ## remove .venv, caches and the data of the embedded Kafka (stop it first)
	@rm -rf .venv .foldstream .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build foldstream.egg-info
