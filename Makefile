# `make help` lists the targets.
NAME ?= summarizer_never_sees_the_draft
TRACE ?= last
PYTHON ?= python3
PORT ?= 5000
COUNT ?= 60
SEED ?= 1
SEEDS ?= 20
PICTURES ?= docs/images
STORE ?= .store
STORE_PORT ?= 5001
STORE_WORKERS ?= 1
RECEIVER_PORT ?= 5002
EVERY ?= 5m
GATE ?= docs/quality-gate/quality-gate.toml
METRICS_PORT ?= 9464
PROMETHEUS_PORT ?= 9090
PHOENIX_PORT ?= 6006
PHOENIX_GRPC_PORT ?= 4317
PHOENIX_DATA ?= $(CURDIR)/.store/phoenix
VENV := .venv
RUN := $(VENV)/bin/python
INSTRUMENTOR_ENVS := .envs/openinference/ready .envs/openllmetry/ready .envs/openlit/ready .envs/mlflow-3-18/ready
export CELL MARKDOWN
export MLFLOW_DISABLE_TELEMETRY := true
export CREWAI_DISABLE_TELEMETRY := true
export CREWAI_DISABLE_VERSION_CHECK := true
export CREWAI_TRACING_ENABLED := false
.DEFAULT_GOAL := help
.PHONY: help run-scenario diagnose evaluate dataset scenarios test test-fast diagnosis-seeds quality-gate check accept ui receiver phoenix monitor prometheus bench mutants fidelity matrix old-env openai-3-env openinference-env openllmetry-env openlit-env mlflow-3-18-env phoenix-env store store-stop picture lift lock clean bench-diagnosis

help:  ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

run-scenario: $(VENV)/ready  ## Run a failure and its fix, offline (NAME=…)
	@$(RUN) -m scenarios run $(NAME)

diagnose: $(VENV)/ready  ## Find what went wrong, who began it, and where (TRACE=… HTML=FILE, or EXPERIMENT=…)
	@$(RUN) -m scenarios diagnose $(if $(EXPERIMENT),--experiment "$(EXPERIMENT)","$(TRACE)") $(if $(HTML),--html "$(HTML)")

evaluate: $(VENV)/ready  ## Evaluate the lessons' tasks with judges and code, offline
	@$(RUN) -m scenarios evaluate

dataset: $(VENV)/ready  ## Make a dataset of the runs that people rated low (EXPERIMENT=…)
	@$(RUN) -m scenarios dataset --from-feedback "$(or $(EXPERIMENT),flight-recorder)"

quality-gate: $(VENV)/ready  ## Check stored traces against thresholds, for CI (GATE=…, MARKDOWN=…)
	@$(RUN) -m scenarios quality-gate "$(GATE)" $(if $(MARKDOWN),--markdown "$$MARKDOWN")

scenarios: $(VENV)/ready  ## List the scenarios
	@$(RUN) -m scenarios list

test: $(VENV)/ready  ## Run the tests; skipped tests name the missing dependency
	$(RUN) -m pytest -n auto --dist loadfile --no-loadscope-reorder -q -rs

test-fast: $(VENV)/ready  ## Run the tests without programs, servers and stores
	$(RUN) -m pytest -n logical --dist loadfile --no-loadscope-reorder -q -m "not long and not store"

diagnosis-seeds: $(VENV)/ready  ## Diagnose the scenarios with random values, names and prompts (SEEDS=…)
	SEEDS=$(SEEDS) $(RUN) -m pytest -n auto -q \
		tests/scenarios/catalog/test_diagnoses.py tests/scenarios/catalog/test_seeds.py

check: $(VENV)/ready  ## Check lint, types, layers, names, traces and pages
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	@$(RUN) -m scenarios check > $(VENV)/check.log || { cat $(VENV)/check.log; exit 1; }
	$(RUN) -m scenarios accept --check
	$(RUN) -m tests.retired_words

