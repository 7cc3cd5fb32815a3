"""What can go wrong, said in whole sentences: what it was, what was got, what was expected, how to mend it.

Every error subclasses the builtin that fits, so that a caller who knows nothing of
this package still catches the right thing. The command line prints the sentence and
exits with `exit_code`; a traceback reaches a user only for a bug.
"""

from collections.abc import Sequence


class CreditRiskError(Exception):
    """Something a user can mend. Exit code 2: the command could not do its work."""

    exit_code = 2


class CheckFailed(CreditRiskError):
    """The work was done and the answer is no: a contract is broken or a gate blocks. Exit code 1."""

    exit_code = 1


class ConfigError(CreditRiskError, ValueError):
    """A config file cannot be used; the message lists every problem with its line."""

    def __init__(self, path: object, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"{path}: {count}", *(f"  {problem}" for problem in problems)]))


class FormulaError(CreditRiskError, ValueError):
    """A formula is refused: it names an unknown column, or does more than arithmetic."""


class DataError(CreditRiskError, ValueError):
    """A data file cannot be read as the config describes it."""


class NotFound(CreditRiskError, FileNotFoundError):
    """A file that a command needs is not there."""

    def __init__(self, path: object, fix: str) -> None:
        super().__init__(f"{path}: there is no such file. {fix}")

    def __str__(self) -> str:
        return str(self.args[0])


class ScorerError(CreditRiskError, ValueError):
    """A scorer directory is incomplete, altered or of another format."""


class UsageError(CreditRiskError, ValueError):
    """A command was called with words that do not go together."""
