"""The page of a refit: that its figures are its twin's, and what is known of itself."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from credit_risk.config import Config
from credit_risk.report.figures import HEADLINE, value_of


@cache
def _template() -> Template:
    loader = PackageLoader("credit_risk.refit", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("page.html.j2")


def page(config: Config, record: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """The page as text. record: of the refit's gate; metrics: the twin's."""
    return _template().render(
        title=config.project.title,
        record=record,
        own=[check for check in record["checks"] if check["judged"] == "refit"],
        of_twin=[check for check in record["checks"] if check["judged"] == "twin"],
        figures=[(measure.label, *value_of(metrics, "test", measure)) for measure in HEADLINE],
    )
