"""The questions of a model validation, each with where a bundle answers it, and what only a person can answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from credit_risk.config.dotted import value_at
from credit_risk.documents import settings
from credit_risk.documents.holdings import SEALING
from credit_risk.documents.settings import Question
from credit_risk.documents.tracing import Artefacts, NotTraced


@dataclass(frozen=True)
class LinkedAnswer:
    """A file or folder of the bundle, with a key in it where one is named. owed: a person must write it."""

    path: str
    key: str
    is_there: bool
    owed: bool


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question with its answers as they stand in one bundle."""

    text: str
    answers: tuple[LinkedAnswer, ...]

    @property
    def state(self) -> str:
        """answered; owed, where nothing but a person's word lacks; partly; or open, where nothing is there."""
        lacking = [answer for answer in self.answers if not answer.is_there]
        if not lacking:
            return "answered"
        if all(answer.owed for answer in lacking):
            return "owed"
        return "open" if len(lacking) == len(self.answers) else "partly"


def answered(questions: tuple[Question, ...], bundle: Path) -> list[AnsweredQuestion]:
    """Every question with what this bundle holds of its answers."""
    artefacts = Artefacts.below(bundle)
    return [AnsweredQuestion(each.ask, tuple(_answers(each, bundle, artefacts))) for each in questions]


def _answers(question: Question, bundle: Path, artefacts: Artefacts) -> Iterator[LinkedAnswer]:
    for links, owed in ((question.at, False), (question.person, True)):
        for link in links:
            path, _, key = link.partition("#")
            yield LinkedAnswer(path, key, _is_there(path, key, bundle, artefacts, owed=owed), owed)


def _is_there(path: str, key: str, bundle: Path, artefacts: Artefacts, *, owed: bool) -> bool:
    """Whether the file is there and says something: a sample text, an empty folder and an empty value do not.

    owed: by a person, who may neither leave a list empty nor a number at 0; computed, both are answers.
    """
    file = bundle / path
    if file.is_dir():
        return any(file.iterdir())
    if not file.is_file():
        return path in SEALING
    if Path(path).parent == settings.TEXTS:
        return settings.text_of(bundle, file.stem) is not None
    if not key:
        return True
    try:
        value = value_at(artefacts.content(path), key)
    except NotTraced:
        return False
    return bool(value) if owed or isinstance(value, str | Mapping) else value is not None
