"""The API's description (OpenAPI 3.1), made from the scorer's config: its inputs, bands and reason families."""

from typing import Any

from credit_risk.config import Config
from credit_risk.config.columns import Column
from credit_risk.data.inputs import expected
from credit_risk.scoring.decision import OUTCOMES, REFUSED, field_schemas, reason_field_schemas
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.engine import API_VERSION
from credit_risk.serving.problems import TITLES
from credit_risk.serving.requests import examples
from credit_risk.serving.settings import Serving

TEXT = {"type": "string"}
NUMBER_OR_NONE = {"type": ["number", "null"]}
REFERENCE = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"}
_ASCII_CHARACTER = "(?:[!-$&-~]|%(?:2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e]))"
ENCODED = {
    "type": "string",
    "pattern": f"^{_ASCII_CHARACTER}((?:{_ASCII_CHARACTER}|%20| ){{0,198}}{_ASCII_CHARACTER})?$",
}
RETRIED: list[dict[str, Any]] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": REFERENCE,
        "description": "A retry with the same key and body gets the first decision and makes no second.",
    },
    {
        "name": "X-Applicant-Id",
        "in": "header",
        "schema": ENCODED,
        "description": "Your reference of the person, by which a decision is found and a person erased: up to 200 "
        "visible characters, percent-encoded where they are not ASCII (a % itself is sent as %25).",
    },
    {"name": "explain", "in": "query", "schema": {"type": "boolean"}, "description": "Contributions of all families."},
]


