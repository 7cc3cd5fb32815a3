"""Reproduce the headline numbers of reports/metrics.json without this project's code: python tests/recompute.py ROOT.

Everything comes from the files: predictions, outcomes and inputs under artifacts/, the scorer under models/. Exits 1
if a number differs, is missing, or stands in metrics.json and is neither recomputed nor named in NOT_RECOMPUTED.
"""

import ast
import hashlib
import json
import math
import operator
import sys
from functools import reduce
from pathlib import Path
from statistics import NormalDist

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

SCORERS = ("scorer", "challenger")
SPLITS = ("train", "selection", "test")
DIGITS, DECIMALS = 6, 10  # of a reported figure: so many significant digits, and decimals at most
LOOSE = {"calibration_slope": 1e-6}  # both sides stop an iteration
NOT_RECOMPUTED = {
    "monotone.": "a perturbation test of thousands of decisions",
    "test.final_": "final decisions under all policy rules, which this does not know",
    "decisions.": "the mix of decisions under all policy rules, which this does not know",
    "stability.": "PSI against the frozen bins of the scorer",
    "information.replicates": "a setting",
    "information.confidence": "a setting",
    "leak.order": "an order of the rows, by an interval of its own",
    "leak.encoded": "a test of deviations that are too small for chance",
    "unused.": "bins of the training rows, found anew for features that the model does not read",
}


def log_odds(pd_):
    return np.log(pd_) - np.log1p(-pd_)


def in_the_large(bad, pd_, weight):
    """The shift of all log-odds at which the mean PD meets the bad rate, by halving an interval."""
    low, high, z = -40.0, 40.0, log_odds(pd_)
    for _ in range(200):
        middle = (low + high) / 2
        too_low = weight @ (1 / (1 + np.exp(-(z + middle)))) < weight @ bad
        low, high = (middle, high) if too_low else (low, middle)
    return (low + high) / 2


def counts_of(outcomes):
    """What each row stands for in the population: 1 where neither weights nor its bad rate are declared."""
    return outcomes["population_weight"] if "population_weight" in outcomes else pd.Series(1.0, index=outcomes.index)


def shown(config, outcomes):
    """The rows that figures without weights look at: each kept with a chance in proportion to what it counts for."""
    counts = counts_of(outcomes)
    return np.random.default_rng(config["evaluation"]["seed"]).random(len(counts)) * counts.max() < counts


def models(root):
    """Kinds of the models, the candidate first: the columns of the predictions."""
    kinds = [json.loads((root / "models" / name / "scorer.json").read_text())["kind"] for name in SCORERS]
    return (*kinds, "logistic")


def figures(rows, model, policy):
    """Every figure of one model on the rows that it could score."""
    rows = rows[rows[model].notna()]
    bad, p, weight = rows["bad"].astype(int), rows[model], rows["count"]
    false_positive, true_positive, _ = roc_curve(bad, p, sample_weight=weight, drop_intermediate=False)
    # Ten bins of equally many rows, the riskiest first; rows of one PD stay in the bin where the first of them falls.
    bins = (p.rank(method="min", ascending=False) - 1) * 10 // len(p)
    slope = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=500)
    slope.fit(log_odds(p.to_numpy())[:, None], bad, sample_weight=weight / weight.mean())
    below = p < cut_off(policy)
    approved, bads = weight[below].sum(), (weight * bad)[below].sum()
    earned = policy["margin"] * (approved - bads) - policy["lgd"] * bads - policy["cost"] * approved
    return {
        "auc": (auc := roc_auc_score(bad, p, sample_weight=weight)),
        "gini": 2 * auc - 1,
        "ks": (true_positive - false_positive).max(),
        "average_precision": average_precision_score(bad, p, sample_weight=weight),
        "brier": brier_score_loss(bad, p, sample_weight=weight),
        "ece": (weight * (bad - p)).groupby(bins).sum().abs().sum() / weight.sum(),
        "calibration_slope": slope.coef_[0, 0],
        "calibration_in_the_large": in_the_large(bad.to_numpy(), p.to_numpy(), weight.to_numpy()),
        "approval_rate": approved / weight.sum(),
        "bad_rate_of_approved": bads / approved if below.any() else math.nan,
        "profit_per_application": earned / weight.sum(),
    }


