##@ Tuning

.PHONY: tune

tune: data ## Search LightGBM's parameters (resumable, seeded) and write them to configs/model.yaml
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro prepare
	$(BIN)/credit-risk tune