accept: $(VENV)/ready  ## Update goldens and generated pages (review the runs first)
	@$(RUN) -m scenarios accept
	@$(RUN) -m tests.docs.command_reference

ui: $(VENV)/ready  ## Open the traces in MLflow's pages (PORT=…)
	@case "$$MLFLOW_TRACKING_URI" in http*) echo "the traces are on the server $$MLFLOW_TRACKING_URI" | sed "s,//.*@,//,"; exit 2;; esac
	@$(RUN) -m scenarios.traces.store.ui_server $(PORT)

store: $(VENV)/ready  ## Start an MLflow server on PostgreSQL, for a team
	@$(RUN) -m scenarios.traces.team_store start --folder "$(STORE)" --port $(STORE_PORT) --workers $(STORE_WORKERS)

store-stop:  ## Stop it; the stored traces stay
	@$(RUN) -m scenarios.traces.team_store stop --folder "$(STORE)"

receiver: $(VENV)/ready  ## Start an MLflow server that accepts OTLP (:5002/v1/traces)
	@mkdir -p "$(STORE)"
	@$(MAKE) --no-print-directory ui PORT=$(RECEIVER_PORT) MLFLOW_TRACKING_URI="sqlite:///$(STORE)/receiver.db"

phoenix: .envs/phoenix/ready  ## Start Arize Phoenix, which accepts OTLP (:6006/v1/traces)
	@mkdir -p "$(PHOENIX_DATA)"
	PHOENIX_HOST=127.0.0.1 PHOENIX_PORT=$(PHOENIX_PORT) PHOENIX_GRPC_PORT=$(PHOENIX_GRPC_PORT) \
		PHOENIX_WORKING_DIR="$(PHOENIX_DATA)" PHOENIX_TELEMETRY_ENABLED=false \
		PHOENIX_ALLOW_EXTERNAL_RESOURCES=false PHOENIX_DISABLE_AGENT_ASSISTANT=true \
		PHOENIX_AGENTS_DISABLE_BASH=true PHOENIX_AGENTS_DISABLE_WEB_ACCESS=true \
		PHOENIX_ENABLE_MCP_SERVER=false .envs/phoenix/bin/phoenix serve

monitor: $(VENV)/ready  ## Watch the stored traces: scores, alerts, metrics (EVERY=…)
	@$(RUN) -m scenarios monitor --every "$(EVERY)" --metrics-port $(METRICS_PORT)

prometheus:  ## Start a Prometheus that reads the metrics of `make monitor` (PROMETHEUS_PORT=…)
	@command -v prometheus >/dev/null || { echo "Prometheus is needed: apt-get install prometheus"; exit 2; }
	@mkdir -p "$(STORE)"
	prometheus --config.file=docs/monitoring/prometheus.yml --storage.tsdb.path="$(STORE)/prometheus" \
		--web.listen-address=127.0.0.1:$(PROMETHEUS_PORT)

bench: $(VENV)/ready  ## Measure time, memory and the overhead of instrumentation
	@$(MAKE) --silent --no-print-directory openinference-env openllmetry-env openlit-env || echo "skipped: the environment of another instrumentor could not be built"
	@$(RUN) -m tests.bench.__main__

bench-diagnosis: $(VENV)/ready  ## Compare the diagnosis with labelled logs (DATA=folder)
	@$(RUN) -m scenarios bench-diagnosis $(if $(DATA),"$(DATA)")

mutants: $(VENV)/ready  ## Count which random changes of the code the tests notice (COUNT=…, SEED=…)
	@$(RUN) -m tests.mutants --count $(COUNT) --seed $(SEED)

fidelity: $(VENV)/ready $(INSTRUMENTOR_ENVS)  ## Count what each instrumentor records (FIDELITY.md)
	@$(RUN) -m integrations fidelity

