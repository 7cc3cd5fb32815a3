##@ Rollouts

CONFIG_CHECKS += environments alarms

.PHONY: environments alarms rollout-power

environments: setup ## Are the environments in configs/deploy whole? (a part of `make config`)
	@$(BIN)/credit-risk environment

alarms: setup ## Are the alert rules in configs/alarms what the environments say? (a part of `make config`)
	@for name in local staging production; do $(BIN)/credit-risk alarms --environment $$name --check || exit 1; done

rollout-power: setup ## Measure how often a rollout's analysis is wrong on simulated rollouts, sound and faulty (docs/operations.md)
	$(BIN)/credit-risk rollout-power
