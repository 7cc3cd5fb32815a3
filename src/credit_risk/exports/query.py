"""A card as one SQL query: from a table of applications to decisions, whole points and reasons, without a function of
its own, so that it runs wherever the applications are.

It goes layer by layer, each a WITH of the query: read, faults, derived features, points, outcome, reasons.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from credit_risk.config.columns import CATEGORY_TYPES, Column
from credit_risk.config.formulas import Formula
from credit_risk.data.inputs import Inputs
from credit_risk.errors import ScorerError
from credit_risk.exports.card import KEY, Card, reason_columns
from credit_risk.exports.reason_query import ReasonColumns
from credit_risk.exports.sql_text import Layers, Sql, functions, of, quoted, text
from credit_risk.scoring import decision
from credit_risk.scoring.decision import APPROVE, DECLINE, OUTCOMES, REFER, REFUSED
from credit_risk.scoring.features import Features, never_seen
from credit_risk.scoring.model import Bins

LONGEST_NAME = 48  # with our own words before it, within the 63 bytes that PostgreSQL keeps of an identifier


def table_columns(card: Card) -> dict[str, str]:
    """The columns that the table of applications must have, with the type that each is read as."""
    return {KEY: "INTEGER"} | {name: _type(card.config.columns[name]) for name in card.config.inputs}


def query(card: Card, table: str, key: str = KEY) -> str:
    """The query in ANSI SQL. table: the applications; key: the column of it that says which application a row is."""
    too_long = [name for name in (*card.config.inputs, *card.config.features) if len(name.encode()) > LONGEST_NAME]
    if too_long:
        raise ScorerError(
            f"{', '.join(too_long)}: longer than {LONGEST_NAME} bytes, which SQL cannot name safely (PostgreSQL cuts a "
            "name off at 63). Name the columns shorter."
        )
    building = _Query(card)
    building.build()
    return building.text(table, key)


def _type(column: Column) -> str:
    if column.type in CATEGORY_TYPES:
        return "VARCHAR"
    return "BOOLEAN" if column.type == "boolean" and not column.special else "DOUBLE PRECISION"


@dataclass
class _Query:
    """The layers of one card's query while they are put together.

    known: inputs and derived features by name, as formulas read them. lost: of each feature the points of bad, beyond
    the population's.
    """

    card: Card
    layers: Layers = field(default_factory=Layers)
    known: dict[str, Sql] = field(default_factory=dict)

    def build(self) -> None:
        inputs = Inputs.of(self.card.config)
        self._read(inputs)
        refused, faulty = self._faults(inputs)
        self._derive()
        points, by_feature = self._points(faulty)
        outcome, rule = self._outcome(points, refused)
        self._results(points, outcome, rule, by_feature)

    def text(self, table: str, key: str) -> str:
        """The whole query: the first layer reads the table, each later one adds its columns to what is there."""
        config = self.card.config
        first = [f"{quoted(key)} AS {quoted(KEY)}"]
        first += [f"{_cell(name, config.columns[name])} AS {quoted(_raw(name))}" for name in config.inputs]
        steps = [_step(0, first, quoted_table(table))]
        for number, columns in enumerate(self.layers.columns, 1):
            before = f"layer_{number - 1}"
            added = [f"{expression} AS {quoted(name)}" for name, expression in columns.items()]
            steps.append(_step(number, [f"{before}.*", *added], before))
        last = [f"{quoted(KEY)} AS {quoted(key)}"]
        last += [f"{quoted(name)} AS {quoted(name.removeprefix('result '))}" for name in self.results]
        return f"WITH {', '.join(steps)} {_select(last, f'layer_{len(self.layers.columns)}')}"

    @property
    def results(self) -> list[str]:
        return [name for columns in self.layers.columns for name in columns if name.startswith("result ")]

    def _read(self, inputs: Inputs) -> None:
        """Inputs as formulas know them: a special code is missing, and has its number beside it."""
        for name, column in zip(inputs.names, inputs.columns, strict=True):
            raw = Sql(quoted(_raw(name)))
            if not column.special:
                self.known[name] = raw
                continue
            of_code = " ".join(
                f"WHEN {raw.text} = {of(code).text} THEN {tag}" for code, tag in column.tag_of_code.items()
            )
            tag = self.layers.add(f"code {name}", Sql(f"CASE {of_code} ELSE 0 END"))
            value = self.layers.add(f"value {name}", Sql(f"CASE WHEN {tag.text} = 0 THEN {raw.text} END", tag.layer))
            self.known[name] = Sql(value.text, value.layer, tag)

    def _faults(self, inputs: Inputs) -> tuple[Sql, Sql]:
        """Whether an application is refused, and whether it is refused or referred for what it lacks or holds."""
        missing, invalid = [], []
        for index, name in enumerate(inputs.names):
            value = self.known[name]
            missing.append(Sql(f"{quoted(_raw(name))} IS NULL"))
            bounds = [
                f"{value.text} {operator} {of(limit).text}"
                for operator, limit in (("<", inputs.lowest[index]), (">", inputs.highest[index]))
            ]
            whole = [] if inputs.may_be_broken[index] else [f"{value.text} <> FLOOR({value.text})"]
            invalid.append(Sql(f"({' OR '.join([*bounds, *whole])})", value.layer))
        any_invalid = self._flag("invalid", invalid)
        count = self.layers.add(
            "missing", Sql(" + ".join(f"CASE WHEN {its.text} THEN 1 ELSE 0 END" for its in missing))
        )
        of_missing = [its for its, refuse in zip(missing, inputs.refuse_missing, strict=True) if refuse]
        by_invalid = [Sql(f"{any_invalid.text} = 1", any_invalid.layer)]
        refused = self._flag("refused", [*of_missing, *(by_invalid if inputs.refuse_invalid else [])])
        referred = [its for its, refer in zip(missing, inputs.refer_missing, strict=True) if refer]
        if (most := _fewest_too_many(len(missing), inputs.max_missing)) is not None:
            referred.append(Sql(f"{count.text} >= {most}", count.layer))
        refused_too = Sql(f"{refused.text} = 1", refused.layer)
        faulty = self._flag("faulty", [refused_too, *referred, *by_invalid])
        return refused, faulty

    def _flag(self, name: str, conditions: Sequence[Sql]) -> Sql:
        """A column that is 1 where any condition is known to hold, else 0."""
        if not conditions:
            return self.layers.add(name, Sql("0"))
        either = " OR ".join(its.text for its in conditions)
        return self.layers.add(name, Sql(f"CASE WHEN {either} THEN 1 ELSE 0 END", max(its.layer for its in conditions)))

    def _derive(self) -> None:
        for name, formula in Features.of(self.card.config).formulas.items():
            self.known[name] = self.layers.add(f"feature {name}", self._formula(formula))

    def _formula(self, formula: Formula) -> Sql:
        expression: Sql = formula.bound_to(functions(self.layers))(self.known)
        return expression

    def _holds(self, formula: Formula) -> str:
        """A column's condition that is true where the formula is known to hold."""
        return f"{self.layers.keep(self._formula(formula)).text} <> 0"

    def _points(self, faulty: Sql) -> tuple[Sql, dict[str, Sql]]:
        """The sum of points, NULL where the model scores nothing, and the points of each characteristic."""
        by_feature = {
            name: self.layers.add(f"points {name}", self._points_of(name, bins))
            for name, bins in zip(self.card.features, self.card.bins, strict=True)
        }
        unseen = self._flag("unseen", list(self._never_seen()))
        excluded = self._excluded()
        total = " + ".join([str(self.card.base), *(its.text for its in by_feature.values())])
        layer = max(its.layer for its in (*by_feature.values(), unseen, excluded, faulty))
        scored = f"{faulty.text} = 0 AND {unseen.text} = 0 AND {excluded.text} IS NULL"
        return self.layers.add("points", Sql(f"CASE WHEN {scored} THEN {total} END", layer)), by_feature

    def _points_of(self, name: str, bins: Bins) -> Sql:
        value = self.known[name]
        if bins.by_code:
            cases = [f"WHEN {value.text} = {code} THEN {int(points)}" for code, points in enumerate(bins.woe)]
            last = "0"  # a code of no category: such an application is not scored
        else:
            cases = [
                f"WHEN {value.text} < {of(edge).text} THEN {int(points)}"
                for edge, points in zip(bins.edges, bins.woe, strict=False)
            ]
            last = str(int(bins.woe[-1]))
        gaps = [f"WHEN {value.text} IS NULL THEN {int(bins.missing)}"]
        layer = value.layer
        if value.tag:
            tags = enumerate(bins.special, 1)
            gaps = [*(f"WHEN {value.tag.text} = {tag} THEN {int(points)}" for tag, points in tags), *gaps]
        return Sql(f"CASE {' '.join([*gaps, *cases])} ELSE {last} END", layer)

    def _never_seen(self) -> Iterable[Sql]:
        """Features that are missing, or have a special code, as none was in training."""
        config = self.card.config
        never, of_codes = never_seen(config, self.card.scorer.seen_missing)
        by_tag = {config.features[feature]: tags for feature, tags in of_codes}
        for name, is_new in zip(config.features, never, strict=True):
            value = self.known[name]
            if value.tag is None:
                if is_new:
                    yield Sql(f"{value.text} IS NULL", value.layer)
                continue
            new = [str(tag) for tag, is_new_code in enumerate(by_tag.get(name, ())) if is_new_code]
            if new:
                yield Sql(f"({value.text} IS NULL AND {value.tag.text} IN ({', '.join(new)}))", value.layer)

    def _excluded(self) -> Sql:
        """The rule's index of the first exclusion that holds, else NULL."""
        cases = [
            f"WHEN {self._holds(formula)} THEN {index}" for index, formula in decision.exclusions(self.card.config)
        ]
        return self.layers.add(
            "excluded", Sql(f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS INTEGER)", self.layers.top)
        )

    def _outcome(self, points: Sql, refused: Sql) -> tuple[Sql, Sql]:
        """What points, rules and faults decide, and the index of the rule that decided; the strictest counts."""
        limits, rules = self.card.thresholds, decision.policy_rules(self.card.config)
        by_points = (
            f"CASE WHEN {points.text} IS NULL THEN {REFER} WHEN {points.text} <= {limits.decline} THEN {DECLINE} "
            f"WHEN {points.text} <= {limits.refer} THEN {REFER} ELSE {APPROVE} END"
        )
        holding = [(self._holds(formula), demanded) for formula, demanded in rules]
        by_points_alone = self.layers.add("by_points", Sql(by_points, self.layers.top))
        strictest = []
        for code in (DECLINE, REFER):
            any_of = [f"{by_points_alone.text} = {code}", *(holds for holds, its in holding if its == code)]
            strictest.append(f"WHEN {' OR '.join(any_of)} THEN {code}")
        by_rules = self.layers.add("by_rules", Sql(f"CASE {' '.join(strictest)} ELSE {APPROVE} END", self.layers.top))
        deciding = [
            f"WHEN {by_rules.text} = {demanded} AND {holds} THEN {index}"
            for index, (holds, demanded) in enumerate(holding)
        ]
        chosen = f"CASE {' '.join(deciding)} END" if deciding else "CAST(NULL AS INTEGER)"
        excluded = quoted("excluded")

        def unless_excluded(by_exclusion: str, by_rule: str, if_refused: str) -> str:
            stricter = f"WHEN {refused.text} = 1 THEN {if_refused} WHEN {excluded} IS NOT NULL THEN {by_exclusion}"
            return f"CASE {stricter} ELSE {by_rule} END"

        top = self.layers.top
        rule = self.layers.add("rule", Sql(unless_excluded(excluded, chosen, "NULL"), top))
        outcome = self.layers.add("outcome", Sql(unless_excluded(str(REFER), by_rules.text, str(REFUSED)), top))
        return outcome, rule

    def _results(self, points: Sql, outcome: Sql, rule: Sql, by_feature: Mapping[str, Sql]) -> None:
        config = self.card.config
        reasons = ReasonColumns(self.card, self.layers, self.known, by_feature, self._holds)
        in_doubt, wordings = reasons.build(f"{outcome.text} = {DECLINE} AND {rule.text} IS NULL")
        decided = self.layers.add(
            "decided", Sql(f"CASE WHEN {in_doubt.text} = 1 THEN {REFER} ELSE {outcome.text} END", self.layers.top)
        )
        minima = [(band.name, band.minimum) for band in config.policy.bands[:-1]]
        bands = [f"WHEN {points.text} >= {math.ceil(minimum)} THEN {text(name)}" for name, minimum in minima]
        layer = self.layers.top
        words = " ".join(f"WHEN {decided.text} = {code} THEN {text(word)}" for code, word in enumerate(OUTCOMES))
        self.layers.add("result decision", Sql(f"CASE {words} END", layer))
        self.layers.add("result points", Sql(f"CASE WHEN {points.text} IS NOT NULL THEN {points.text} END", layer))
        last = text(config.policy.bands[-1].name)
        self.layers.add(
            "result band", Sql(f"CASE WHEN {points.text} IS NULL THEN NULL {' '.join(bands)} ELSE {last} END", layer)
        )
        self.layers.add("result rule", Sql(_chosen(rule.text, [its.name for its in config.rules]), layer))
        for rank, wording in enumerate(wordings):
            of_rule = [
                f"WHEN {decided.text} = {DECLINE} AND {rule.text} = {index} THEN {{}}"
                for index in range(len(config.rules))
            ]
            explainer = self.card.scorer.explainer.wordings
            for name, of_rules, of_model in zip(
                reason_columns(rank),
                ([its.name for its in config.rules], [its.reason for its in config.rules]),
                ([its.id for its in explainer], [its.text for its in explainer]),
                strict=True,
            ):
                rules = (
                    " ".join(case.format(text(word)) for case, word in zip(of_rule, of_rules, strict=True))
                    if rank == 0
                    else ""
                )
                models = " ".join(
                    f"WHEN {decided.text} = {DECLINE} AND {wording.text} = {index} THEN {text(word)}"
                    for index, word in enumerate(of_model)
                )
                self.layers.add(f"result {name}", Sql(f"CASE {rules} {models} END", layer))