matrix: $(VENV)/ready $(if $(CELL),,$(INSTRUMENTOR_ENVS))  ## Test integrations across versions (CELL=… for your build)
	@$(RUN) -m integrations matrix $(if $(CELL),--with "$$CELL") $(if $(MARKDOWN),--markdown "$$MARKDOWN")

old-env: .envs/mlflow-3.1.4/ready  ## Build the virtual environment with mlflow 3.1.4

openai-3-env: .envs/openai-3/ready  ## Build the virtual environment with openai 3

openinference-env: .envs/openinference/ready  ## Build the OpenInference virtual environment

openllmetry-env: .envs/openllmetry/ready  ## Build the OpenLLMetry virtual environment

openlit-env: .envs/openlit/ready  ## Build the OpenLIT virtual environment

mlflow-3-18-env: .envs/mlflow-3-18/ready  ## Build the virtual environment with mlflow 3.18

phoenix-env: .envs/phoenix/ready  ## Build the Arize Phoenix virtual environment

picture: $(VENV)/ready  ## Take the pictures of the README (needs Chromium; PICTURES=folder)
	@$(RUN) -m tests.docs.screenshot "$(PICTURES)"

lift: $(VENV)/ready  ## Copy the instrumentation into your project (INTO=my_app/tracing)
	@$(RUN) -m distribution.lift "$${INTO:?say INTO=folder}" --root "$${ROOT:-.}"

lock: $(VENV)/ready  ## Resolve the newest compatible versions into requirements.lock
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --upgrade --output-file requirements.lock
	cp requirements.lock integrations/environments/locks/mlflow-3-18.lock
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --override integrations/environments/locks/mlflow-3-18.in \
		--no-emit-package mlflow-skinny --no-emit-package mlflow-tracing \
		--output-file integrations/environments/locks/mlflow-3-18.lock

clean:  ## Remove the virtual environments; stores and tapes stay
	rm -rf $(VENV) .envs

$(VENV)/ready: requirements.lock
	@echo "setting up $(VENV) from requirements.lock (once, a minute or two) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 …"; exit 2; }
	@$(call environment,$(VENV),requirements.lock,--compile-bytecode)
	@touch $@

.envs/mlflow-3.1.4/ready: tests/old_env/requirements.lock
	@echo "building .envs/mlflow-3.1.4 (once) …"
	@$(call environment,.envs/mlflow-3.1.4,$<,--compile-bytecode)
	@touch $@

.envs/openai-3/ready: tests/openai_3_env/requirements.lock
	@echo "building .envs/openai-3 (once) …"
	@$(call environment,.envs/openai-3,$<,--compile-bytecode)
	@touch $@

$(INSTRUMENTOR_ENVS): .envs/%/ready: integrations/environments/locks/%.lock
	@echo "building .envs/$* (once) …"
	@$(call environment,.envs/$*,$<)
	@touch $@

.envs/phoenix/ready: tests/phoenix_env/requirements.lock
	@echo "building .envs/phoenix (once) …"
	@$(call environment,.envs/phoenix,$<,--compile-bytecode)
	@touch $@

# $(call environment,FOLDER,LOCK,OPTIONS): install a lock file into a new virtual environment, and nothing
# that it does not list: mlflow 3.18.0 requires an mlflow-skinny that the index does not have. uv is ten
# times as fast as pip: where it is neither on PATH nor in .venv, pip installs it first. If uv fails, pip
# installs everything. --compile-bytecode pays off for an environment that is imported as a whole.
define environment
rm -rf $(1) && $(PYTHON) -m venv $(1) && { export UV_SYSTEM_CERTS=1 PATH="$$PATH:$(CURDIR)/$(VENV)/bin"; \
	command -v uv >/dev/null 2>&1 || { sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(1)/uv.lock && \
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)/uv.lock; }; \
	VIRTUAL_ENV=$(1) uv pip install --quiet $(3) --no-deps --require-hashes -r $(2); } || \
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(2)
endef
