##@ Roles

CONFIG_CHECKS += roles

.PHONY: roles

roles: setup ## Who may do what: is configs/policies/roles.cedar whole, and every role in it? (a part of `make config`)
	@$(BIN)/credit-risk roles
