##@ Studies

.PHONY: gate-power bench-pipeline bench-serving

gate-power: setup ## Measure how often the statistical gates are wrong, where the truth is known (docs/gate-power.md)
	$(BIN)/credit-risk gate-power

bench-pipeline: setup ## Measure the pipeline against bare LightGBM, and how it grows from 30 k to 3 M rows
	$(BIN)/credit-risk bench

bench-serving: data ## Measure the service beside mlflow, MLServer and bare FastAPI (needs wrk; some minutes)
	@if [ "$$(cat build/peers/.stamp 2>/dev/null)" != "$$(cksum <requirements/peers.txt)" ]; then \
		$(PYTHON) -m venv --clear build/peers; \
		build/peers/bin/python -m pip install --quiet --require-hashes --no-compile -r requirements/peers.txt; \
		cksum <requirements/peers.txt >build/peers/.stamp; \
	fi
	$(BIN)/python -m loadtest.bench --peers build/peers
