"""The templates of pages."""

from functools import cache, partial

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from credit_risk.report.figures import written


@cache
def template(package: str) -> Template:
    """page.html.j2 of a package; it may extend plain.html.j2 of this one, and write with its tables."""
    loader = ChoiceLoader([PackageLoader(f"credit_risk.{name}", ".") for name in (package, "report")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": partial(written, kind="count"), "percent": partial(written, kind="percent")}
    return environment.get_template("page.html.j2")
