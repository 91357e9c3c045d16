# The doors of the house. `make help` lists them.
NAME ?= summarizer_never_sees_the_draft
PYTHON ?= python3
PORT ?= 5000
STORE ?= .store
STORE_PORT ?= 5001
STORE_WORKERS ?= 1
RECEIVER_PORT ?= 5002
PHOENIX_PORT ?= 6006
PHOENIX_GRPC_PORT ?= 4317
PHOENIX_DATA ?= $(CURDIR)/.store/phoenix
VENV := .venv
RUN := $(VENV)/bin/python
OTHERS := .envs/openinference/ready .envs/openllmetry/ready .envs/openlit/ready
export CELL MARKDOWN
export MLFLOW_DISABLE_TELEMETRY := true
export CREWAI_DISABLE_TELEMETRY := true
export CREWAI_DISABLE_VERSION_CHECK := true
export CREWAI_TRACING_ENABLED := false
.DEFAULT_GOAL := help
.PHONY: help run-scenario scenarios test check accept ui receiver phoenix bench fidelity matrix old-env openinference-env openllmetry-env openlit-env phoenix-env store store-stop lock clean

help:  ## List the doors
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

run-scenario: $(VENV)/ready  ## Play a failure and its mend, offline: NAME=… for another one
	@$(RUN) -m scenarios run $(NAME)

scenarios: $(VENV)/ready  ## List the scenarios
	@$(RUN) -m scenarios list

test: $(VENV)/ready  ## Run the tests; what the machine lacks for some of them is said in a line
	@$(MAKE) --no-print-directory old-env || echo "skipped: the environment with mlflow 3.1.4 could not be built"
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -q -rs

check: $(VENV)/ready  ## Lint, types, floors, recorded traces, and whether what is shown is current
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	@$(RUN) -m scenarios check > $(VENV)/check.log || { cat $(VENV)/check.log; exit 1; }
	$(RUN) -m scenarios accept --check

accept: $(VENV)/ready  ## Make what is seen the golden, and write what is produced from it
	@$(RUN) -m scenarios accept

ui: $(VENV)/ready  ## Open the traces in MLflow's own pages, on 127.0.0.1:5000: PORT=… for another
	@case "$$MLFLOW_TRACKING_URI" in http*) echo "they are at $$MLFLOW_TRACKING_URI already" | sed "s,//.*@,//,"; exit 2;; esac
	@$(RUN) -m scenarios.trace_store.sqlite_statistics
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
		MLFLOW_BACKEND_STORE_URI="$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}" \
		$(VENV)/bin/mlflow server --workers 1 --host 127.0.0.1 --port $(PORT)

store: $(VENV)/ready  ## Start a store for a team, an MLflow server on PostgreSQL: STORE_PORT=… STORE=FOLDER
	@$(RUN) -m scenarios.team_store start --folder "$(STORE)" --port $(STORE_PORT) --workers $(STORE_WORKERS)

store-stop:  ## Stop it; what it holds stays
	@$(RUN) -m scenarios.team_store stop --folder "$(STORE)"

receiver: $(VENV)/ready  ## Start an MLflow server that spans can be sent to, at :5002/v1/traces: RECEIVER_PORT=…
	@mkdir -p "$(STORE)"
	@$(MAKE) --no-print-directory ui PORT=$(RECEIVER_PORT) MLFLOW_TRACKING_URI="sqlite:///$(STORE)/receiver.db"

phoenix: .envs/phoenix/ready  ## Start Arize Phoenix, to which they can be sent too, at :6006/v1/traces: PHOENIX_PORT=…
	@mkdir -p "$(PHOENIX_DATA)"
	PHOENIX_HOST=127.0.0.1 PHOENIX_PORT=$(PHOENIX_PORT) PHOENIX_GRPC_PORT=$(PHOENIX_GRPC_PORT) \
		PHOENIX_WORKING_DIR="$(PHOENIX_DATA)" PHOENIX_TELEMETRY_ENABLED=false \
		PHOENIX_ALLOW_EXTERNAL_RESOURCES=false PHOENIX_DISABLE_AGENT_ASSISTANT=true \
		PHOENIX_AGENTS_DISABLE_BASH=true PHOENIX_AGENTS_DISABLE_WEB_ACCESS=true \
		PHOENIX_ENABLE_MCP_SERVER=false .envs/phoenix/bin/phoenix serve

bench: $(VENV)/ready  ## Measure time, memory and what the instrumentation costs
	@$(MAKE) --silent --no-print-directory openinference-env openllmetry-env openlit-env || echo "skipped: an environment of the instrumentors that ours is compared with could not be built"
	@$(RUN) -m tests.bench

fidelity: $(VENV)/ready $(OTHERS)  ## Count what each instrumentor tells of what really happened: integrations/FIDELITY.md
	@$(RUN) -m integrations fidelity

matrix: $(VENV)/ready $(if $(CELL),,$(OTHERS))  ## Play the cases across versions: CELL="mlflow @ file:///…/mlflow" for a build of your own
	@$(RUN) -m integrations matrix $(if $(CELL),--cell "$$CELL") $(if $(MARKDOWN),--markdown "$$MARKDOWN")

old-env: .envs/mlflow-3.1.4/ready  ## Build the environment in which the content-type bug lives

openinference-env: .envs/openinference/ready  ## Build the environment of OpenInference, which ours is compared with

openllmetry-env: .envs/openllmetry/ready  ## Build that of OpenLLMetry

openlit-env: .envs/openlit/ready  ## Build that of OpenLIT

phoenix-env: .envs/phoenix/ready  ## Build the environment of Arize Phoenix, which traces can be sent to

lock: $(VENV)/ready  ## Resolve the newest versions that fit together into requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --upgrade --output-file requirements.lock

clean:  ## Remove the environments; stores and tapes stay
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

$(OTHERS): .envs/%/ready: integrations/environments/%.lock
	@echo "building .envs/$* (once) …"
	@$(call environment,.envs/$*,$<)
	@touch $@

.envs/phoenix/ready: tests/phoenix_env/requirements.lock
	@echo "building .envs/phoenix (once) …"
	@$(call environment,.envs/phoenix,$<,--compile-bytecode)
	@touch $@

# uv where there is one, on PATH or in .venv, for it is ten times as fast; else, or where it fails,
# venv and pip. The third argument says whether bytecode is made at once: it takes half a minute, and
# pays where an environment is imported from whole.
define environment
rm -rf $(1) && { export UV_SYSTEM_CERTS=1 PATH="$$PATH:$(CURDIR)/$(VENV)/bin"; \
	command -v uv >/dev/null 2>&1 && uv venv --quiet --python $(PYTHON) $(1) && \
	VIRTUAL_ENV=$(1) uv pip install --quiet $(3) --require-hashes -r $(2); } || { \
	rm -rf $(1) && $(PYTHON) -m venv $(1) && \
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(2); }
endef
