"""The page at `/`: enter an application, see the decision, what it rests on, and the draft of a notice.

Made from the scorer's own config alone, so that it fits any fork. It loads nothing from elsewhere, keeps nothing
in the browser, and speaks to the same API as every other client.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from credit_risk.config import Config
from credit_risk.config.columns import Column
from credit_risk.data.inputs import expected
from credit_risk.scoring import decision

INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """The page as HTML, and the Content-Security-Policy that lets exactly its own style and script run."""

    html: str
    policy: str


def render(config: Config, *, example: Mapping[str, Any], scorer: str, needs_key: bool) -> Page:
    """The page of one scorer.

    example: a valid application, what "Fill in an example" enters. scorer: digest, shown so that a reader can say which
    model answered. needs_key: whether the API asks for a key; the page then has a field for it and never stores it.
    """
    environment = Environment(
        loader=PackageLoader("credit_risk", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("serving/page.html.j2").render(
        project=config.project,
        notice=config.notice,
        fields=[field(name, config.columns[name]) for name in config.inputs],
        facts=facts(config, example),
        scorer=scorer,
        needs_key=needs_key,
    )
    return Page(html, policy_of(html))


def field(name: str, column: Column) -> dict[str, Any]:
    """One input of the form: its name in the API, its label, what it may hold and whether it may stay empty."""
    low, high = column.range or (None, None)
    choices = ("true", "false") if column.type == "boolean" else column.categories
    parts = [name] if column.label else []  # a field without a label of its own already stands under its name
    return {
        "name": name,
        "label": column.label or name,
        "kind": column.type,
        "choices": choices,
        "low": low,
        "high": high,
        "step": "1" if column.type == "integer" else "any",
        "required": column.missing != "allow",
        "hint": ": ".join(parts if choices else [*parts, expected(column)]),
    }


def facts(config: Config, example: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the page's script draws from: types of fields, the score's scale with its bands, the cut-off."""
    policy = config.policy
    named = {name: config.columns[name] for name in config.inputs} | dict(config.derived)
    offset, factor = decision.score_terms(policy.scale)
    return {
        "example": dict(example),
        "kinds": {name: config.columns[name].type for name in config.inputs},
        "labels": {name: described.label or name for name, described in named.items()},
        "bands": [{"name": band.name, "minimum": band.minimum} for band in policy.bands],
        "cutOff": decision.cut_off(policy),
        "offset": offset,
        "factor": factor,
        "title": config.project.title,
        "comparedWith": config.reasons.compared_with,
    }


def policy_of(html: str) -> str:
    """A policy that names the page's inline style and script by their hash: nothing that is injected would run."""
    hashes: dict[str, list[str]] = {"style": [], "script": []}
    for kind, text in INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    return (
        f"default-src 'none'; style-src {' '.join(hashes['style'])}; script-src {' '.join(hashes['script'])}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