def cut_off(policy):
    """Where (1 - PD) margin - PD lgd - cost is 0."""
    return (policy["margin"] - policy["cost"]) / (policy["margin"] + policy["lgd"])


def headline(root, config, predictions):
    """The figures of all models, and model minus challenger."""
    candidate, *challengers = models(root)
    test = predictions["test"]
    found = {model: figures(test, model, config["policy"]) for model in (candidate, *challengers)}

    def minus(challenger):
        return {key: value - found[challenger][key] for key, value in found[candidate].items()}

    scored = test[test[candidate].notna()]
    return {
        "kind": candidate,
        "test": found[candidate],
        "challengers": {model: found[model] for model in challengers},
        "differences": {model: minus(model) for model in challengers},
        "information": {"cut_off": cut_off(config["policy"])},
        "scorer": digest(root / "models" / "scorer"),
        "challenger": digest(root / "models" / "challenger"),
        "trained_on": trained_on(root),
        "prepared": prepared(root),
        "rows": {
            "train": len(pd.read_parquet(root / "artifacts" / "outcomes" / "train.parquet")),
            "selection": len(predictions["selection"]),
            "test": len(test),
            "test_shown": int(test["shown"].sum()),
            "test_bads": int(scored["bad"].sum()),
            "test_goods": int((~scored["bad"]).sum()),
            "test_not_scored": len(test) - len(scored),
            "selection_not_scored": int(predictions["selection"][candidate].isna().sum()),
        },
    }


def trained_on(root):
    """Digests of the training rows as they are, and of the parameters as training.json has them."""
    recorded = json.loads((root / "artifacts" / "model" / "training.json").read_text()).get("trained_on", {})
    config = json.loads((root / "models" / "scorer" / "config.json").read_text())
    columns = columns_of(config, pd.read_parquet(root / "artifacts" / "inputs" / "train.parquet"))
    names = [name for name, column in config["columns"].items() if column["role"] in ("feature", "input_only")]
    content = {
        "inputs": np.column_stack([columns[name] for name in names]).astype("<f8").tobytes(),
        "outcomes": (root / "artifacts" / "outcomes" / "train.parquet").read_bytes(),
    }
    digests = {kind: hashlib.sha256(value).hexdigest() for kind, value in content.items()}
    return {"parameters": recorded.get("parameters"), **digests}


def digest(directory):
    """Of all files of a directory."""
    return digest_of([path for path in directory.rglob("*") if path.is_file()], directory)


def prepared(root):
    """Of the prepared inputs and outcomes."""
    return digest_of(
        [path for kind in ("inputs", "outcomes") for path in (root / "artifacts" / kind).glob("*.parquet")], root
    )


