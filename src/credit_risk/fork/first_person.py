"""Who begins a fork: the first person of its file of identities, as git and this machine say."""

import json
from pathlib import Path

from pydantic import ValidationError

from credit_risk.config import identities
from credit_risk.config.identities import Person
from credit_risk.config.names import is_person
from credit_risk.data import provenance
from credit_risk.data.signers import account
from credit_risk.data.writing import write_text
from credit_risk.fork.upstream.git import tried

NO_PERSONS = "persons: []\n"


def write(root: Path) -> str:
    """Name whoever works here in the file of identities, if nobody stands there yet; the sentence on it."""
    path, person = root / identities.FILE, _person(root)
    text = path.read_text(encoding="utf-8") if path.is_file() else "version: 1\npersons: []\n"
    if NO_PERSONS not in text:
        return f"Left {identities.FILE.as_posix()} as it is."
    if person is None:
        return f"Name who may sign and approve in {identities.FILE.as_posix()}: git's user.name is nobody's."
    fields = {name: list(values) for name, values in person.model_dump(exclude={"name"}).items() if values}
    listed = "".join(f"  {name}: {json.dumps(values)}\n" for name, values in fields.items())
    written = f"persons:\n- name: {json.dumps(person.name, ensure_ascii=False)}\n{listed}"
    write_text(path, text.replace(NO_PERSONS, written, 1))
    sentences = [f"Named {person.name} in {identities.FILE.as_posix()}; add who else may sign, approve and waive."]
    sentences += ["Give each a role there: docs/roles.md."]  # part: roles
    return " ".join(sentences)


def _person(root: Path) -> Person | None:
    """Whoever works here, by git's name, this account and the SSH key that signs their commits; None without a name."""
    name = provenance.author(root)
    if not is_person(name):
        return None
    key = Path(_signing_key(root)).expanduser()
    public = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub") if key.name else key
    written = public.read_text(encoding="utf-8").split()[:2] if public.is_file() else []
    try:
        return Person(name=str(name), accounts=(account(),), ssh_keys=(" ".join(written),) if written else ())
    except ValidationError:  # a key of another kind
        return Person(name=str(name), accounts=(account(),))


def _signing_key(root: Path) -> str:
    """The file of the key that signs commits here; empty where none does, or it is no SSH key."""
    form, key = (tried(root, "config", name).stdout.strip() for name in ("gpg.format", "user.signingkey"))
    return key if form == "ssh" else ""
