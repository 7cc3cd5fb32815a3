"""Letting a person do something in an environment, or refusing it and putting the refusal on record."""

from pathlib import Path

from credit_risk.config import environment
from credit_risk.config.names import identity_of
from credit_risk.config.permission import Action
from credit_risk.data import provenance, signers
from credit_risk.errors import CheckFailed, CreditRiskError, UsageError
from credit_risk.governance.records import Records
from credit_risk.registry import acting, settings
from credit_risk.roles.policy import FILE, RolePolicy


class NotPermitted(CheckFailed, PermissionError):
    """Somebody may not do what was asked, by the roles that the lender gave."""


def ensure(action: Action, site: Path, root: Path, who: str | None = None) -> None:
    """Raise NotPermitted unless the person may do this in the environment of a file; the refusal goes on record.

    who: the signature of whoever runs this, `Ada Berg <account:ada>`, where it is known already. A developer's
    environment asks nobody: it proves nobody. Raises UsageError for an identity that is nobody's.
    """
    if environment.is_developers(site):
        return
    registry = settings.load(site, root)
    who = who or acting.signed_by(root, None, registry.four_eyes)
    name = environment.name_of(site)
    if reason := refusal(root, who, action, name):
        raise NotPermitted(f"{reason} {_put_on_record(Records(root, registry.signed_by), action, name, who)}")


def refusal(root: Path, who: str, action: Action, name: str) -> str | None:
    """Why this person may not do this in the environment of that name; None for who may.

    The policy and who has which role count as they are committed: what only lies there, nobody can have agreed to.
    """
    policy = RolePolicy.read(root)
    if provenance.not_committed(root, [root / FILE]):
        raise UsageError(f"{FILE.as_posix()} is not as git has it committed here: have it reviewed, and commit it.")
    person = signers.known(root).person(identity_of(who) or "")
    roles = person.roles if person else ()
    if policy.allows(roles, action, name):
        return None
    able = [role for role in policy.roles if policy.allows([role], action, name)]
    has = f"has the role {', '.join(roles)}" if roles else "has no role"
    return f"{who} may not {action} in {name}: {has}, and it takes {' or '.join(able) or 'one that nobody has'}."


def _put_on_record(records: Records, action: Action, name: str, who: str) -> str:
    """Put a refusal on record, and say so; without the key that signs records it stands nowhere, and that is said."""
    try:
        records.add("refused", f"{action} in {name}", by=who, reason="the roles do not permit it")
    except CreditRiskError as fault:
        return f"This refusal is not on record: {fault}"
    return "This refusal is on record."
