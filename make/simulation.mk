##@ Studies

.PHONY: simulate simulate-years

simulate: setup ## Play a year of a simulated lender back, with drift, a feed fault, a dead replica: reports/year.html (SEED=1)
	$(BIN)/credit-risk simulate --seed $(or $(SEED),1)

simulate-years: setup ## Play twelve years, each of a seed of its own, and say what they come to: build/years.md (SEEDS="1 2 3")
	@mkdir -p build/years
	@printf '%s\n' $(YEARS) | xargs -P 2 -I SEED $(BIN)/credit-risk simulate --seed SEED --output build/years/SEED.json
	@$(BIN)/credit-risk simulated-years $(YEARS:%=build/years/%.json) --markdown build/years.md

YEARS = $(or $(SEEDS),1 2 3 4 5 6 7 8 9 10 11 12)
