##@ Attacks

.PHONY: attacks

attacks: data ## Attack the scorer: cheap flips of declined applicants, membership inference (docs/attacks.md)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro robustness
	$(BIN)/credit-risk attacks --robustness-at-least 0.7 --privacy-at-least 0.8
