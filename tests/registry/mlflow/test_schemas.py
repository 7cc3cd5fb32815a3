"""Three descriptions of one scorer: when they disagree, each kind of disagreement has its own error."""

import subprocess
import sys
from dataclasses import replace

import pytest

from credit_risk.registry.mlflow import schemas
from credit_risk.registry.mlflow.schemas import OUTPUTS, Field, Schema
from smallest import config

COLUMNS = {
    "income": {"role": "feature", "type": "number", "range": [0, 9], "missing": "allow"},
    "months": {"role": "feature", "type": "integer", "range": [0, 9]},
    "dependants": {"role": "feature", "type": "integer", "range": [0, 9], "missing": "allow"},
    "known": {"role": "input_only", "type": "boolean"},
    "purpose": {"role": "feature", "type": "category", "categories": ["a", "b"]},
    "employment": {"role": "feature", "type": "ordered", "categories": ["<1y", ">=1y"]},
    "sex": {"role": "protected", "type": "category", "categories": ["f", "m"]},
    "bad": {"role": "target", "type": "integer"},
}
INPUTS = (
    Field("income", "number", needed=False),
    Field("months", "integer", needed=True),
    Field("dependants", "integer", needed=False),
    Field("known", "boolean", needed=True),
    Field("purpose", "text", needed=True),
    Field("employment", "text", needed=True),
)
WANTED = Schema(INPUTS, OUTPUTS)


def test_the_config_declares_what_may_be_sent_and_nothing_protected():
    assert schemas.declared(config(columns=COLUMNS)) == WANTED


def test_equal_descriptions_agree():
    schemas.agree(WANTED, WANTED, "it")


def test_integers_with_gaps_are_numbers_in_a_table():
    stored = tuple(replace(one, kind=schemas.as_stored(one)) for one in INPUTS)
    assert [one.kind for one in stored] == ["number", "integer", "number", "boolean", "text", "text"]
    schemas.agree(WANTED, Schema(stored, OUTPUTS), "it")


def without(name: str) -> tuple[Field, ...]:
    return tuple(one for one in INPUTS if one.name != name)


@pytest.mark.parametrize(
    ("inputs", "outputs", "error", "sentence"),
    [
        (without("months"), OUTPUTS, schemas.InputMissing, "it lacks the input 'months'"),
        ((*INPUTS, Field("sex", "text", needed=True)), OUTPUTS, schemas.InputUnknown, "takes an input 'sex'"),
        ((replace(INPUTS[0], kind="text"), *INPUTS[1:]), OUTPUTS, schemas.TypeDiffers, "'income' as text"),
        (
            (replace(INPUTS[0], needed=True), *INPUTS[1:]),
            OUTPUTS,
            schemas.NeedDiffers,
            "'income' is needed, the config optional",
        ),
        ((*INPUTS[1:], INPUTS[0]), OUTPUTS, schemas.OrderDiffers, "another order"),
        (INPUTS, OUTPUTS[1:], schemas.OutputDiffers, "answers 'decision' not at all"),
        (INPUTS, (replace(OUTPUTS[0], kind="number"), *OUTPUTS[1:]), schemas.OutputDiffers, "'decision' as number"),
    ],
)
def test_each_kind_of_disagreement_has_its_own_error(inputs, outputs, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        schemas.agree(WANTED, Schema(inputs, outputs), "it")
    assert type(caught.value) is error
    assert caught.value.exit_code == 1


def test_several_disagreements_are_all_told():
    with pytest.raises(schemas.SchemasDisagree) as caught:
        schemas.agree(WANTED, Schema(without("months"), OUTPUTS[1:]), "it")
    assert [type(one) for one in caught.value.mismatches] == [schemas.InputMissing, schemas.OutputDiffers]
    assert str(caught.value).count("\n") == 1


LONGER = """
from typing import Annotated
from credit_risk.scoring import decision

class Longer(decision.Decision):
    margin: Annotated[float | None, decision.FieldSource(lambda decisions, row: 0.25)]

decision.Decision = Longer

from credit_risk.registry.mlflow import packing, schemas
print(schemas.OUTPUTS[-1])
print(packing._outputs().inputs[-1])
"""


def test_a_field_added_to_the_decision_is_an_output():
    """A process of its own, as outputs derive from scoring.decision.Decision when they are imported."""
    done = subprocess.run([sys.executable, "-c", LONGER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    field, column = done.stdout.splitlines()[-2:]
    assert field == str(Field("margin", "number", needed=False))
    assert column == "'margin': double (optional)"
