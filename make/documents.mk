##@ Evidence

.PHONY: evidence

evidence: setup ## The evidence of this release as one signed folder: documents, figures, policies, records, lineage (build/evidence)
	$(MAKE) sbom SBOM_OF=$(SERVING_LOCK)
	$(BIN)/credit-risk documents bundle