def of(scorer: Scorer, settings: Serving) -> dict[str, Any]:
    """The description that stands at /openapi.json, with an application that can be sent as it is."""
    config = scorer.config
    example = examples.application(config, scorer.reference)
    needed: list[dict[str, Any]] = [] if settings.access.mode == "off" else [{"key": []}, {"token": []}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": config.project.title,
            "version": str(API_VERSION),
            "description": config.notice or "Decisions on applications, with their reasons.",
        },
        "security": needed,
        "paths": paths(settings, example),
        "components": {
            "schemas": schemas(config, settings),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def paths(settings: Serving, example: dict[str, Any]) -> dict[str, Any]:
    """Every route with every answer it may give."""
    knows = () if settings.access.mode == "off" else (401, 403)
    sent = (*knows, 400, 408, 413, 415, 422, 429, 503)
    identifier = {"name": "decision_id", "in": "path", "required": True, "schema": TEXT}
    return {
        "/decide": {
            "post": _operation("Decide one application", "Decision", (*sent, 409), sent="Application", example=example)
            | {"parameters": RETRIED}
        },
        "/decide/batch": {
            "post": _operation(
                "Decide many at once", "Decisions", sent, sent="Batch", example={"applications": [example]}
            )
        },
        "/decisions/{decision_id}": {
            "get": _operation(
                "Read a past decision of your own; with the scope read:all, anybody's",
                "Record",
                (*knows, 404, 429, 503),
            )
            | {"parameters": [identifier]}
        },
        "/model": {"get": _operation("The model that decides", "Model", (*knows, 429))},
        "/monitoring": {"get": _operation("The last report", "Measured", (*knows, 429, 503))},  # part: monitoring
        "/health": {"get": _operation("Can a decision be made and recorded now?", "Health", (503,))},
    }


def schemas(config: Config, settings: Serving) -> dict[str, Any]:
    """The schemas of requests and replies, by name."""
    not_recorded = _object({"problem": _ref("Problem")})
    error = _object({"field": TEXT, "got": {}, "expected": TEXT})
    known = {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT}
    return {
        "Application": application(config),
        "Batch": _batch(settings.limits.batch_rows),
        "Reason": _reason_of(config),
        "Decision": _decision(config),
        "Decisions": _object({"decisions": {"type": "array", "items": {"anyOf": [_ref("Decision"), not_recorded]}}}),
        "Record": {"type": "object", "required": ["decision_id", "decision", "at", "erased", "by"]},
        "Model": {"type": "object", "required": ["scorer", "digests", "gate", "features"]},
        "Measured": _object({"why": TEXT, "report": {"type": ["object", "null"]}}),  # part: monitoring
        "Health": _object({"status": {"const": "ready"}, "scorer": TEXT}),
        "Problem": _object(known, {"errors": {"type": "array", "items": error}}),
    }


def _batch(most: int) -> dict[str, Any]:
    applications = {"type": "array", "items": _ref("Application"), "minItems": 1, "maxItems": most}
    return _object({"applications": applications}) | {"additionalProperties": False}


def _decision(config: Config) -> dict[str, Any]:
    """A decision as it is answered; contributions stand in it where they were asked for."""
    contribution = _object({"family": TEXT, "text": TEXT, "log_odds": {"type": "number"}})
    return _object(
        {
            "decision_id": TEXT,
            "decided_at": TEXT,
            **field_schemas(),
            # What the service refuses it answers with a problem, and bands are the config's own.
            "decision": {"enum": [word for word in OUTCOMES if word != OUTCOMES[REFUSED]]},
            "band": {"enum": [*(band.name for band in config.policy.bands), None]},
            "repeated": {"type": "boolean"},
            "model": {"type": "object"},
            "api_version": {"const": API_VERSION},
        },
        {"base_log_odds": NUMBER_OR_NONE, "contributions": {"type": "array", "items": contribution}},
    )


def _reason_of(config: Config) -> dict[str, Any]:
    """A reason by the config's families; a policy rule's has the rule's name for an id."""
    ids: dict[str, Any] = (
        {} if config.policy.rules else {"id": {"enum": [family.id for family in config.reasons.families]}}
    )
    return _reason({**reason_field_schemas(), **ids, "version": {"const": config.reasons.version}})


def _reason(properties: dict[str, Any]) -> dict[str, Any]:
    """A reason without null: a policy rule's has no driver, and so no field about one."""
    nullable = {name for name, schema in properties.items() if "null" in schema.get("type", ())}
    kinds = {name: [kind for kind in properties[name]["type"] if kind != "null"] for name in nullable}
    known = {name: schema | ({"type": kinds[name]} if name in kinds else {}) for name, schema in properties.items()}
    return {"type": "object", "properties": known, "required": [name for name in known if name not in nullable]}


def application(config: Config) -> dict[str, Any]:
    """The schema of one application: its inputs, and nothing else may be sent."""
    columns = {name: config.columns[name] for name in config.inputs}
    return {
        "type": "object",
        "properties": {name: _property(column) for name, column in columns.items()},
        "required": [name for name, column in columns.items() if column.missing == "refuse"],
        "additionalProperties": False,
    }


def _property(column: Column) -> dict[str, Any]:
    may_lack = column.missing != "refuse"
    schema: dict[str, Any] = {"description": (f"{column.label}: " if column.label else "") + expected(column)}
    if column.categories:
        return schema | {"enum": [*column.categories, *([None] if may_lack else [])]}
    kind = {"integer": "integer", "boolean": "boolean"}.get(column.type, "number")
    schema["type"] = [kind, "null"] if may_lack else kind
    if column.range:
        schema["minimum"], schema["maximum"] = column.range
    if column.special:
        described = schema.pop("description")
        codes = [int(code) if code.is_integer() else code for code in column.tag_of_code]
        return {"description": described, "anyOf": [schema, {"enum": codes}]}
    return schema


def _operation(
    summary: str, reply: str, problems: tuple[int, ...], *, sent: str | None = None, example: Any = None
) -> dict[str, Any]:
    answers = {"200": {"description": summary, "content": {"application/json": {"schema": _ref(reply)}}}}
    for status in sorted(problems):
        content = {"application/problem+json": {"schema": _ref("Problem")}}
        answers[str(status)] = {"description": TITLES[status], "content": content}
    operation: dict[str, Any] = {"summary": summary, "responses": answers}
    if sent:
        body = {"application/json": {"schema": _ref(sent), "example": example}}
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _object(properties: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": properties | (optional or {}), "required": list(properties)}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
