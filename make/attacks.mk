##@ Attacks

.PHONY: attacks

attacks: data ## Attack the scorer: cheap flips of declined applicants, membership inference (docs/attacks.md)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro robustness
	@: "The page and the gates that read the scores follow, whatever the scores are."
	@PATH="$(CURDIR)/$(BIN):$$PATH"; verdict=0; \
		credit-risk attacks --check || verdict=$$?; \
		dvc repro report; exit $$verdict
