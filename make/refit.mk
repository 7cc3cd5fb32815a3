##@ The model

.PHONY: refit

refit: setup ## Fit the candidate's recipe to all rows to date and sign it, if the gate lets its twin through (build/refit)
	$(BIN)/credit-risk refit --sign
