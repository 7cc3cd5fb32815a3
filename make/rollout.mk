##@ Rollouts

CONFIG_CHECKS += environments

.PHONY: environments rollout-power

environments: setup ## Are the environments in configs/deploy whole? (a part of `make config`)
	@$(BIN)/credit-risk environment

rollout-power: setup ## Measure how often a rollout's analysis is wrong on simulated rollouts, sound and faulty (docs/operations.md)
	$(BIN)/credit-risk rollout-power
