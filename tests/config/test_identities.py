"""The file of identities: each proves one person, each person has one name, and what is wrong is said with its line."""

from pathlib import Path

import pytest

from credit_risk.config import identities
from credit_risk.errors import ConfigError, NotFound
from identities_trial import write_identities

ADA = {"name": "Ada Berg", "accounts": ["ada"], "subjects": ["ada-berg"]}


def test_an_identity_is_one_persons_and_of_its_kind_alone(tmp_path):
    write_identities(tmp_path, ADA, {"name": "Kim Lee", "accounts": ["kim"]})
    known = identities.load(tmp_path)
    assert known.person("account:ada").name == known.person("subject:ada-berg").name == "Ada Berg"
    assert known.person("account:kim").name == "Kim Lee"
    assert known.person("account:ada-berg") is None
    assert known.person("subject:kim") is None


def test_the_form_of_the_committed_file_holds_once_its_marks_are_taken_off(tmp_path):
    committed = (Path(__file__).parents[2] / identities.FILE).read_text(encoding="utf-8")
    form = committed.replace("persons: []\n", "persons:\n").replace("AAAA…", "AAAA")
    form = form.replace("# part: registry\ntokens: []\n", "tokens:\n").replace("# end of part\n", "")
    head, _, rest = form.partition("version: 1")
    (tmp_path / identities.FILE).parent.mkdir(parents=True)
    (tmp_path / identities.FILE).write_text(head + "version: 1" + rest.replace("\n# ", "\n"))
    known = identities.load(tmp_path)
    assert known.person("account:ada") == known.person("subject:ada-berg")
    assert len(known.tokens) == 1  # part: registry


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        ({"name": "Berg Ada"}, "is 'Ada Berg' once more"),
        ({"name": "ADA BERG"}, "is 'Ada Berg' once more"),
        ({"name": "Kim Lee", "accounts": ["ada"]}, "account:ada is Ada Berg's already"),
        ({"name": "\u0410da Berg"}, "several scripts"),
        ({"name": "Ada\u200b Berg"}, r"U\+200B"),
        ({"name": "Ada Berg\u034f"}, r"U\+034F"),
        ({"name": "Ada Berg."}, "is 'Ada Berg' once more"),
        ({"name": "Risk Department"}, "is no person"),
        ({"name": "Kim Lee", "ssh_keys": ["AAAA"]}, "ssh_keys"),
        ({"name": "Kim Lee", "emails": ["k@example.org"]}, "emails"),
    ],
)
def test_who_could_be_two_or_stand_for_another_is_refused(tmp_path, second, fault):
    write_identities(tmp_path, ADA, second)
    with pytest.raises(ConfigError, match=fault):
        identities.load(tmp_path)


def test_without_the_file_it_is_said_what_it_is_for(tmp_path):
    with pytest.raises(NotFound, match="who may sign and approve"):
        identities.load(tmp_path)
