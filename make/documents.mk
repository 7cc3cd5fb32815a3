##@ Evidence

.PHONY: evidence

evidence: setup ## The evidence of this release as one signed folder: documents, figures, policies, records, lineage (build/evidence)
	$(BIN)/credit-risk documents bundle
