# The names that people, CI and hooks share. Bare `make` lists what everybody needs
# (##!), `make help-all` all of them; each one runs from a fresh clone. Optional parts bring their own: make/PART.mk.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/dev.txt
SERVING_LOCK := requirements/serving.txt
# A file's tests stay with one worker, for what they share, and files with slow tests come first (tests/conftest.py).
# Three on two cores: some wait for servers meanwhile.
WORKERS := -n 3 --dist loadscope --no-loadscope-reorder
EVERY_CHANGE := -m "not weekly and not workflow"
BASE ?= docker.io/library/python:3.11-slim
# Targets start hundreds of Python processes: where this is set, each of them compiles its libraries anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE

# What .venv was made from, by content: a fresh clone or a `touch` rebuilds nothing.
define FINGERPRINT
import hashlib, pathlib, sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit("Python 3.11, 3.12 or 3.13 is needed, %s is Python %d.%d. Name one: make PYTHON=python3.12 ..."
             % (sys.executable, sys.version_info[0], sys.version_info[1]))
print("python %d.%d" % sys.version_info[:2])
for path in sys.argv[1:]:
    print(path, hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest())
endef
export FINGERPRINT

define NEAREST
import difflib, re, sys
names = {name for path in sys.argv[2:] for name in re.findall(r"^([a-z][a-z0-9-]*):", open(path).read(), re.M)}
near = difflib.get_close_matches(sys.argv[1], sorted(names), 1)
sys.exit("There is no target '%s'.%s `make help-all` lists them." % (sys.argv[1], " Did you mean `make %s`?" % near[0] if near else ""))
endef
export NEAREST

# On a runner every stage runs, whatever dvc.lock says of it: a report and its digest there could both have been typed.
# ANEW=1 asks for the same on a laptop.
REPRO = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro $(if $(or $(CI),$(ANEW)),--force)

# DVC records what it reads of a config as JSON, which knows no day: a bare one ends it without a word on where it stands.
DAYS = ! grep -nHE '^ +observed_until: *[0-9]{4}-' configs/credit.yaml || { echo 'Write this day in quotes, as "2026-01-31".'; exit 1; }

# What CI asks beside the tests.
CHECKS := lint format-check types imports config workflows-lint secrets

