"""Reading one section of an environment's file, configs/deploy/NAME.yaml: how and where this runs."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.config.schema import Section
from credit_risk.errors import ConfigError, NotFound

DEFAULT = Path("configs") / "deploy" / "local.yaml"

Kind = TypeVar("Kind", bound=Section)


def read(path: Path, name: str, kind: type[Kind]) -> Kind:
    """A section of an environment's file. Raises ConfigError with every problem; NotFound without the file."""
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(path, "Name the environment's file with --settings.") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, [str(error).replace("\n", " ")]) from None
    if not isinstance(raw, dict) or not isinstance(raw.get(name), dict):
        raise ConfigError(path, [f"it has no section `{name}:`"])
    try:
        return kind.model_validate(raw[name])
    except ValidationError as error:
        problems = [
            ".".join(map(str, (name, *one["loc"]))) + f": {one['msg']}; got {one['input']!r}" for one in error.errors()
        ]
        raise ConfigError(path, problems) from None
