"""What monitoring judges by: configs/monitoring.yaml. Confidence, replicates and PSI limit are those of credit.yaml."""

from pathlib import Path

from credit_risk.config import environment
from credit_risk.config.section import Section, Share
from credit_risk.errors import NotFound


class MonitoringSettings(Section):
    """most_without_outcome: share of matured approvals whose outcome is not known beyond which no figure is given."""

    most_without_outcome: Share


def load(path: Path) -> MonitoringSettings:
    """Raises ConfigError with every problem; NotFound without the file."""
    if not path.is_file():
        raise NotFound(path, "docs/monitoring.md says what stands in it.")
    return environment.whole(path, MonitoringSettings)
