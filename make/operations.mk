##@ Operations

.PHONY: measured-run pipeline-metrics benchmark benchmark-power scaling-trial capacity-search

measured-run: data ## As `verdict`, with what each stage takes on record: processor, memory, cache hits (docs/costs.md)
	@mkdir -p reports/parts
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/credit-risk measure -- $(BIN)/dvc repro

pipeline-metrics: setup ## How fast changes arrive, how often they fail, what stages take: build/operations/metrics.html
	@$(BIN)/credit-risk metrics

benchmark: setup ## Have decisions become slower or hungrier than the stored baseline? build/operations/benchmark.html
	@$(BIN)/credit-risk benchmark

benchmark-power: scorer ## Plant a slowdown of 30 % twenty times: is it found each time, and noise never? (minutes)
	@$(BIN)/credit-risk benchmark --power 20

scaling-trial: setup ## Reactive against predictive scaling on twelve simulated years (docs/capacity.md; minutes)
	@OMP_NUM_THREADS=1 $(BIN)/credit-risk capacity trial --years 12

capacity-search: data ## Which workers and requests in flight accept most within 100 ms, in an open loop (needs wrk; GRID=1: holds the search against the whole grid; minutes)
	$(BIN)/python -m loadtest.capacity_search $(if $(GRID),--whole-grid)
