# `make help` lists all targets. Variables: FULL=1 (build everything, test all rows), SOURCES (folder with Batch1, Batch2, ...), LAKE, WAREHOUSE; DBT_TARGET=postgres
# with PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE; DBT_TARGET=spark with the variables of docs/spark.md.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV_VERSION := 0.13.8
SCALE ?= 0.1

# SOURCES, LAKE and WAREHOUSE are read by the shell, which takes any path as it is; set here, they would make dbt read the whole project again.
export DO_NOT_TRACK := 1
export PYTHONUNBUFFERED := 1
# Compiled once at installation: otherwise, where Python may not write, every start of dbt spends two seconds compiling again.
export UV_COMPILE_BYTECODE := 1

# What a build needs: for Postgres, also its driver.
ifeq ($(DBT_TARGET),postgres)
CORE := .venv/.postgres
READERS = readers have the schemas published_marts, published_marts_masked, ...
PLACE = database $(or $(PGDATABASE),brokerage) on $(or $(PGHOST),localhost):$(or $(PGPORT),5432)
else ifeq ($(DBT_TARGET),spark)
CORE := .venv/.spark
READERS = readers read the version named above
PLACE = $${SPARK_WAREHOUSE:-data/spark}
else
CORE := .venv/.core
PLACE = $${WAREHOUSE:-data/warehouse.duckdb}
READERS = readers open analyst.duckdb in the folder named above
endif

RUN := .venv/bin/python -m
DBT := .venv/bin/dbt

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: writable
writable:
	@if [ ! -w . ] && [ -z "$${DBT_LOG_PATH:+x}" -o -z "$${DBT_TARGET_PATH:+x}" -o -z "$${LAKE:+x}" -o -z "$${WAREHOUSE:+x}" ]; then \
		echo "This folder cannot be written: set DBT_LOG_PATH, DBT_TARGET_PATH, LAKE and WAREHOUSE to places that can." >&2; exit 1; fi

.PHONY: build
build: writable $(CORE) sources ## Install, make sample sources if there are none, load, build, test and publish what is new
	$(RUN) scripts.load
	$(RUN) scripts.build $(if $(FULL),--full)
	@echo
	@echo "The warehouse is in $(PLACE), no test is red; $(READERS). Try next:"
	@echo "  source .venv/bin/activate"
	@echo "  dbt show --inline 'select status, count(*) as trades from {{ ref(\"dim_trade\") }} group by 1'"
	@echo "  make docs        the models, columns and lineage in a browser"

.PHONY: batches
batches: writable $(CORE) sources ## Replay the batches one by one: load, build, validate, publish, next; resumes where it stopped
	$(RUN) scripts.batches

.PHONY: orchestrate
orchestrate: writable $(CORE) .venv/.orchestrate sources ## Run Dagster on http://127.0.0.1:3000 (or PORT): builds each batch that comes; Ctrl-C ends it
	exec $(RUN) scripts.orchestrate

.PHONY: sources
# Not beside a lake: what it holds came from other files, whose batches the samples would replace.
sources: $(CORE)
	@if [ "$${SOURCES:-data/sources}" = data/sources ] && [ ! -e data/sources ] && [ -e "$${LAKE:-data/lake}" ]; then \
		echo "$${LAKE:-data/lake} holds batches, but data/sources is gone: set SOURCES to the files they came from, or delete lake and warehouse to begin with samples." >&2; exit 1; fi
	@if [ "$${SOURCES:-data/sources}" = data/sources ] && [ ! -e data/sources/manifest.json ]; then \
		$(RUN) brokerage_sources.generate --scale-factor $(SCALE) --output data/sources; fi

.PHONY: docs
docs: $(CORE) ## Build the documentation site and serve it on http://localhost:8080
	$(DBT) docs generate --quiet
	$(DBT) docs serve --host 127.0.0.1 --port 8080 --no-browser

.PHONY: metrics
metrics: .venv/.metrics ## Install what metrics need, and list them; docs/metrics.md says how to ask
	@$(RUN) scripts.metrics

.PHONY: api
api: $(CORE) .venv/.api .venv/.metrics ## Serve what is published on http://127.0.0.1:8000 (or PORT), explained on /docs; Ctrl-C ends it
	exec $(RUN) scripts.serve.api serve

