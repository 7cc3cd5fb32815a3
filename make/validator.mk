##@ The model

.PHONY: validator

validator: setup ## The tables that a validator asks for first, of the last run: reports/validator.html (docs/validator.md)
	$(BIN)/credit-risk validator
