"""The attacks of IBM's Adversarial Robustness Toolbox (ART), as far as they fit: no gradient of ours, no torch.

ART's own LightGBM class fails on binary boosters, so the scorer enters as a black box (HopSkipJump), and the gradient
attacks (FGSM, PGD) are made on a logistic surrogate of the scorer's decisions and carried over.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from credit_risk.attacks.plausible_changes import PlausibleChanges
from credit_risk.attacks.search import Decide, flipped
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.errors import CreditRiskError

SHARES_OF_BUDGET = (0.25, 0.5, 1.0)  # the gradient attacks are tried this large, the smallest that flips counts
WIDER = 3.0  # HopSkipJump starts from anywhere within this many budgets and works its way back
STARTS = 64  # random starts a row
FLIPPED = 1
LEARNERS = {"gradient boosting": "gb", "logistic": "lr"}


class ToolboxMissing(CreditRiskError, ModuleNotFoundError):
    """The room's own dependency is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the attacks need the Adversarial Robustness Toolbox, which is not installed. "
            "`make setup` brings it; alone it is `pip install .[attacks]`."
        )


class Surrogate:
    """A logistic regression of the scorer's decisions on the inputs: what an attacker without the model would fit.

    Gameable numbers stand in units of cost, so that the size of an attack is its cost; the rest is standardised.
    """

    def __init__(self, changes: PlausibleChanges, inputs: Matrix, declined: Mask) -> None:
        self.changes = changes
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column without any value has no median
            self.fill = np.nan_to_num(np.nanmedian(inputs, axis=0))
        known = self._filled(inputs)
        self.centre, spread = known.mean(axis=0), known.std(axis=0)
        self.scale = np.where(spread > 0, spread, 1.0)
        self.scale[changes.indices] = np.where(changes.nominal, self.scale[changes.indices], 1 / changes.unit)
        self.model = LogisticRegression(max_iter=1_000).fit(self.design(inputs), declined)

    def design(self, inputs: Matrix) -> Matrix:
        return np.asarray((self._filled(inputs) - self.centre) / self.scale)

    def _filled(self, inputs: Matrix) -> Matrix:
        return np.where(np.isnan(inputs), self.fill, inputs)


def gradient_attacks(surrogate: Surrogate, rows: Matrix) -> Iterator[tuple[str, Matrix]]:
    """Efforts (signed cost by gameable column) of FGSM and PGD against the surrogate's "declined", smallest first.

    FGSM spreads the budget evenly over all gameable numbers; PGD, under a budget on the sum, goes where the gradient
    is steepest. Together neither costs more than the budget.
    """
    changes = surrogate.changes
    evasion, classification = _art("attacks.evasion"), _art("estimators.classification.scikitlearn")
    target = classification.ScikitlearnLogisticRegression(surrogate.model)
    start = surrogate.design(rows).astype(np.float32)
    mask = np.zeros(start.shape[1], dtype=np.float32)
    mask[changes.indices[~changes.nominal]] = 1.0
    declined = np.tile(np.array([0.0, 1.0], dtype=np.float32), (len(rows), 1))
    free = max(int(mask.sum()), 1)
    for share in SHARES_OF_BUDGET:
        most = share * changes.budget
        fgsm = evasion.FastGradientMethod(target, norm=np.inf, eps=most / free)
        pgd = evasion.ProjectedGradientDescent(target, norm=1, eps=most, eps_step=most / 5, max_iter=10, verbose=False)
        for name, attack in (("fgsm", fgsm), ("pgd", pgd)):
            after = attack.generate(start, y=declined, mask=mask)
            effort = (after.astype(np.float64) - start)[:, changes.indices]
            spent = np.abs(effort).sum(axis=1, keepdims=True)
            # Single precision may end a hair beyond the budget.
            yield name, effort * np.minimum(1, most / np.maximum(spent, 1e-12)) * (spent > 1e-3 * most)