# What optional parts add to targets of the core: each part's file appends to these.
CONFIG_CHECKS :=
include $(sort $(wildcard make/*.mk))

.PHONY: setup data run verdict scorer recompute same-bytes review serve trial load overload soak worst-bodies serve-kills ledger-kills fuzz fuzz-sqlite fuzz-postgresql attack-drill bento \
	image check ci lint format format-check types imports config workflows-lint docs test coverage ci-under-load test-workflows test-runner test-weekly \
	sabotage audit secrets secrets-history workflows-online workflows-sarif sbom help help-all remove removal docs-draw lock doctor clean

##@ The model

setup: ##! Make .venv from the hash-pinned lock; does nothing while the lock is unchanged
	@set -euo pipefail; \
	command -v $(PYTHON) >/dev/null || { echo "No '$(PYTHON)' here. Install Python 3.11-3.13, or name it: make PYTHON=/path/to/python3.12"; exit 1; }; \
	wanted="$$($(PYTHON) -c "$$FINGERPRINT" $(LOCK) pyproject.toml)"; \
	found="$$(cat $(VENV)/.stamp 2>/dev/null || :)"; \
	: "A Python that was replaced, or a folder that came from elsewhere: no stamp makes such an environment run."; \
	$(BIN)/python -I -S -c "" 2>/dev/null && [ -d "$$(sed -n 's/^command = .* -m venv --clear //p' $(VENV)/pyvenv.cfg)" ] || found=; \
	if [ "$$wanted" = "$$found" ]; then exit 0; fi; \
	if [ "$$(grep -v ^pyproject <<<"$$wanted")" != "$$(grep -v ^pyproject <<<"$$found")" ]; then \
		$(PYTHON) tools/doctor.py --machine; \
		echo "Making $(VENV) from $(LOCK): seconds where its packages were fetched before, else about a minute"; \
		[ ! -L $(VENV) ] || { echo "$(VENV) is a link to $$(readlink $(VENV)): making it anew would empty that folder. Remove the link."; exit 1; }; \
		rm -f $(VENV)/.stamp; \
		$(PYTHON) -m venv --clear $(VENV); \
		$(PYTHON) tools/install.py $(LOCK); \
	fi; \
	$(PYTHON) tools/install.py --project; \
	echo "$$wanted" >$(VENV)/.stamp

data: setup ##! Fetch data/ from your default DVC remote, or else from the sample remote in this repository
	@set -euo pipefail; \
	if $(BIN)/dvc status --quiet data.dvc; then exit 0; fi; \
	remote="$$($(BIN)/dvc config core.remote || :)"; \
	echo "Fetching data/ from the DVC remote '$${remote:-sample}'"; \
	$(BIN)/dvc pull --remote "$${remote:-sample}" data.dvc </dev/null || { \
		printf '%s\n' \
			"data/ is not what data.dvc names, and it was left as it is." \
			"  Your own files are in data/?  Take them in:      $(BIN)/dvc add data" \
			"                                or drop them:      $(BIN)/dvc checkout --force data.dvc" \
			"  A remote lacks the objects?   Name the right one: $(BIN)/dvc remote add -d storage s3://YOUR-BUCKET/credit-risk" \
			"  (docs/data.md says more)"; \
		exit 1; }

run: verdict ##! Data to decided model: the DVC stages, then one screen with the figures and the gate's verdict
	@$(BIN)/credit-risk gate --check
	@$(BIN)/credit-risk sign

verdict: data ## As `run`, up to the gate's record; ends well whatever that says, and signs nothing (ANEW=1: every stage)
	@$(DAYS)
	@mkdir -p reports/parts
	@$(REPRO)
	@$(BIN)/credit-risk summary
	@$(BIN)/python tests/recompute.py .

scorer: data ## The scorer and its gate record, from DVC's cache where nothing changed (ANEW=1: anew); makes no report
	@$(DAYS)
	$(REPRO) gate

recompute: setup ## Compute the figures of the last run again, with pandas and scikit-learn and none of our code
	@$(BIN)/python tests/recompute.py .

same-bytes: data ## Does this commit give the same bytes on other processors? Fits and measures nine times (docs/same-bytes.md)
	$(BIN)/python tools/same_bytes.py

review: setup ## The gate's record as Markdown, in build/gate.md (BEFORE=folder adds what changed against its reports)
	$(BIN)/credit-risk review $(if $(BEFORE),--before $(BEFORE)) --output build/gate.md

##@ The service

serve: setup ##! Answer applications with models/scorer at http://127.0.0.1:3000 (settings: configs/deploy/local.yaml)
	$(BIN)/credit-risk serve

trial: setup ##! Answer with models/scorer whatever the gate says, on a ledger of its own: for looking, never for deciding
	$(BIN)/credit-risk serve --environment trial $(if $(PORT),--port $(PORT))

load: data ## Load the real service on this machine and hold it to 100 ms: build/load/report.html, history.svg
	$(BIN)/python -m loadtest.run

overload: data ## Send the service up to four times what it can answer: those it accepts stay below 100 ms (needs wrk)
	$(BIN)/python -m loadtest.overload

soak: data ## Load the service for ten minutes (MINUTES=10) and see whether its memory stays (needs wrk)
	$(BIN)/python -m loadtest.soak --minutes $(or $(MINUTES),10)

worst-bodies: data ## What the dearest bodies of each size limit cost the service; red beyond 50 ms of its loop or 2 s of a batch
	$(BIN)/python -m loadtest.worst_bodies

serve-kills: setup ## Kill -9 the service under load, twenty times: no answered decision is lost, none is made twice
	SERVE_KILLS=20 $(BIN)/pytest -s tests/serving/test_kills.py

ledger-kills: setup ## Kill -9 under load, twenty times in each database: no decision that was answered is lost
	LEDGER_KILLS=20 $(BIN)/pytest -s tests/ledger/test_durability.py -k kill

fuzz: fuzz-sqlite fuzz-postgresql ## 20,000 made-up requests to the running service on each database; REQUESTS=N for another number

fuzz-sqlite: setup ## Those of `fuzz` that go to a service on SQLite
	FUZZ_REQUESTS=$(or $(REQUESTS),20000) $(BIN)/pytest -s -n 0 tests/serving/requests/test_fuzzed.py -k sqlite

fuzz-postgresql: setup ## Those of `fuzz` that go to a service on PostgreSQL
	FUZZ_REQUESTS=$(or $(REQUESTS),20000) $(BIN)/pytest -s -n 0 tests/serving/requests/test_fuzzed.py -k postgresql

attack-drill: setup ## Try every attack of docs/threat-model.md; what became of each stands in docs/serving.md
	FUZZ_REQUESTS=500 $(BIN)/python tools/attack_drill.py

bento: setup ## Build the service with the gated scorer as a Bento (build/bentoml), start it and decide one application
	$(BIN)/credit-risk sign
	$(BIN)/python tools/bento.py

image: setup ##! Build the container image with podman, run it locked up, decide one application (BASE=debootstrap: no registry)
	$(BIN)/credit-risk sign
	$(BIN)/python tools/image.py --base $(BASE)

##@ Checks

check: lint format-check types ##! While you work, in less than a minute: code rules, format, types, and the core's quick tests
	$(BIN)/pytest -q -n 2 -m quick $$($(PYTHON) .ci/shard.py unit)

ci: setup ##! Everything CI asks; `test` holds the documentation checks
	@$(MAKE) --jobs=2 --output-sync=target --keep-going $(CHECKS)
	@$(MAKE) test

lint: setup ## Code rules (ruff)
	$(BIN)/ruff check

format: setup ##! Rewrite the code in the house format (ruff)
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

format-check: setup ## Is the code in the house format?
	$(BIN)/ruff format --check

types: setup ## Types (mypy, strict)
	$(BIN)/mypy

imports: setup ## Imports point one way (import-linter)
	$(BIN)/lint-imports --no-logo

config: setup $(CONFIG_CHECKS) ##! Are the files in configs/ whole: known keys, known columns, formulas that parse?
	$(BIN)/credit-risk config

workflows-lint: setup ## Workflows and shell scripts: actionlint, zizmor, schema, shellcheck; no network needed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/actionlint
	$(BIN)/zizmor --offline --persona pedantic --quiet $(if $(ZIZMOR_FORMAT),--format $(ZIZMOR_FORMAT)) .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/shellcheck $$(grep -rlE '^#!.*(ba)?sh' .ci)
	if [ -f Dockerfile ]; then $(BIN)/hadolint Dockerfile; fi

docs: setup ## Documents only: links, named targets, locks, pins (a part of `make test`)
	$(BIN)/pytest tests/test_repository.py

test: setup ##! All tests, but those of `make test-weekly` and `make test-workflows`
	$(BIN)/pytest $(WORKERS) $(EVERY_CHANGE)

##@ Slower checks

coverage: setup ## All tests (TESTS=files: those), with the lines they reach: build/coverage/index.html and build/coverage.xml
	$(BIN)/pytest $(WORKERS) $(EVERY_CHANGE) --cov --cov-report=term --cov-report=html --cov-report=xml $(TESTS)

test-workflows: setup ## Execute every workflow here, in a clone: green paths and red ones (docs/workflows.md)
	@if [ -n "$${CREDIT_RISK_UNDER_ACT:-}" ]; then echo "This is such an execution; nothing to do."; \
	else $(BIN)/pytest -n 2 -m workflow; fi

test-runner: setup ## CI and security on a machine like a hosted runner, in a container (podman; half an hour; RUNNER=flags)
	$(BIN)/python tests/workflows/hosted.py $(RUNNER)

ci-under-load: setup ## `make ci` three times beside four busy loops and a writer (TIMES=3): no test may need an idle machine
	.ci/under-load $(MAKE) ci

test-weekly: setup ## Tests of real processes that take tens of seconds: a whole fork, kills, load, rollouts (docs/workflows.md)
	$(BIN)/pytest $(WORKERS) -m weekly

sabotage: setup ## Break the pipeline in many ways, and demand that each is refused by the gate that must
	$(BIN)/python tests/sabotage/run.py

audit: setup ## Known vulnerabilities of what the lock pins, but for .ci/advisories.toml; needs the network, and fails without
	$(BIN)/python .ci/audit.py $(LOCK) $(if $(OSV_URL),--vulnerability-service osv --osv-url $(OSV_URL))

sbom: setup ## The bill of materials of the lock: build/sbom.json (CycloneDX); SBOM_OF=another lock
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --output-reproducible --output-file build/sbom.json $(or $(SBOM_OF),$(LOCK))

secrets: setup ## Secrets in what git holds, but for those that .secrets.baseline has looked at
	@: "Exit code 3 says that known lines have moved, which is no finding."; \
	: "Left out: digests, and what is written of them."; \
	git ls-files -z -- ':!requirements' ':!sample-remote' ':!dvc.lock' ':!reports' ':!*/wordings.yaml' ':!tests/scoring/format_1' | \
		xargs -0 sh -c '$(BIN)/detect-secrets-hook --baseline .secrets.baseline --no-verify "$$@" || [ $$? = 3 ]' --

secrets-history: setup ## Secrets in every file that any commit ever held, but for those that .secrets.baseline has looked at
	$(BIN)/python .ci/secrets_history.py

workflows-online: setup ## What zizmor finds in the workflows when it may ask GitHub (GH_TOKEN): impostor commits, weak actions
	$(if $(GH_TOKEN),$(BIN)/zizmor,env -u GH_TOKEN $(BIN)/zizmor --offline) --persona pedantic --quiet --format github .github

workflows-sarif: setup ## What zizmor finds in the workflows, for GitHub's code scanning: build/zizmor.sarif; online with GH_TOKEN
	mkdir -p build
	$(if $(GH_TOKEN),$(BIN)/zizmor,env -u GH_TOKEN $(BIN)/zizmor --offline) --persona pedantic --quiet --format sarif .github >build/zizmor.sarif

##@ This repository

help: ## List the targets that everybody needs (this); `make help-all` lists the rest too
	@awk -F ':.*##! ' '/^[a-z-]+:.*##! / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

help-all: ##! List every target, in groups
	@awk -F ':.*##!? ' '/^##@ / { group = substr($$0, 5); if (!(group in targets)) names[++groups] = group } \
		/^[a-z-]+:.*##!? / { targets[group] = targets[group] sprintf("  make %-18s %s\n", $$1, $$2) } \
		END { for (n = 1; n <= groups; n++) printf "\n%s\n%s", names[n], targets[names[n]] }' $(MAKEFILE_LIST)

remove: setup ## Take an optional part out: make remove PART=name (`make remove` names them); commit it or reset it
	@[ -n "$(PART)" ] || { $(BIN)/python tools/parts.py list; exit 2; }
	@$(BIN)/python tools/parts.py remove "$(PART)"

removal: setup ## Take each optional part out of a copy, then all of them, and check what is left (PART=name: that one alone; WHOLE=1: all tests each time)
	$(BIN)/python tools/removal.py $(PART) $(if $(WHOLE),--whole)

docs-draw: setup ## Write docs/architecture.md's picture, tables and counts anew
	$(BIN)/python tools/architecture.py

lock: ## Compile the locks again with uv (UPGRADE=1 takes newer versions, UV=path/to/uv)
	@command -v $(UV) >/dev/null || { echo "No '$(UV)' here. Install it (python3 -m pip install uv), or name it: make lock UV=/path/to/uv"; exit 1; }
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev \
		$(if $(UPGRADE),--upgrade) -o $(LOCK) pyproject.toml
	: "What the image installs: the same versions, of what decides alone."
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra serving \
		--constraint $(LOCK) -o $(SERVING_LOCK) pyproject.toml

$(MAKEFILE_LIST): ; # what make reads of itself is nobody's target

.DEFAULT:
	@$(PYTHON) -c "$$NEAREST" '$@' $(MAKEFILE_LIST)

doctor: ##! What is missing on this machine, each with the command that mends it
	@command -v $(PYTHON) >/dev/null || { echo "No '$(PYTHON)' here. Install Python 3.11-3.13, or name it: make doctor PYTHON=/path/to/python3.12"; exit 1; }
	@WANTED="$$($(PYTHON) -c "$$FINGERPRINT" $(LOCK) pyproject.toml 2>/dev/null)" $(PYTHON) tools/doctor.py

clean: ##! Remove caches and what tools wrote; keeps .venv, data/, models/, DVC's cache, and records: ledger, registry, rollouts, costs, keys
	if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name delivery ! -name ledger ! -name operations ! -name registry ! -name signing -exec rm -rf {} +; fi
	rm -rf .coverage .coverage.* .hypothesis .grimp_cache .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests scripts tools -name __pycache__ -type d -prune -exec rm -rf {} +
