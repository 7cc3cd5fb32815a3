"""Reading a config: every problem at once, each with its line and the nearest known key."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from credit_risk.config import wordings
from credit_risk.config.checks import inconsistencies
from credit_risk.config.migration import VERSION
from credit_risk.config.open_decisions import OPEN, question
from credit_risk.config.schema import Config
from credit_risk.config.yaml_positions import Loc, bad_keys, counts, explain, plain_values, read_tree, sentence
from credit_risk.errors import ConfigError

FIX = "Name the config with --config, or run the command in the repository's root."


def load(path: Path) -> Config:
    """Read and check a config and the model.yaml beside it.

    Raises ConfigError with every problem, its line and the nearest known key; NotFound without the files.
    """
    tree = read_tree(path, FIX)
    parameters_path = path.with_name("model.yaml")
    parameters = read_tree(parameters_path, FIX)
    problems = [sentence(path, tree, loc, message) for loc, message in bad_keys(tree)]
    problems += [sentence(parameters_path, parameters, loc, message) for loc, message in bad_keys(parameters)]
    if "parameters" in tree:
        problems.append(
            sentence(path, tree, ("parameters",), f"these stand in {parameters_path.name}; nothing reads them here")
        )
    if not problems:
        problems = list(_of_another_version(path, tree))
    problems += [sentence(path, tree, loc, question(".".join(map(str, loc)))) for loc in undecided(tree)]
    if problems:
        raise ConfigError(path, problems)
    try:
        # Strict: "3" is no number and true is not 1; YAML says which is which.
        config = Config.model_validate({**plain_values(tree), "parameters": plain_values(parameters)}, strict=True)
    except ValidationError as error:
        for detail in counts(error.errors()):
            loc = detail["loc"]
            file, node, rest = (parameters_path, parameters, loc[1:]) if loc[0] == "parameters" else (path, tree, loc)
            problems.append(sentence(file, node, rest, explain(Config, loc, detail)))
        raise ConfigError(path, problems) from None
    problems = [sentence(path, tree, loc, message) for loc, message in inconsistencies(config)]
    if not problems and (message := wordings.changed(config, path.parent)):
        problems.append(sentence(path, tree, ("reasons", "version"), message))
    if problems:
        raise ConfigError(path, problems)
    return config


def tree_of(path: Path) -> Any:
    """A file as ruamel reads it, with lines and comments, to be changed. Raises as read_tree."""
    return deepcopy(read_tree(path, FIX))


def _of_another_version(path: Path, tree: Any) -> Iterator[str]:
    version = tree.get("version")
    if isinstance(version, int) and 0 < version < VERSION:
        fix = f"this program reads version {VERSION}; `credit-risk migrate` brings the file there"
        yield sentence(path, tree, ("version",), f"the file is of version {version}, {fix}")


def undecided(node: Any, loc: Loc = ()) -> Iterator[Loc]:
    """Where the mark stands that nobody has decided."""
    if isinstance(node, Mapping | list):
        for key, value in node.items() if isinstance(node, Mapping) else enumerate(node):
            yield from undecided(value, (*loc, key))
    elif node == OPEN:
        yield loc
