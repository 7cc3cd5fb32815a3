##@ After the decision

.PHONY: monitoring-study

monitoring-study: setup ## How often monitoring's alarms and intervals are right, where the truth is known (minutes; docs/monitoring.md)
	$(BIN)/credit-risk monitor-study
