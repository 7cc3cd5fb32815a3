"""What `credit-risk init` is asked to draft."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from credit_risk.fork.drafting.draft import Answers
from credit_risk.fork.drafting.profile import Role


@dataclass(frozen=True)
class InitRequest:
    """What `credit-risk init` is to draft.

    bad, good, indeterminate: words of the target column; good: its only other word, if none is named.
    encoding: that of the files, where somebody knows it.
    joined: files of which each has one column in common with those before it, by which its rows are joined to them.
    """

    data: Path
    target: str
    bad: tuple[str, ...]
    good: tuple[str, ...] = ()
    indeterminate: tuple[str, ...] = ()
    roles: Mapping[str, Role] | None = None
    answers: Answers | None = None
    name: str | None = None
    accept: bool = False
    joined: tuple[Path, ...] = ()
    encoding: str | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.data, *self.joined)
