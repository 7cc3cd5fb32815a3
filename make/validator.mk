##@ The model

.PHONY: validator second-opinion

validator: data ## The tables that a validator asks for first, a stage of `run`: reports/validator.html (docs/validator.md)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro validator

second-opinion: setup ## The validator's tests once more by riskvalidation, in an environment of its own (needs the network once)
	$(BIN)/python tests/validator/second_opinion.py
