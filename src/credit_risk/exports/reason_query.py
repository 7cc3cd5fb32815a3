"""The reasons of a decline as SQL, as scoring.reasons finds them: a part of the query."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from credit_risk.config.formulas import Formula
from credit_risk.exports.card import Card
from credit_risk.exports.sql_text import Layers, Sql, of


@dataclass(frozen=True)
class ReasonColumns:
    """Points lost beyond the population's, summed by family, ranked, and checked.

    known: inputs and derived features by name. by_feature: points of each characteristic. holds: the condition that a
    formula is known to hold.
    """

    card: Card
    layers: Layers
    known: Mapping[str, Sql]
    by_feature: Mapping[str, Sql]
    holds: Callable[[Formula], str]

    def build(self, by_model: str) -> tuple[Sql, list[Sql]]:
        """Whether a decline of the model is in doubt, and by rank the index of the wording."""
        layers, card = self.layers, self.card
        families = card.config.reasons.families
        sums = [layers.add(f"lost {family.id}", self._sum(family.features)) for family in families]
        top = layers.top
        against = layers.add(
            "against", Sql(" + ".join(f"CASE WHEN {its.text} > 0 THEN {its.text} ELSE 0 END" for its in sums), top)
        )
        ranks = [layers.add(f"rank {family.id}", Sql(_rank(sums, index), top)) for index, family in enumerate(families)]
        drivers = [layers.add(f"driver {family.id}", self._driver(family.features)) for family in families]
        top = layers.top
        least = of(card.config.reasons.least).text
        cited, doubts, wordings = [], [], []
        truths = self._truths()
        top = layers.top
        for index, family in enumerate(families):
            lost, rank, driver = sums[index].text, ranks[index].text, drivers[index].text
            principal = f"{lost} > 0 AND {rank} < {card.ranks} AND ({rank} = 0 OR {lost} >= {least} * {against.text})"
            its_cited = layers.add(f"cited {family.id}", Sql(f"CASE WHEN {principal} THEN 1 ELSE 0 END", top))
            wording = layers.add(f"wording {family.id}", Sql(self._wording(family.features, driver), top))
            cited.append(its_cited)
            wordings.append(wording)
            doubts.append([self._at_best(family.features, driver), self._not_lower(index, lost)])
        top = layers.top
        untrue = [f"{wording.text} IS NULL" for wording in wordings]
        for index, wording in enumerate(wordings):
            for of_wording, holds in truths.items():
                untrue[index] += f" OR ({wording.text} = {of_wording} AND ({holds}) IS NOT TRUE)"
        checks = [
            f"({its_cited.text} = 1 AND ({' OR '.join(filter(None, [*of_family, false]))}))"
            for its_cited, of_family, false in zip(cited, doubts, untrue, strict=True)
        ]
        none_cited = " AND ".join(f"{its.text} = 0" for its in cited)
        in_doubt = layers.add(
            "in_doubt",
            Sql(f"CASE WHEN {by_model} AND (({none_cited}) OR {' OR '.join(checks)}) THEN 1 ELSE 0 END", top),
        )
        by_rank = []
        for number in range(card.ranks):
            cases = " ".join(
                f"WHEN {by_model} AND {its_cited.text} = 1 AND {its_rank.text} = {number} THEN {wording.text}"
                for its_cited, its_rank, wording in zip(cited, ranks, wordings, strict=True)
            )
            by_rank.append(layers.add(f"reason {number}", Sql(f"CASE {cases} END", top)))
        return in_doubt, by_rank

    def _lost(self, name: str) -> str:
        """Points of bad of one feature beyond the population's."""
        mean = self.card.mean[self.card.config.features.index(name)]
        points = f"-{self.by_feature[name].text}" if name in self.by_feature else "0"
        return f"({points} - {mean})" if mean >= 0 else f"({points} + {-mean})"

    def _sum(self, features: Sequence[str]) -> Sql:
        layer = max((self.by_feature[name].layer for name in features if name in self.by_feature), default=0)
        return Sql(" + ".join(map(self._lost, features)), layer)

    def _driver(self, features: Sequence[str]) -> Sql:
        """The index of the feature that lost most in its family, the first of equals."""
        index = self.card.config.features.index
        cases = []
        for name in features[:-1]:
            most = [f"{self._lost(name)} >= {self._lost(rival)}" for rival in features if rival != name]
            cases.append(f"WHEN {' AND '.join(most)} THEN {index(name)}")
        last = index(features[-1])
        layer = self._sum(features).layer
        return Sql(f"CASE {' '.join(cases)} ELSE {last} END" if cases else str(last), layer)

    def _wording(self, features: Sequence[str], driver: str) -> str:
        explainer, config = self.card.scorer.explainer, self.card.config
        cases = []
        for name in features:
            feature, value = config.features.index(name), self.known[name]
            of_state = explainer.wording_of[feature]
            is_driver = f"{driver} = {feature}"
            states = [(f"{value.text} IS NOT NULL", of_state[0])]
            if value.tag is None:
                states.append((f"{value.text} IS NULL", of_state[1]))
            else:
                tags = range(len(config.meanings(name)) + 1)
                states += [(f"{value.text} IS NULL AND {value.tag.text} = {tag}", of_state[1 + tag]) for tag in tags]
            cases += [f"WHEN {is_driver} AND {state} THEN {wording}" for state, wording in states if wording >= 0]
        return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS INTEGER)"

    def _truths(self) -> dict[int, str]:
        """Of whom each wording is true, where that is checked."""
        wordings = self.card.scorer.explainer.wordings
        return {index: self.holds(its.true_when) for index, its in enumerate(wordings) if its.true_when}

    def _at_best(self, features: Sequence[str], driver: str) -> str:
        """Whether the driver stands at its best value in training."""
        background, config = self.card.scorer.background, self.card.config
        assert background is not None  # noqa: S101  (Card.of refuses a scorer without)
        cases = []
        for name in features:
            feature = config.features.index(name)
            direction, value = config.directions[feature], self.known[name].text
            best = background.lowest[feature] if direction > 0 else background.highest[feature]
            if direction and not math.isnan(best):
                cases.append(f"({driver} = {feature} AND {value} {'<=' if direction > 0 else '>='} {of(best).text})")
        return " OR ".join(cases)

    def _not_lower(self, family: int, lost: str) -> str:
        """Whether the family's features at the population's values would lose as many points or more."""
        card = self.card
        explainer, background = card.scorer.explainer, card.scorer.background
        assert background is not None  # noqa: S101
        added = card.scorer.model.contributions(np.array([background.reference]))[0, :-1] - np.array(background.mean)
        return f"{lost} <= {int(added[explainer.is_member[family]].sum())}"


def _rank(sums: Sequence[Sql], index: int) -> str:
    """How many families stand before this one: those that lost more, or as much and come earlier."""
    its = sums[index].text
    before = [
        f"CASE WHEN {rival.text} {'>=' if earlier < index else '>'} {its} THEN 1 ELSE 0 END"
        for earlier, rival in enumerate(sums)
        if earlier != index
    ]
    return " + ".join(before) or "0"
