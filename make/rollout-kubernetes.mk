##@ Rollouts on Kubernetes

CONFIG_CHECKS += manifests-check
AFTER_UPDATE += manifests
OVERLAYS := configs/kubernetes/overlays
# What was written here before, or else those of the shipped clusters that this fork still has.
CLUSTERS ?= $(or $(notdir $(wildcard $(OVERLAYS)/*)),$(patsubst configs/deploy/%.yaml,%,$(wildcard configs/deploy/staging.yaml configs/deploy/production.yaml)))

.PHONY: manifests manifests-check

manifests: setup ## Write the overlays for Kubernetes from configs/deploy: configs/kubernetes/overlays (CLUSTERS=names)
	@for environment in $(CLUSTERS); do $(BIN)/credit-risk manifests --environment $$environment || exit; done

manifests-check: setup ## Are the overlays that were written here not stale? (a part of `make config`)
	@for overlay in $$(ls $(OVERLAYS) 2>/dev/null); do $(BIN)/credit-risk manifests --environment $$overlay --check || exit; done
