"""What `init` is given on its command line: roles of columns, and decisions that no data can show."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from typer import Option

from credit_risk.errors import UsageError

if TYPE_CHECKING:
    from credit_risk.fork.drafting.profile import Role

DECISIONS = "What no data can show; what you leave out stands as ??? in the config, and blocks all runs"
REPEATED = "may be repeated."

OF_SAMPLE = {  # decisions that most lenders need not make
    "--observed-until": "outcome.observed_until",
    "--population-bad-rate": "outcome.population_bad_rate",
}
READ: dict[str, tuple[Callable[[str], Any], str]] = {  # how the answers that are no words are read
    "--window": (int, "a whole number of months"),
    "--observed-until": (date.fromisoformat, "a day, as 2026-01-31"),
    **dict.fromkeys(("--margin", "--lgd", "--cost", "--population-bad-rate"), (float, "a share, as 0.2")),
}

Words: TypeAlias = list[str] | None
Answer: TypeAlias = str | None


def column_option(*names: str, help: str) -> Any:  # noqa: A002
    return Option(*names, metavar="COLUMN", help=help)


def _decision(help: str, metavar: str = "ANSWER") -> Any:  # noqa: A002
    return Option(metavar=metavar, rich_help_panel=DECISIONS, help=help)


@dataclass(frozen=True)
class GivenRoles:
    """The columns that were given a role on the command line."""

    identifier: Annotated[Words, column_option("--id", help="Numbers the rows.")] = None
    applicant: Annotated[Words, column_option(help="Names the person; rows of one person stay together.")] = None
    day: Annotated[Words, column_option("--date", help="The day of application.")] = None
    protected: Annotated[
        Words, column_option(help=f"Never near the model; approvals are compared by it; {REPEATED}")
    ] = None
    proxy: Annotated[
        Words, column_option(help=f"Stands in for a protected column, and is kept away too; {REPEATED}")
    ] = None
    feature: Annotated[Words, column_option(help=f"The model may read it, whatever its name suggests; {REPEATED}")] = (
        None
    )
    ignore: Annotated[Words, column_option(help=f"Left out; {REPEATED}")] = None
    weight: Annotated[Words, column_option(help="How many accounts a row stands for.")] = None

    def bycolumn_option(self, target: str) -> "dict[str, Role]":
        """The role of each column that was given one. Raises UsageError for a column with two."""
        columns: dict[Role, Words] = {"id": self.identifier, "applicant": self.applicant, "date": self.day}
        columns |= {"protected": self.protected, "proxy": self.proxy, "feature": self.feature}
        columns |= {"ignore": self.ignore, "weight": self.weight}
        roles: dict[str, Role] = {}
        for role, names in columns.items():
            for name in names or ():
                if name in roles or name == target:
                    raise UsageError(f"the column {name!r} is given two roles: {roles.get(name, 'target')} and {role}.")
                roles[name] = role
        return roles


@dataclass(frozen=True)
class GivenDecisions:
    """What was decided on the command line, of what no data can show."""

    legal_basis: Annotated[Answer, _decision("By what right the applicants' data are used, and who says so.")] = None
    definition: Annotated[Answer, _decision("What a bad account is, as in 90 days late within twelve months.")] = None
    favourable: Annotated[Answer, _decision("What an applicant gets who is approved.")] = None
    window: Annotated[Answer, _decision("After how many months the outcome is known.", "MONTHS")] = None
    population: Annotated[
        Answer, _decision("Whose outcomes these are: booked (accepted accounts) or all applicants.")
    ] = None
    margin: Annotated[Answer, _decision("What a good account earns, as a share of the exposure.")] = None
    lgd: Annotated[Answer, _decision("What a bad account loses, as a share of the exposure.")] = None
    cost: Annotated[Answer, _decision("What it costs to open any account, as a share of the exposure.")] = None
    no_protected: Annotated[Answer, _decision("Why there is no protected column, in words for a regulator.")] = None
    observed_until: Annotated[Answer, _decision("The last day on which outcomes were looked up.", "DAY")] = None
    population_bad_rate: Annotated[
        Answer, _decision("The bad rate among all accounts, where bads and goods were drawn at different rates.")
    ] = None

    def answers(self) -> dict[str, Any]:
        """Each answer by the path of the config key that it answers."""
        return _answers({f"--{name.replace('_', '-')}": given for name, given in asdict(self).items()})


NO_ROLES, NO_DECISIONS = GivenRoles(), GivenDecisions()


def _answers(by_flag: dict[str, str | None]) -> dict[str, Any]:
    """What was decided on the command line, by the path of the config key that it answers."""
    from credit_risk.config.open_decisions import DECISIONS as OPEN_DECISIONS  # noqa: PLC0415  (late, as in every command)

    paths = {decision.flag: decision.path for decision in OPEN_DECISIONS} | OF_SAMPLE
    return {paths[flag]: _answer(flag, text) for flag, text in by_flag.items() if text is not None}


def _answer(flag: str, text: str) -> Any:
    read, expected = READ.get(flag, (str, ""))
    try:
        return read(text)
    except ValueError:
        raise UsageError(f"{flag}: got {text!r}, expected {expected}.") from None
