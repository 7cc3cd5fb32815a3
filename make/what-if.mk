##@ The model

.PHONY: what-if

what-if: setup ## Another policy moved by hand over the test rows of the last run: reports/what-if.html (docs/what-if.md)
	$(BIN)/credit-risk what-if page