def hop_skip_jump(changes: PlausibleChanges, decide: Decide, rows: Matrix, seed: int) -> Matrix:
    """Efforts that HopSkipJump (Chen and others 2020) ends at, a line a row; 0 where it found no start.

    It asks for decisions alone. Distance is Euclidean in units of cost, which is never more than the cost itself.
    """
    size = WIDER * changes.budget
    draws = np.random.default_rng(seed).uniform(-size, size, (STARTS, len(rows), len(changes.indices)))
    efforts = np.zeros(draws.shape[1:])
    with _seeded(seed):
        for row, application in enumerate(rows):
            trial = np.repeat(application[None], STARTS, axis=0)
            works = flipped(decide(changes.moved(trial, draws[:, row])))
            if works.any():
                starts = draws[works, row]
                nearest = starts[np.abs(starts).sum(axis=1).argmin()]
                efforts[row] = _hop(changes, decide, application, nearest, size)
    return efforts


def _hop(changes: PlausibleChanges, decide: Decide, application: Matrix, start: Matrix, size: float) -> Matrix:
    def predict(effort: Any) -> Any:
        rows = np.repeat(application[None], len(effort), axis=0)
        label = flipped(decide(changes.moved(rows, np.asarray(effort, dtype=np.float64))))
        return np.eye(2, dtype=np.float32)[label.astype(int)]

    black_box = _art("estimators.classification").BlackBoxClassifier(
        predict, input_shape=(len(start),), nb_classes=2, clip_values=(-size, size)
    )
    attack = _art("attacks.evasion").HopSkipJump(
        black_box, targeted=True, norm=2, max_iter=4, init_eval=16, max_eval=64, init_size=1, verbose=False
    )
    after = attack.generate(
        np.zeros((1, len(start)), dtype=np.float32),
        y=np.eye(2)[[FLIPPED]],
        x_adv_init=start[None].astype(np.float32),
    )
    return np.asarray(after[0], dtype=np.float64)


def membership(kind: str, known: tuple[Matrix, Mask, Mask], rest: tuple[Matrix, Mask], seed: int) -> Matrix:
    """How sure ART's membership attack is of each asked row that the model was trained on it.

    known: PDs, outcomes and membership of the rows the attacker learns from. asked: PDs and outcomes of others.
    kind: `gradient boosting` and `logistic` learn from PD and outcome; `rule` says trained if the guess is right.
    """
    inference = _art("attacks.inference.membership_inference")
    black_box = _art("estimators.classification").BlackBoxClassifier(
        _both_classes, input_shape=(1,), nb_classes=2, clip_values=(0.0, 1.0)
    )
    asked_pd, asked_bad = rest
    if kind == "rule":
        rule = inference.MembershipInferenceBlackBoxRuleBased(black_box)
        return np.asarray(rule.infer(asked_pd[:, None], asked_bad.astype(int)), dtype=np.float64).ravel()
    pd_, bad, member = known
    attack = inference.MembershipInferenceBlackBox(black_box, attack_model_type=LEARNERS[kind])
    attack.attack_model.set_params(random_state=seed)
    attack.fit(
        y=bad[member].astype(int),
        test_y=bad[~member].astype(int),
        pred=_both_classes(pd_[member, None]),
        test_pred=_both_classes(pd_[~member, None]),
    )
    sure = attack.infer(None, asked_bad.astype(int), pred=_both_classes(asked_pd[:, None]), probabilities=True)
    return np.asarray(sure, dtype=np.float64)[:, -1]


def _both_classes(pd_: Any) -> Any:
    probability = np.asarray(pd_, dtype=np.float64).reshape(-1)
    return np.column_stack([1 - probability, probability])


def _art(name: str) -> Any:
    """A module of ART. It warns on import of what needs torch; nothing here does."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PyTorch not found", category=UserWarning)
        try:
            return import_module(f"art.{name}")
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] == "art":  # also where another package of that name is installed
                raise ToolboxMissing from None
            raise


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """ART draws from numpy's global generator; it is put back as it was."""
    state = np.random.get_state()  # noqa: NPY002 - ART's generator, not ours
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
