"""Which gates are tried on which made-up worlds, and what the truth of each is."""

from dataclasses import dataclass
from typing import Any

from credit_risk.config import Config
from credit_risk.config.schema import Gate
from credit_risk.studies.worlds import (
    BASELINE_NOISE,
    Ends,
    EndsOf,
    Truth,
    World,
    approval_figure,
    approval_truth,
    band_figure,
    baseline_pair,
    before_the_rise,
    held_profit,
    input_shift,
    largest_gap,
    make_world,
    noisy,
    of_test,
    of_two,
    score_shift,
    scorecard_pair,
    steeper,
    value_of,
)

NOT_DECLARED = "tried, though the config does not declare it"


@dataclass(frozen=True)
class Trial:
    """How a gate is tried: what the dose does, the doses from a good model to a bad world, and how it is measured.

    simulated: the dose as an argument of the lender, if the fault lies in the lender and not in the model's PDs.
    resamples: bootstrapped, so that there are fewer seeds.
    """

    gate: Gate
    fault: str
    doses: tuple[float, ...]
    figure: EndsOf
    truth: Truth
    simulated: str = ""
    resamples: bool = False

    @property
    def declared(self) -> bool:
        """Whether the config has this gate."""
        return self.gate.reason != NOT_DECLARED

    def world(self, rows: int, seed: int, dose: float) -> World:
        return make_world(rows, seed, **({self.simulated: dose} if self.simulated else {}))

    def measures(self, ends: Ends) -> dict[str, Any]:
        """The figure under the gate's dotted name, as its stage writes it."""
        *path, last = self.gate.measure.split(".")
        tree: dict[str, Any] = {f"{last}{end}": value for end, value in zip(("", "_low", "_high"), ends, strict=True)}
        for part in reversed(path):
            tree = {part: tree}
        return tree


def trials(config: Config, replicates: int) -> tuple[Trial, ...]:
    """Every statistical gate with the limits of the config; a gate that it does not declare has those given here."""
    return (*trials_of_pds(config, replicates), *trials_of_decisions(config), *trials_of_two(config, replicates))


def gate_on(config: Config, name: str, measure: str, **limits: float) -> Gate:
    """The config's gate on a measure, or else one with these limits."""
    declared = {each.measure: each for each in config.gates}
    made = {"name": name, "measure": measure, "reason": NOT_DECLARED, **limits}
    return declared.get(measure) or Gate.model_validate(made)


def trials_of_pds(config: Config, replicates: int) -> tuple[Trial, ...]:
    """Gates on how a model's PDs rank and how true they are: the fault lies in the PDs."""
    return (
        Trial(
            gate_on(config, "discrimination", "test.auc", at_least=0.7),
            "standard deviation of noise on the log-odds",
            (0, 0.4, 0.8, 1.4),
            *of_test("auc", noisy, replicates),
            resamples=True,
        ),
        Trial(
            gate_on(config, "calibration_slope", "test.calibration_slope", at_least=0.9, at_most=1.1),
            "log-odds too extreme by this factor",
            (1, 1.15, 1.3, 1.6),
            *of_test("calibration_slope", steeper, replicates),
            resamples=True,
        ),
        Trial(
            gate_on(config, "calibration_level", "test.calibration_in_the_large", at_least=-0.1, at_most=0.1),
            "log-odds by which risk rises over the 18 months, unknown to the model",
            (0, 0.3, 0.6, 1.2),
            *of_test("calibration_in_the_large", before_the_rise, replicates),
            simulated="miscalibration",
            resamples=True,
        ),
        Trial(
            gate_on(config, "calibration_bands", "bands.largest_gap", at_most=0.69),
            "log-odds by which the middle score band looks too safe",
            (0, 0.3, 0.6, 1.5),
            band_figure,
            largest_gap,
        ),
    )


def trials_of_decisions(config: Config) -> tuple[Trial, ...]:
    """Gates on approvals, drift and profit: the fault lies in the lender's world."""
    contrast, threshold = config.fairness.contrasts[0].name, config.drift.threshold
    return (
        Trial(
            gate_on(config, "fairness_ratio", f"fairness.contrasts.{contrast}.ratio", at_least=0.8, at_most=1.25),
            "log-odds by which women's true risk is higher",
            (0, 0.5, 0.8, 1.2),
            approval_figure,
            approval_truth,
            simulated="gap",
        ),
        Trial(
            gate_on(config, "score_drift", "stability.score_psi", at_most=threshold),
            "standard deviations by which credit use rises over the 18 months",
            (0, 2, 4, 5),
            score_shift,
            value_of(score_shift),
            simulated="drift",
        ),
        Trial(
            gate_on(config, "input_drift", "stability.csi_largest", at_most=threshold),
            "standard deviations by which credit use rises over the 18 months",
            (0, 0.5, 1, 2),
            input_shift,
            value_of(input_shift),
            simulated="drift",
        ),
        Trial(
            gate_on(config, "stress_profit", "robustness.scenarios.odds_doubled.held_profit", at_least=0),
            "factor on everybody's odds of bad",
            (2, 3, 4, 6),
            held_profit,
            value_of(held_profit),
        ),
    )


def trials_of_two(config: Config, replicates: int) -> tuple[Trial, ...]:
    """Gates on the difference between two models on the same rows."""
    return (
        Trial(
            gate_on(config, "beats_scorecard", "selection.beyond_materiality", at_least=0),
            "share of lateness' weight that only a tree can hold",
            (1, 0.6, 0.3, 0),
            *of_two(scorecard_pair, replicates, config.model.materiality),
            simulated="interaction",
            resamples=True,
        ),
        Trial(
            gate_on(config, "not_worse_than_baseline", "comparison.differences.auc", at_least=-0.005),
            f"standard deviation of noise on the log-odds (the baseline's is {BASELINE_NOISE:g})",
            (BASELINE_NOISE, 0.5, 0.6, 0.8),
            *of_two(baseline_pair, replicates),
            resamples=True,
        ),
    )
