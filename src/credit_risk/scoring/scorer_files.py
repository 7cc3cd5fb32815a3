"""Reading a scorer directory: every file that is missing, garbled, altered or of another format is named."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightgbm.basic import LightGBMError

from credit_risk.config import Config
from credit_risk.data import digest
from credit_risk.errors import ScorerError
from credit_risk.scoring import model
from credit_risk.scoring.model import Levels, RiskModel

FORMAT, FIRST = 2, 1


def facts_of(path: Path) -> dict[str, Any]:
    facts = object_of(path, "scorer.json")
    if facts.get("format") not in (FIRST, FORMAT):
        raise ScorerError(
            f"{path}/scorer.json has format {facts.get('format')!r}, this version reads {FIRST} and {FORMAT}. "
            "Assemble the scorer again with `dvc repro assemble`."
        )
    if facts.get("kind") not in model.KINDS:
        known = ", ".join(model.KINDS)
        raise ScorerError(f"{path}/scorer.json: kind {facts.get('kind')!r} is unknown; known: {known}.")
    if not isinstance(facts.get("features"), list):
        raise ScorerError(f"{path}/scorer.json lists no features; the file was altered.")
    return facts


def config_of(raw: Mapping[str, Any], format_of_scorer: int) -> Config:
    """The scorer's own copy of the config. In format 1 exclusions did not act, so nothing knows of them."""
    config = Config.from_dict(raw)
    if format_of_scorer == FIRST:
        config = config.model_copy(update={"outcome": config.outcome.model_copy(update={"exclusions": ()})})
    return config


def model_of(path: Path, facts: Mapping[str, Any], levels: Levels) -> RiskModel:
    file_name = model.KINDS[facts["kind"]].file_name
    text = _text_of(path, file_name)
    # Before LightGBM sees it: a text that was cut short ends the whole process there.
    if facts.get("model_digest") != digest.of_file(path / file_name):
        raise ScorerError(
            f"{path}/{file_name} is not the model that scorer.json names; the file was altered. "
            "Assemble the scorer again with `dvc repro assemble`."
        )
    with altered(path, file_name):
        return model.read(facts["kind"], text, levels)


@contextmanager
def altered(path: Path, name: str) -> Iterator[None]:
    """Turns whatever a file's content makes fail into a sentence that names the file."""
    try:
        yield
    except ScorerError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, LightGBMError) as error:
        raise ScorerError(f"{path}/{name} cannot be used ({error}); the file was altered.") from None


def object_of(path: Path, name: str) -> dict[str, Any]:
    raw = _json_of(path, name)
    if not isinstance(raw, dict):
        raise ScorerError(f"{path}/{name} holds no JSON object; the file was altered.")
    return raw


def _text_of(path: Path, name: str) -> str:
    try:
        return (path / name).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if not path.is_dir():
            raise ScorerError(
                f"{path}: there is no such directory. Name that of a scorer; `dvc repro assemble` makes models/scorer."
            ) from None
        raise ScorerError(f"{path}/{name} is missing. Assemble the scorer with `dvc repro assemble`.") from None
    except UnicodeDecodeError:
        raise ScorerError(f"{path}/{name} is not UTF-8 text; the file was altered.") from None


def _json_of(path: Path, name: str) -> Any:
    text = _text_of(path, name)
    try:
        return json.loads(text)
    except ValueError as error:
        raise ScorerError(f"{path}/{name} is not JSON ({error}); the file was altered.") from None
