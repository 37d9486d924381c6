# Everything starts from the machine's Python; what is installed lives in .venv alone.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Runs and tests start hundreds of processes: all but the first find the package compiled.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-long dashboard lab bench faults lock notebooks pictures bundle scale sdc lint
.DEFAULT_GOAL := run

# A lock with hashes and an editable package cannot share one pip call.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Нужен Python 3.11 или новее; укажите его: make PYTHON=/путь/к/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "В этом Python нет venv; в Debian: apt-get install python3-venv"; exit 1; }
	@echo "Устанавливаю зависимости в .venv (один раз, около минуты)…"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Tests that share what takes long to make are one group, on one core (tests/conftest.py).
# A core that dies ends them: what it had begun would be waited for without end.
ON_TWO_CORES := --numprocesses 2 --dist loadgroup --max-worker-restart 0

run: $(READY)          ## demonstration editions → intake → notebooks → published results
	@$(BIN)/nmc demo --unless-submitted
	@$(BIN)/nmc run

test: $(READY)         ## everything that must hold, within ten minutes on two cores, set-up included
	@$(BIN)/ruff check .
	@$(BIN)/pytest $(ON_TWO_CORES)

test-long: $(READY)    ## slower proofs
	@$(BIN)/pytest -m long $(ON_TWO_CORES)

dashboard: $(READY)    ## the app on this machine
	@$(BIN)/nmc dashboard

lab: $(READY)          ## JupyterLab on the notebooks
	@$(BIN)/jupyter lab notebooks

bench: $(READY)        ## timings, as ratios where there is a peer
	@for file in tests/benchmarks/bench_*.py; do $(BIN)/python $$file; done

faults: $(READY)       ## every fault of a run, provoked many times; SEED=1
	@$(BIN)/python tests/faults/driver.py $(SEED)

lint: $(READY)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

lock: $(READY)         ## renew every pinned version
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-emit-index-url \
		--custom-compile-command "make lock" --extra dev pyproject.toml -o requirements.lock

# What is committed is made on a data root of its own, never on one that may hold real records.
DEMONSTRATION = root=$$(mktemp -d)/data && trap 'rm -rf "$$root"' EXIT && export NMC_DATA=$$root && \
	$(BIN)/nmc init $$root && $(BIN)/nmc demo && $(BIN)/nmc run

notebooks: $(READY)    ## execute the committed notebooks anew on the demonstration
	@$(DEMONSTRATION) && $(BIN)/jupyter nbconvert --log-level WARN --to notebook --inplace --execute \
		--ExecutePreprocessor.record_timing=False \
		--KernelManager.transport_encryption=auto notebooks/*.ipynb

pictures: $(READY)     ## pictures of the README from the running product
	@$(DEMONSTRATION) && $(BIN)/python docs/take_pictures.py

bundle: $(READY)       ## folders in dist/ that are set up without internet, for Linux and Windows
	@$(BIN)/python bundle/make_bundle.py

scale: $(READY)        ## hours: runs on several processes and a cluster, thousands of workbooks with any cells
	@$(BIN)/pytest -m scale

sdc: $(READY)          ## disclosure control attacked on a thousand random tables: figures
	@$(BIN)/pytest -m sdc
