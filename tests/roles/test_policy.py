"""The policy of roles: every cell of the shipped one, and what a policy may not be."""

from pathlib import Path

import pytest

from credit_risk.config.identities import Identities
from credit_risk.config.permission import ACTIONS
from credit_risk.errors import CheckFailed, NotFound
from credit_risk.roles.policy import (
    FILE,
    RolePolicy,
    RolesRefused,
    raise_for_unknown_environments,
    raise_for_unknown_roles,
)

SHIPPED = RolePolicy.read(Path(__file__).parents[2])
# Role, then what it may in staging and in production, a letter an action.
LETTERS = dict(zip("apdexrtowc", ACTIONS, strict=True))
TABLE = """
auditor      rt     rt
client       c      c
developer    pd     -
operator     d      d
owner        ap     ap
privacy      exrt   exrt
risk         w      w
underwriter  ro     ro
validator    a      a
stranger     -      -
"""
CELLS = [
    (role, environment, {LETTERS[letter] for letter in letters if letter != "-"})
    for role, *each in (line.split() for line in TABLE.strip().splitlines())
    for environment, letters in zip(("staging", "production"), each, strict=True)
]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(("role", "environment", "may"), CELLS, ids=[f"{role}-{where}" for role, where, _ in CELLS])
def test_every_cell_of_role_action_and_environment(role, environment, may, action):
    assert SHIPPED.allows([role], action, environment) == (action in may)


def test_the_letters_are_the_actions():
    assert {LETTERS[letter] for letter in "ewc"} == {"erase", "waive", "decide"}


def test_the_table_has_every_role_that_the_policy_names():
    assert SHIPPED.roles == sorted({role for role, *_ in CELLS} - {"stranger"})


def test_roles_add_up_and_nobody_without_one_may_anything():
    assert SHIPPED.allows(["operator", "validator"], "deploy", "production")
    assert SHIPPED.allows(["operator", "validator"], "approve", "production")
    assert not any(SHIPPED.allows([], action, "staging") for action in ACTIONS)


def test_a_forbid_outdoes_every_permit():
    frozen = RolePolicy.parse(
        SHIPPED.text + 'forbid (principal, action == Action::"deploy", resource == Environment::"production");'
    )
    assert not frozen.allows(["operator"], "deploy", "production")
    assert frozen.allows(["operator"], "deploy", "staging")


def test_the_name_of_an_environment_is_a_name_and_never_a_policy():
    assert not SHIPPED.allows(["developer"], "deploy", 'x" || resource == Environment::"staging')


BEFORE = """\
// Who may do what: permit (everybody) is what no line says.
@id("owners")
permit (principal in Role::"owner", action == Action::"promote", resource);

"""


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ('permit (principal in Role::"risk", action == Action::"wave", resource);', "line 5: unrecognized action"),
        ('forbid (\n  principal in Rol::"risk", action, resource);', "line 5: unrecognized entity type `Rol`"),
        ('@id("risk")\npermit (principal in Role::"risk", action, resource)', "line 6: unexpected end of input"),
    ],
)
def test_a_fault_is_said_with_the_line_of_its_statement(statement, sentence):
    with pytest.raises(RolesRefused) as refused:
        RolePolicy.parse(BEFORE + statement + "\n")
    assert sentence in str(refused.value)


@pytest.mark.parametrize("name", ["stagin", "Production"])
def test_an_environment_that_is_none_is_refused_for_it_would_forbid_nothing(tmp_path, name):
    site = tmp_path / "configs" / "deploy" / "site.yaml"
    site.parent.mkdir(parents=True)
    site.write_text("environment: elsewhere\n", encoding="utf-8")
    for known in ("elsewhere", "staging", "production", "local"):
        there = f'forbid (principal, action, resource == Environment::"{known}");'
        raise_for_unknown_environments(RolePolicy.parse(BEFORE + there), tmp_path)
    there = f'forbid (principal, action, resource) when {{ resource == Environment::"{name}" }};'
    with pytest.raises(CheckFailed, match=f"names '{name}', .*known: elsewhere, local"):
        raise_for_unknown_environments(RolePolicy.parse(BEFORE + there), tmp_path)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('permit (principal in Role::"owner", action == Action::"promot", resource);', "the actions are approve, prom"),
        ('permit (principal in Rol::"owner", action, resource);', "Rol"),
        ("permit (principal, action, resource)", "cannot be read|is not valid"),
        ("allow everything;", "cannot be read|is not valid"),
    ],
)
def test_a_policy_of_what_is_not_there_is_refused(text, match):
    with pytest.raises(RolesRefused, match=match):
        RolePolicy.parse(text)


def test_without_a_policy_nobody_may(tmp_path):
    with pytest.raises(NotFound, match=r"roles\.cedar"):
        RolePolicy.read(tmp_path)
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text("")
    empty = RolePolicy.read(tmp_path)
    assert (empty.roles, empty.allows(["owner"], "promote", "staging")) == ([], False)


def test_a_misspelled_role_is_named_with_its_person():
    known = Identities.model_validate(
        {"version": 1, "persons": [{"name": "Ada Berg", "accounts": ["ada"], "roles": ["validatr", "owner"]}]}
    )
    with pytest.raises(CheckFailed, match=r"Ada Berg has the role 'validatr'; the policy's are auditor, client"):
        raise_for_unknown_roles(SHIPPED, known)
