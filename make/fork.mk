##@ A fork

.PHONY: fork-check tables update after-update

fork-check: setup ##! What a fork has left to do before its model decides about anybody, each with its command
	@$(BIN)/credit-risk fork-check

TABLES ?= 10000
tables: setup ## Random tables (TABLES=10000) written in random ways, drafted and read back: none changes on the way
	TABLES=$(TABLES) $(BIN)/pytest -q -n 0 tests/fork/test_any_table.py

update: setup ## Merge a newer upstream (UPSTREAM=its address, REF=main): your configs, data and results stay yours
	@[ -n "$(UPSTREAM)" ] || { echo "Say where it is: make update UPSTREAM=https://… (REF=main)"; exit 2; }
	$(BIN)/credit-risk update --upstream "$(UPSTREAM)" --ref "$(or $(REF),main)"
	@: "From here on it is the merged code that runs, in the environment that it asks for."
	@$(MAKE) setup
	@$(BIN)/credit-risk migrate
	@$(MAKE) after-update
	@echo "Models and reports are still those of before: 'make run' makes them anew, 'make fork-check' says what is left to do."

after-update: ## What optional parts write anew after `make update`, which calls it
	@$(if $(AFTER_UPDATE),$(MAKE) $(AFTER_UPDATE),:)
