"""What checks of the config share: a problem with the keys it stands at, and the sentences for names and formulas."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.config.formulas import Known, parse
from credit_risk.config.schema import Config
from credit_risk.errors import FormulaError

Loc = tuple[str | int, ...]
Problem = tuple[Loc, str]


def unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    """A name that is none of these, with the nearest that is."""
    near = difflib.get_close_matches(name, known, 1)
    return f"there is no {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def repeated(names: Iterable[str]) -> set[int]:
    """The indexes of names that an earlier entry of the same list has."""
    given = list(names)
    return {index for index, name in enumerate(given) if given.index(name) < index}


def refused(loc: Loc, text: str, known: Mapping[str, Known], config: Config) -> Iterator[Problem]:
    """What is wrong with a formula that may read these inputs."""
    try:
        parse(text, known)
    except FormulaError as error:
        later = (name for name in config.derived if name not in known and f"there is no column {name!r}" in str(error))
        if (name := next(later, None)) is not None:
            yield loc, f"{name!r} is derived further down; a formula may read only what stands above it, so move it up"
            return
        guarded = (name for name in config.named(*GUARDED_ROLES) if f"there is no column {name!r}" in str(error))
        name = next(guarded, None)
        yield loc, str(error) if name is None else _guarded(name, config.columns[name].role)


def _guarded(name: str, role: str) -> str:
    kind = "a protected column" if role == "protected" else "a proxy of a protected column"
    return (
        f"{name} is {kind}, and no formula may read it: what is derived from it would carry it into the decision. "
        "It is opened for the measurement of fairness alone; take it out of the formula"
    )
