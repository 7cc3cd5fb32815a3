"""Made-up applications obey the contract they are made from, whatever the columns are."""

import json
from itertools import islice

import smallest
from credit_risk.serving.requests import examples
from credit_risk.serving.requests.request_reading import RequestReader

COLUMNS = {
    "income": {"role": "feature", "type": "number", "range": [0, 9000]},
    "balance": {"role": "feature", "type": "number"},
    "months": {"role": "feature", "type": "integer", "range": [-2, 3]},
    "job": {"role": "input_only", "type": "ordered", "categories": ["none", "some"]},
    "customer": {"role": "feature", "type": "boolean"},
    "sex": {"role": "protected", "type": "category", "categories": ["f", "m"], "why": "sex"},
    "status": {"role": "target", "type": "integer"},
}
CONFIG = smallest.config(columns=COLUMNS)


def test_every_made_up_application_is_accepted_and_holds_every_input():
    reader = RequestReader(CONFIG)
    for made in islice(examples.applications(CONFIG, seed=1), 200):
        application, _ = reader.application(json.dumps(made).encode())
        assert list(application) == ["income", "balance", "months", "job", "customer"]


def test_the_same_seed_makes_the_same_applications_and_another_makes_others():
    first, again, other = (list(islice(examples.applications(CONFIG, seed=seed), 5)) for seed in (1, 1, 2))
    assert first == again != other


def test_numbers_lie_between_the_bins_that_training_rows_fell_into():
    reference = {"inputs": {"columns": {"income": {"edges": [100.0, 200.0, None]}}}}
    made = islice(examples.applications(CONFIG, seed=1, reference=reference), 50)
    assert all(100 <= one["income"] <= 200 for one in made)
