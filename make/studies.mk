##@ Studies

PEERS_LOCK := build/peers.txt

.PHONY: gate-power bench-pipeline bench-serving bench-migration other-models peers-lock

gate-power: setup ## Measure how often the statistical gates are wrong, where the truth is known (docs/gate-power.md)
	$(BIN)/credit-risk gate-power
	$(BIN)/credit-risk validator-power # part: validator

bench-migration: setup ## Bring a ledger of a million decisions to this schema, killed once on the way (DECISIONS=1000000; minutes)
	PYTHONPATH=tests:tests/ledger $(BIN)/python tests/ledger/migration_bench.py $(or $(DECISIONS),1000000) 5

other-models: setup ## LightGBM beside XGBoost, CatBoost, EBM and a blend, a table in docs/pipeline.md (REPETITIONS=3; an hour, and the network once)
	$(BIN)/python tests/studies/other_models.py $(REPETITIONS)

bench-pipeline: setup ## Measure the pipeline against bare LightGBM, and how it grows from 30 k to 3 M rows
	$(BIN)/credit-risk bench

bench-serving: data ## Measure the service beside mlflow, MLServer and bare FastAPI (needs wrk; some minutes)
	@[ -f $(PEERS_LOCK) ] || $(MAKE) peers-lock
	@if [ "$$(cat build/peers/.stamp 2>/dev/null)" != "$$(cksum <$(PEERS_LOCK))" ]; then \
		$(PYTHON) -m venv --clear build/peers; \
		build/peers/bin/python -m pip install --quiet --require-hashes --no-compile -r $(PEERS_LOCK); \
		cksum <$(PEERS_LOCK) >build/peers/.stamp; \
	fi
	$(BIN)/python -m loadtest.bench --peers build/peers

peers-lock: ## Pin what `make bench-serving` measures the service beside, from requirements/peers.in: build/peers.txt (needs uv)
	@command -v $(UV) >/dev/null || { echo "No '$(UV)' here. Install it (python3 -m pip install uv), or name it: make peers-lock UV=/path/to/uv"; exit 1; }
	mkdir -p build
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		-o $(PEERS_LOCK) requirements/peers.in