def _fewest_too_many(inputs: int, most: float) -> int | None:
    """The least number of missing inputs that is more than the share allowed; None where all may be missing."""
    return next((count for count in range(inputs + 1) if count / inputs > most), None)


def _chosen(code: str, words: Sequence[str]) -> str:
    cases = " ".join(f"WHEN {code} = {index} THEN {text(word)}" for index, word in enumerate(words))
    return f"CASE {cases} END" if words else "CAST(NULL AS VARCHAR)"


def _raw(name: str) -> str:
    return f"given {name}"


def _cell(name: str, column: Column) -> str:
    """A column of the table as a number, as data.inputs has it; a word that is no category as -1, which is none."""
    cell = quoted(name)
    if column.type in CATEGORY_TYPES:
        words = f"CAST({cell} AS VARCHAR)"
        codes = " ".join(
            f"WHEN {words} = {text(its)} THEN {of(code).text}" for code, its in enumerate(column.categories or ())
        )
        return f"CASE WHEN {cell} IS NULL THEN NULL {codes} ELSE {of(-1).text} END"
    if _type(column) == "BOOLEAN":
        return f"CASE WHEN {cell} THEN {of(1).text} WHEN NOT {cell} THEN {of(0).text} END"
    return f"CAST({cell} AS DOUBLE PRECISION)"


def quoted_table(table: str) -> str:
    """A table's name with its schema, if any: each part quoted."""
    return ".".join(map(quoted, table.split(".")))


def _step(number: int, columns: Iterable[str], source: str) -> str:
    return f"layer_{number} AS ({_select(columns, source)})"


def _select(columns: Iterable[str], source: str) -> str:
    return f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608  (names of the config, quoted; no input of a request)
