##@ Studies

.PHONY: simulate

simulate: setup ## Play a year of a simulated lender back, with drift, a feed fault, a bad candidate: reports/year.html (SEED=1)
	$(BIN)/credit-risk simulate --seed $(or $(SEED),1)
