##@ The model

.PHONY: pipeline-page

pipeline-page: setup ## The pipeline as a picture, what is stale and why: reports/pipeline.html (docs/pipeline-page.md)
	$(BIN)/credit-risk pipeline
