##@ Registry on MLflow

.PHONY: registry-drill

registry-drill: setup ## Flip a byte in each file of a release, kill registrations, promote twice at once: what is refused
	REGISTRY_KILLS=20 REGISTRY_RACES=50 $(BIN)/pytest -s tests/registry/mlflow/test_drill.py tests/registry/mlflow/test_kills.py \
		tests/registry/test_history.py -k "byte or rollback or killed or promoters or movers"
