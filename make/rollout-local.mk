##@ Rollouts on this machine

.PHONY: up rehearse down status drill

up: setup ## Router, service and alarms on this machine, kept running, at http://127.0.0.1:8080 (after `make run`; ALARMS=off)
	$(BIN)/credit-risk up $(if $(filter off,$(ALARMS)),--no-alarms)

rehearse: setup ## Deploy the release over itself on this machine, behind the router, and end: what a deployment will do
	$(BIN)/credit-risk sign
	trap '$(BIN)/credit-risk down' EXIT; $(BIN)/credit-risk up --no-alarms; \
		$(BIN)/credit-risk deploy --strategy direct --model-version here --by "Rehearsal Run" --reason "a rehearsal before real traffic"; \
		$(BIN)/credit-risk status

down: setup ## End router and services of this machine
	$(BIN)/credit-risk down

status: setup ## What runs on this machine, the split, and what a rollout waits for
	$(BIN)/credit-risk status

drill: setup ## Rollouts under load, sound and bad, with kills of everything: docs/operations.md (half an hour)
	DRILL=1 $(BIN)/pytest -s tests/rollout/local/test_drill.py
	$(BIN)/python tests/rollout/local/drill_page.py
