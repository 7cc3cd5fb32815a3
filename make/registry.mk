##@ Releases

.PHONY: release

release: setup ## Lay out a release: signed scorer and gate record, bill of materials, provenance (build/release); IDENTITY= and ISSUER= for a keyless one
	$(MAKE) sbom SBOM_OF=$(SERVING_LOCK)
	$(BIN)/credit-risk release $(if $(IDENTITY),--identity $(IDENTITY) --issuer $(ISSUER))