def seal(report):
    """Of a report's content, its keys sorted and the place of the seal empty."""
    text = json.dumps({**report, "sealed": None}, indent=2, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(files, top):
    """SHA-256 over sorted lines `path sha256`."""
    lines = [f"{f.relative_to(top).as_posix()} {hashlib.sha256(f.read_bytes()).hexdigest()}\n" for f in files]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


class Spelled(ast.NodeTransformer):
    """A formula with its comparisons and its and, or, not as calls, so that a missing side makes the answer missing."""

    def visit_Compare(self, node):
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        pairs = [call(type(o).__name__, a, b) for a, o, b in zip(sides, node.ops, sides[1:], strict=False)]
        return call("And", *pairs) if len(pairs) > 1 else pairs[0]

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        return call(type(node.op).__name__, *node.values)

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        return call("Not", node.operand) if isinstance(node.op, ast.Not) else node


def call(name, *arguments):
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def compared(op):
    return lambda a, b: np.where(pd.isna(a) | pd.isna(b), np.nan, op(a, b))


def truth(values):
    return np.where(np.isnan(values), np.nan, np.asarray(values) != 0)


def all_of(f):
    return lambda *values: reduce(f, values[0] if isinstance(values[0], list) else values)


COMPARISONS = {"Lt": "lt", "LtE": "le", "Gt": "gt", "GtE": "ge", "Eq": "eq", "NotEq": "ne"}
WORDS = {name: getattr(np, name) for name in ("abs", "sqrt", "log", "log1p", "exp", "floor", "clip")}
WORDS |= {name: compared(getattr(operator, function)) for name, function in COMPARISONS.items()}
WORDS |= dict.fromkeys(("maximum", "largest"), all_of(np.maximum))
WORDS |= dict.fromkeys(("minimum", "smallest"), all_of(np.minimum))
WORDS |= {
    "And": lambda *values: all_of(np.minimum)(*map(truth, values)),
    "Or": lambda *values: all_of(np.maximum)(*map(truth, values)),
    "Not": lambda x: 1 - truth(x),
    "sum": all_of(np.add),
    "mean": lambda values: all_of(np.add)(values) / len(values),
    "fill": lambda x, value: np.where(np.isnan(x), value, x),
    "is_missing": lambda x: np.isnan(x).astype(float),
    "where": lambda c, yes, no: np.where(np.isnan(c), np.nan, np.where(c != 0, yes, no)),
}


def columns_of(config, table):
    """Inputs and derived features by name: categories as their place in the config, everything else as a number."""
    numbers, words = {}, {}
    for name, column in config["columns"].items():
        if column["role"] not in ("feature", "input_only"):
            continue
        if column["categories"]:
            words[name] = table[name].astype("object").where(table[name].notna(), None).to_numpy()
            places = {category: float(place) for place, category in enumerate(column["categories"])}
            numbers[name] = pd.Series(words[name], dtype="object").map(places).to_numpy(dtype=float)
        else:
            numbers[name] = table[name].to_numpy(dtype=float, na_value=np.nan)
    for name, derived in config["derived"].items():
        tree = ast.fix_missing_locations(Spelled().visit(ast.parse(derived["formula"].strip(), mode="eval")))
        known = numbers | words
        with np.errstate(all="ignore"):
            value = eval(compile(tree, name, "eval"), {"__builtins__": {}}, known | WORDS | {"col": known})
        numbers[name] = np.where(np.isfinite(value), value, np.nan)
    return numbers


def predicted_again(root, config, columns):
    """PDs of LightGBM, candidate or challenger, from its model text and calibration, whatever may be missing."""
    read = [name for name, column in config["columns"].items() if column["role"] == "feature"] + list(config["derived"])
    matrix = np.column_stack([columns[name] for name in read])
    scorer = root / "models" / SCORERS[models(root).index("lightgbm")]
    booster = lgb.Booster(model_file=scorer / "model.txt")
    calibration = json.loads((scorer / "scorer.json").read_text())["calibration"]
    margin = booster.predict(matrix, raw_score=True, num_threads=1)
    return 1 / (1 + np.exp(-(calibration["intercept"] + calibration["slope"] * margin)))


def marked(bad, series, z):
    """The share of bads in the largest end of a column that is surely nine tenths bad, by Wilson's interval."""
    most = 0
    for sign in (1, -1):
        for end in (-math.inf, math.inf):
            ends = bad.astype(int).groupby((sign * series).fillna(end)).agg(["sum", "size"]).iloc[::-1].cumsum()
            # Wilson's lower end is at least 0.9 where the score test refuses a bad rate of 0.9.
            sure = (ends["sum"] / ends["size"] - 0.9) * (ends["size"] / 0.09) ** 0.5 >= z
            most = max(most, ends["sum"][sure].max() if sure.any() else 0)
    return most / bad.sum() if bad.any() else math.nan


def leak(config, tables, outcomes, test, gini):
    """The best Gini of one column alone, what one marks of the drawn rows, and rows that stand in another split too."""
    train, inputs_of_test = (columns_of(config, tables[name]) for name in ("train", "test"))
    scored, drawn = test["scored"], test["scored"] & test["shown"]
    z = NormalDist().inv_cdf((1 + config["evaluation"]["confidence"]) / 2)
    bad, weight, best, sure = outcomes["test"]["bad"], counts_of(outcomes["test"])[scored], {}, {}
    for name, values in inputs_of_test.items():
        series = pd.Series(values)
        if config["columns"].get(name, {}).get("type") == "category":
            series = series.map(outcomes["train"]["bad"].astype(float).groupby(train[name]).mean())
        filled = [series[scored].rank(na_option=end) for end in ("top", "bottom")]
        best[name] = max(abs(2 * roc_auc_score(bad[scored], ranks, sample_weight=weight) - 1) for ranks in filled)
        sure[name] = marked(bad[drawn], series[drawn], z)
    strongest = max(best, key=best.get)
    pooled = pd.concat([pd.DataFrame(columns_of(config, tables[name])).assign(split_=name) for name in SPLITS])
    inputs = [name for name in pooled if name in config["columns"]]
    if config["split"].get("equal_rows", "together") == "own":  # a row is then known by its name alone
        pooled, inputs = pd.concat([outcomes[name].assign(split_=name) for name in SPLITS]), ["row"]
    shared = int((pooled.groupby(inputs, dropna=False)["split_"].transform("nunique") > 1).sum())
    found = {"marked": max(sure.values()), "marked_feature": max(sure, key=sure.get) if max(sure.values()) > 0 else ""}
    found |= {"strongest_feature": strongest, "strongest_gini": best[strongest], "rows_across_splits": shared}
    return found | {"strongest_share": best[strongest] / gini if gini > 0 else math.nan}


def band_of(config, pd_):
    """The score band of each PD."""
    policy = config["policy"]
    scale, bands = policy["scale"], policy["bands"]
    factor = scale["pdo"] / math.log(2)
    score = scale["base"] - factor * math.log(scale["odds"]) - factor * log_odds(pd_)
    return [next((b["name"] for b in bands if s >= b["minimum"]), bands[-1]["name"]) for s in score]


def furthest_band(config, scored, candidate):
    """The band whose log-odds are furthest off, of those with 100 goods and bads foretold or come."""
    gaps, rows = {}, 0
    for name, band in scored.groupby(pd.Series(band_of(config, scored[candidate]), index=scored.index)):
        p, bad = band[candidate].to_numpy(), band["bad"].to_numpy()
        if min(max(bad.sum(), p.sum()), max((~bad).sum(), (1 - p).sum())) >= 100:
            gaps[name] = abs(in_the_large(bad, p, band["count"].to_numpy()))
            rows += len(band)
    worst = max(gaps, key=gaps.get, default=None)
    return {"worst": worst, "largest_gap": gaps.get(worst, math.nan), "assessed_share": rows / len(scored)}


def gains(root, config, scored):
    """What differs between gains.csv and bands counted here from the PDs."""
    names = band_of(config, scored[models(root)[0]])
    table = pd.read_csv(root / "reports" / "plots" / "gains.csv", dtype={"band": str}).set_index("band")
    counted = scored.assign(band=names).groupby("band")["bad"].agg(rows="size", bads="sum")
    counted = counted.reindex(table.index, fill_value=0)
    good = (counted["rows"] == table["rows"]) & (counted["bads"] == table["bads"])
    rates = (counted["bads"] / counted["rows"] - table["bad_rate"]).abs()
    wrong = [f"gains.csv: band {band} does not have the rows or bads" for band in table.index[~good]]
    return wrong + (["gains.csv: bad rates differ"] if any(rates > table["bad_rate"].map(half_a_digit) + 1e-9) else [])


def flat(tree, path=""):
    """Numbers and digests by dotted path."""
    for key, value in tree.items():
        yield from flat(value, f"{path}{key}.") if isinstance(value, dict) else [(path + key, value)]


def excused(path, recomputed):
    """Whether a number need not be recomputed: it is named above, or is an end of a recomputed one: a random draw."""
    return path.startswith(tuple(NOT_RECOMPUTED)) or path.removesuffix("_low").removesuffix("_high") in recomputed


def differs(path, said, found):
    if found is None or isinstance(found, str):
        return said != found
    if said is None or math.isnan(found):
        return not (said is None and math.isnan(found))
    return not abs(said - found) <= half_a_digit(found) + LOOSE.get(path.rsplit(".", 1)[-1], 1e-9)


def half_a_digit(number):
    """By how much a figure and the number it was rounded from may differ: half a unit of its sixth digit."""
    shown = DIGITS - 1 - math.floor(math.log10(abs(number))) if number else DECIMALS
    return 0.5 * 10.0 ** -min(max(shown, 0), DECIMALS)


def main(root):
    metrics = json.loads((root / "reports" / "metrics.json").read_text())
    config = json.loads((root / "models" / "scorer" / "config.json").read_text())

    def tables(kind, names):
        return {name: pd.read_parquet(root / "artifacts" / kind / f"{name}.parquet") for name in names}

    predictions, inputs, outcomes = (
        tables("predictions", SPLITS[1:]),
        tables("inputs", SPLITS),
        tables("outcomes", SPLITS),
    )
    problems = [
        f"predictions/{name}: rows, groups or outcomes are not those of outcomes/{name}"
        for name in SPLITS[1:]
        if not predictions[name][["row", "group", "bad"]].equals(outcomes[name][["row", "group", "bad"]])
    ]
    for name in SPLITS[1:]:
        drawn = shown(config, outcomes[name])
        predictions[name] = predictions[name].assign(count=counts_of(outcomes[name]), shown=drawn)
    recorded = json.loads((root / "artifacts" / "model" / "training.json").read_text()).get("trained_on", {})
    problems += [
        f"artifacts/model was trained on other {kind} than artifacts/{kind}/train.parquet"
        for kind, value in trained_on(root).items()
        if recorded.get(kind) != value
    ]
    for name in SPLITS[1:]:
        again = predicted_again(root, config, columns_of(config, inputs[name]))
        gap = np.nanmax(np.abs(again - predictions[name]["lightgbm"]))
        print(f"{name + ' PDs, predicted again':<32} {len(again):>6} rows  largest difference {gap:.1e}")
        problems += [f"predictions/{name}: PDs differ by up to {gap:g}"] if not gap <= 1e-9 else []
    found = headline(root, config, predictions)
    scored = predictions["test"][models(root)[0]].notna()
    test = predictions["test"].assign(scored=scored)
    found["leak"] = leak(config, inputs, outcomes, test, found["test"]["gini"])
    found["bands"] = furthest_band(config, predictions["test"][scored], models(root)[0])
    found["sealed"] = seal(metrics)
    said = dict(flat({key: value for key, value in metrics.items() if key != "unknown"}))
    recomputed = dict(flat(found))
    problems += [f"{path}: missing in metrics.json" for path in recomputed if path not in said]
    problems += [
        f"{path}: nobody recomputes it" for path in said if path not in recomputed and not excused(path, recomputed)
    ]
    problems += [
        f"{path}: null without a reason" for path, v in said.items() if v is None and path not in metrics["unknown"]
    ]
    wrong = {p: v for p, v in recomputed.items() if p in said and differs(p, said[p], v)}
    problems += [f"{path}: metrics.json says {said[path]}, recomputed {value}" for path, value in wrong.items()]
    for group in sorted({path.rsplit(".", 1)[0] for path in recomputed}):
        members = [path for path in recomputed if path == group or path.rsplit(".", 1)[0] == group]
        agree = sum(path in said and path not in wrong for path in members)
        print(f"{group:<32} {agree:>2} of {len(members)} agree")
    table = gains(root, config, test[test["scored"] & test["shown"]])
    print(f"{'gains.csv':<32} {'agrees' if not table else 'differs'}")
    for problem in (problems := problems + table):
        print(f"WRONG {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(Path(sys.argv[1])))
    except FileNotFoundError as error:
        sentence = f"{error.filename}: there is no such file. What a stage writes comes back with `make run`."
        raise SystemExit(sentence) from None