.PHONY: dashboard
dashboard: $(CORE) .venv/.metrics .venv/.dashboard ## Show the dashboards on http://127.0.0.1:8501 (or PORT), from what is published; Ctrl-C ends it
	exec $(RUN) scripts.serve.dashboard

.PHONY: share
share: $(CORE) ## Build the shares that go with each batch, from what is published; docs/sharing.md says how to declare one
	$(RUN) scripts.share build

.PHONY: learn
learn: $(CORE) .venv/.learn ## Train models of who will leave and who will become a customer on what is published, promote those that are good, score, watch, and build what shows all this
	$(RUN) scripts.learn retrain --because "make learn"
	$(RUN) scripts.load
	$(RUN) scripts.build

.PHONY: test
test: .venv/.dev ## Lint, unit tests, integration tests: everything that CI runs
	@$(MAKE) --jobs 2 --output-sync=target lint pytest

.PHONY: pytest
pytest: .venv/.dev
	$(RUN) pytest -q -n 2 --dist loadgroup --no-loadscope-reorder -m "not slow"

.PHONY: test-slow
test-slow: .venv/.dev ## The long tests: large files and datasets, disturbed builds, the rest of the README
	$(RUN) pytest -q -m slow

.PHONY: spark-test
spark-test: .venv/.dev ## Build on Spark as an operator does, compare every table with DuckDB, kill what works (Java 17; long)
	$(RUN) pytest -q -rs tests/python/integration/test_spark.py tests/python/integration/test_spark_part.py tests/python/integration/test_spark_killed.py

.PHONY: lint
lint: .venv/.dev ## Check style of SQL and Python, types, and the rules of the project
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	mkdir -p data
	WAREHOUSE=:memory: $(DBT) compile --quiet --select resource_type:model resource_type:snapshot
	.venv/bin/dbt-bouncer --config-file dbt-bouncer.yml
	$(RUN) scripts.check_project
	$(RUN) scripts.govern check
	WAREHOUSE=:memory: $(RUN) scripts.sqlfluff lint --disable-progress-bar models snapshots tests/singular analyses
	$(RUN) scripts.sqlfluff lint --disable-progress-bar --templater raw packages
	$(RUN) scripts.sqlfluff lint --disable-progress-bar --templater placeholder scripts/serve

.PHONY: format
format: .venv/.dev ## Format Python, and fix SQL style where possible
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	WAREHOUSE=:memory: $(RUN) scripts.sqlfluff fix --disable-progress-bar models snapshots tests/singular analyses
	$(RUN) scripts.sqlfluff fix --disable-progress-bar --templater raw packages
	$(RUN) scripts.sqlfluff fix --disable-progress-bar --templater placeholder scripts/serve

.PHONY: bench
bench: .venv/.dev ## Measure everything (hours) and write docs/benchmarks.md; for less, or to resume: python -m bench --help
	$(RUN) bench
	$(RUN) bench --scales 30 --engines duckdb --parts generate,floor,load,daily --repeat 1
	$(RUN) bench --scales 0.1 --engines duckdb --parts days --repeat 1

.PHONY: faults
faults: .venv/.dev ## Kill and disturb load and build, damage source files (about two hours)
	$(RUN) tests.python.faults

.PHONY: clean
clean: ## Remove everything generated and built, except the environment, keys and the list of erased persons
	rm -rf target logs
	if [ -d data ]; then find data -mindepth 1 -maxdepth 1 ! -name erasures ! -name share_keys ! -name api_keys.json -exec rm -rf {} +; fi

# The environment: pinned by uv.lock. The core is enough to build; developers get all extras.
.venv/bin/uv:
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.core: pyproject.toml packages/brokerage_sources/pyproject.toml uv.lock | .venv/bin/uv
	.venv/bin/uv sync --quiet --frozen --inexact
	@touch $@

# What a part needs; the others stay installed.
EXTRAS := postgres spark orchestrate metrics monitor lineage api dashboard extract share govern learn s3
$(EXTRAS:%=.venv/.%): .venv/.%: pyproject.toml packages/brokerage_sources/pyproject.toml uv.lock | .venv/bin/uv
	.venv/bin/uv sync --quiet --frozen --inexact --extra $*
	@touch .venv/.core $@

.venv/.dev: pyproject.toml packages/brokerage_sources/pyproject.toml uv.lock | .venv/bin/uv
	.venv/bin/uv sync --quiet --frozen --inexact --all-extras
	@touch .venv/.core $(EXTRAS:%=.venv/.%) $@
