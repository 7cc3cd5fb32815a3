"""What the measures that gates read are called in plain words, for sentences that people read."""

from credit_risk.config.schema import Gate

HEADLINES = {  # of the test rows, in the order in which people read them
    "auc": "AUC",
    "ks": "KS",
    "brier": "Brier score",
    "calibration_slope": "calibration slope",
    "calibration_in_the_large": "calibration in the large",
    "final_approval_rate": "approved in the end",
    "final_profit_per_application": "profit per application",
    "approval_rate": "approved by PD alone",
    "profit_per_application": "profit by PD alone",
}
WORDS = {
    "test.auc": "AUC on the test rows",
    "test.gini": "Gini on the test rows",
    "test.ks": "KS on the test rows",
    "test.brier": "Brier score on the test rows",
    "test.calibration_slope": "The slope of the calibration",
    "test.calibration_in_the_large": "The level of the calibration in log-odds",
    "test.final_profit_per_application": "Profit per application by the final decisions",
    "test.final_approval_rate": "The approval rate of the final decisions",
    "test.profit_per_application": "Profit per application by the PD alone",
    "test.approval_rate": "The approval rate by the PD alone",
    "bands.largest_gap": "The log-odds by which the worst score band is off",
    "splits.passing_share": "The share of other splits on which the same models pass",
    "splits.of_run.level": "How much higher the model's log-odds lie than those of its like out of fold",
    "splits.of_run.slope": "How much steeper the model's log-odds are than those of its like out of fold",
    "splits.pooled.auc": "The AUC of all rows out of fold",
    "splits.pooled.calibration_slope": "The calibration slope of all rows out of fold",
    "splits.pooled.calibration_in_the_large": "The level of the calibration of all rows out of fold, in log-odds",
    "splits.pooled.largest_gap": "The log-odds by which the worst score band of all rows out of fold is off",
    "stability.score_psi": "The PSI of the score",
    "stability.csi_largest": "The PSI of the input that moved most",
    "monotone.violations": "The number of steps against a declared direction",
    "leak.strongest_share": "The share of the model's Gini that one feature reaches alone",
    "leak.rows_across_splits": "The number of rows that stand in more than one split",
    "unused.marginal": "What the PDs leave out of the most telling feature that the model does not read",
    "leak.order": "The Gini by which the order of the rows alone ranks their outcomes",
    "leak.encoded": "The number of features that are the bad rate of their own rows",
    "leak.marked": "The share of bads that one feature makes sure of",
    "selection.scorecard.auc": "LightGBM's AUC minus the scorecard's",
    "selection.beyond_materiality": "LightGBM's AUC minus the scorecard's and the materiality",
    "comparison.differences.auc": "The candidate's AUC minus the baseline's",
    "comparison.baseline_scored_candidate_not": "The number of rows that only the baseline scores",
    "candidate.accuracy": "The share of the candidate's right calls",
    "candidate.fairness": "The lowest approval ratio of any protected attribute",
    "fairness.proxy_largest.auc": "How well an application gives a guarded group away",
    "explain.additivity.largest": "The largest gap between the contributions' sum and the PD",
    "explain.reasons.at_best": "The share of cited reasons at their best value",
    "explain.reasons.not_lower": "The share of declines with a reason that does not hold",
    "explain.reasons.untrue": "The share of declines with a reason that is not true of the applicant",
    "explain.reasons.none": "The share of declines without a true reason",
    "explain.reasons.mean_count": "The mean number of reasons of a decline",
    "explain.wordings.doubts": "The number of texts that do not speak of what their family is about",
    "explain.reasons.guarded": "The number of reasons about a protected column or proxy",
    "explain.reasons.duplicates": "The number of reasons cited twice",
    "explain.stability.top_reason": "The share of first reasons that other seeds agree on",
    "explain.stability.overlap": "The share of reasons that other seeds have in common",
    "explain.resampling.top_reason": "The share of first reasons that fits to other applicants agree on",
    "explain.interventional.top_reason": "The share of first reasons that interventional SHAP agrees on",
    "explain.interventional.whole_list": "The share of whole lists of reasons that interventional SHAP agrees on",
    "explain.interventional.correlation": "The correlation with interventional SHAP",
    "explain.importance.required_least": "The importance of the least of the required features",
    "latency.approve.ratio": "The cost of an approval in bare predictions",
    "latency.decline.ratio": "The cost of a decline with its reasons in bare predictions",
    "robustness.missing.scored_by_accident": "The number of applications with a gap that got a PD",
    "robustness.invalid.scored_by_accident": "The number of applications with nonsense that got a PD",
}


def named(gate: Gate) -> str:
    """A gate's measure in plain words, and its own name in parentheses; unknown ones go by the gate's name."""
    return f"{WORDS.get(gate.measure) or _of_pattern(gate)} ({gate.measure})"


def _of_pattern(gate: Gate) -> str:
    match gate.measure.split("."):
        case ["fairness", "contrasts", name, "ratio"]:
            return f"The approval ratio of {name.replace('_', ' ')}"
        case ["fairness", "contrasts", name, "difference"]:
            return f"The difference in approvals of {name.replace('_', ' ')}"
        case ["robustness", "scenarios", name, "held_profit"]:
            return f"Profit of the open accounts under {name.replace('_', ' ')}"
        case _:
            return gate.name.replace("_", " ").capitalize()
