"""The config: everything that is particular to one lender's data and policy. Knows no data and no model."""

from credit_risk.config.columns import Column
from credit_risk.config.reading import load
from credit_risk.config.schema import Config

__all__ = ["Column", "Config", "load"]
