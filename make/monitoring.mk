##@ After the decision

.PHONY: monitoring-study monitoring-growth

monitoring-study: setup ## How often monitoring's alarms and intervals are right, where the truth is known (minutes; docs/monitoring.md)
	$(BIN)/credit-risk monitor-study

monitoring-growth: scorer ## What monitoring takes as a ledger grows to a million decisions; red where it grows faster (minutes)
	$(BIN)/credit-risk monitor-growth
