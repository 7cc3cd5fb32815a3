"""A config file with some values changed: checked as a whole before it is written, or shown as a patch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from credit_risk.config import load
from credit_risk.data.writing import replacing
from credit_risk.editing import values
from credit_risk.editing.values import Value
from credit_risk.errors import ConfigError, NotFound, UsageError

BESIDE = ("model.yaml", "wordings.yaml")  # what a config is read with


@dataclass(frozen=True)
class ChangedConfig:
    """A config as it is and as it would be; old: the value before, by name."""

    path: Path
    before: str
    after: str
    old: Mapping[str, Value]
    new: Mapping[str, Value]

    def patch(self, root: Path) -> str:
        """For `git apply` in the root."""
        path = self.path.resolve()
        name = path.relative_to(root.resolve()) if path.is_relative_to(root.resolve()) else Path(path.name)
        return values.patch(self.before, self.after, name.as_posix())

    def write(self) -> None:
        with replacing(self.path) as unfinished:
            unfinished.write_bytes(self.after.encode())

    def summary(self) -> str:
        """Each value before and after."""
        return ", ".join(f"{name} {self.old[name]} → {value}" for name, value in self.new.items())


def assignment(words: str) -> tuple[str, Value]:
    """NAME=VALUE, the value read as YAML reads it. Raises UsageError for anything else."""
    name, mark, value = words.partition("=")
    read = values.parsed(value) if mark else ()
    if not name or not (read is None or isinstance(read, str | int | float | bool)):
        raise UsageError(f"expected NAME=VALUE with a single value, got {words!r}.")
    return name.strip(), read


def change(path: Path, new: Mapping[str, Value]) -> ChangedConfig:
    """The config with these values. Raises ConfigError, with its lines, where it would not be sound; UsageError."""
    try:
        before = path.read_bytes().decode()
    except FileNotFoundError:
        raise NotFound(path, "Name the config with --config.") from None
    tree = values.parsed(before)
    flat = dict(values.values_of(tree))
    old = {name: flat.get(values.located(tree, name)) for name in new}
    after = values.with_values(before, new)
    check(path, after)
    return ChangedConfig(path, before, after, old, dict(new))


def check(path: Path, text: str) -> None:
    """Raise ConfigError where the config with this text, beside the files that it is read with, would not be sound."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(text.encode())
        for name in BESIDE:
            if (beside := path.with_name(name)).is_file():
                copy.with_name(name).write_bytes(beside.read_bytes())
        try:
            load(copy)
        except ConfigError as error:
            raise ConfigError(path, error.problems) from None
