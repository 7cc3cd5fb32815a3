##@ Operations

.PHONY: measured-run pipeline-metrics

measured-run: data ## As `verdict`, with what each stage takes on record: processor, memory, cache hits (docs/costs.md)
	@mkdir -p reports/parts
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/credit-risk measure -- $(BIN)/dvc repro

pipeline-metrics: setup ## How fast changes arrive, how often they fail, what stages take: build/operations/metrics.html
	@$(BIN)/credit-risk metrics
