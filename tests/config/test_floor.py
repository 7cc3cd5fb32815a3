"""The policy floor: a config may be stricter; each way of asking less is found, with the lines of both files."""

import shutil
from pathlib import Path

import pytest

from credit_risk.config import Config, floor, load
from credit_risk.config.fairness import Contrast
from credit_risk.config.schema import Gate
from credit_risk.errors import ConfigError

LENDER = Path(__file__).parents[1] / "lender"
CONFIG = load(LENDER / "credit.yaml")
AUC = floor.FloorCheck(measure="test.auc", at_least=0.6)
LEAST = floor.read(LENDER / floor.NAME)


def changed(section: str, **values: object) -> Config:
    return CONFIG.model_copy(update={section: getattr(CONFIG, section).model_copy(update=values)})


def gate(**limits: object) -> Gate:
    return Gate(name="discrimination", measure="test.auc", reason="a test", **limits)


def with_gate(measure: str) -> Config:
    added = Gate(name="added", measure=measure, at_least=0, reason="a test")
    return CONFIG.model_copy(update={"gates": (*CONFIG.gates, added)})


def keys(config: Config, least: floor.Floor = LEAST) -> list[str]:
    return [".".join(map(str, looser.key)) for looser in floor.below(config, least)]


def test_a_config_at_its_floor_is_not_below_it():
    assert keys(CONFIG) == []


@pytest.mark.parametrize(
    ("gates", "below"),
    [
        ((gate(at_least=0.6),), False),
        ((gate(at_least=0.61),), False),
        ((gate(at_least=0.6, at_most=0.9),), False),
        ((gate(at_least=0.5), gate(at_least=0.7)), False),  # judged together: the strictest counts
        ((gate(at_least=0.59),), True),
        ((gate(at_most=0.9),), True),
        ((gate(at_least=0.6, exact=True),), True),  # the value alone, whatever its interval says
        ((gate(at_least=0.6, of="lightgbm"),), True),  # the scorecard would not be judged
        ((), True),
    ],
)
def test_a_gate_is_as_strict_as_the_floor_or_below_it(gates, below):
    others = tuple(other for other in CONFIG.gates if other.measure != "test.auc")
    config = CONFIG.model_copy(update={"gates": (*gates, *others)})
    assert bool(keys(config)) == below


def test_a_strict_gate_on_another_measure_does_not_count_and_the_loose_gates_own_line_is_named():
    elsewhere = Gate(name="elsewhere", measure="test.ks", at_least=0.9, reason="a test")
    least = LEAST.model_copy(update={"checks": (AUC,)})
    for gates, key in (((elsewhere,), "gates"), ((elsewhere, gate(at_least=0.5)), "gates.1")):
        assert keys(CONFIG.model_copy(update={"gates": gates}), least) == [key]


@pytest.mark.parametrize(("exact", "how"), [(False, "by its interval"), (True, "by its value alone")])
def test_a_looser_gate_is_said_with_its_limits_and_how_they_are_read(exact, how):
    least = LEAST.model_copy(update={"checks": (AUC,)})
    config = CONFIG.model_copy(update={"gates": (gate(at_least=0.5, exact=exact),)})
    (looser,) = floor.below(config, least)
    expected = "at_least 0.6, by its interval or stricter"
    assert looser.message == f"discrimination judges at_least 0.5, {how}, expected {expected}"


def test_an_upper_limit_may_fall_and_not_rise():
    least = LEAST.model_copy(update={"checks": (floor.FloorCheck(measure="test.auc", at_least=0.6, at_most=0.9),)})
    for at_most, below in ((0.8, False), (0.9, False), (0.91, True), (None, True)):
        config = CONFIG.model_copy(update={"gates": (gate(at_least=0.6, at_most=at_most),)})
        assert bool(keys(config, least)) == below


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (changed("evaluation", confidence=0.51), "evaluation.confidence"),
        (changed("fairness", min_n=49), "fairness.min_n"),
        (changed("policy", bands=CONFIG.policy.bands[:1]), "policy.bands"),
        (changed("fairness", refer_counts_as="approve"), "fairness.refer_counts_as"),
        (changed("model", directions={}), "model.directions"),
        (changed("model", directions={"months_late": "decreasing"}), "model.directions"),
    ],
)
def test_each_way_of_asking_less_is_found(config, key):
    assert keys(config) == [key]


def test_a_split_by_time_and_a_stress_that_the_floor_asks_for_are_kept():
    by_time = LEAST.model_copy(update={"out_of_time": True, "stress": {"odds_doubled": 2.0}})
    config = changed("split", by="time")
    assert keys(config, by_time) == []
    assert keys(changed("split", by="random"), by_time) == ["split.by"]
    weak = [s.model_copy(update={"odds": 1.001}) for s in CONFIG.robustness.scenarios]
    for scenarios in (weak, CONFIG.robustness.scenarios[:1]):
        robustness = config.robustness.model_copy(update={"scenarios": tuple(scenarios)})
        assert keys(config.model_copy(update={"robustness": robustness}), by_time) == ["robustness.scenarios"]


def test_a_floor_may_allow_no_waiver_at_all_and_no_fewer():
    assert floor.Floor.model_validate(LEAST.model_dump() | {"most_waivers": 0}).most_waivers == 0
    with pytest.raises(ValueError, match="most_waivers"):
        floor.Floor.model_validate(LEAST.model_dump() | {"most_waivers": -1})


@pytest.mark.parametrize(
    ("key", "borders", "beyond"),
    [("least_confidence", (0.01, 0.99), (0, 1)), ("least_group", (1,), (0,)), ("least_bands", (1,), (0,))],
)
def test_what_a_floor_may_ask_for_ends_where_it_would_ask_for_nothing(key, borders, beyond):
    for value in borders:
        assert getattr(floor.Floor.model_validate(LEAST.model_dump() | {key: value}), key) == value
    for value in beyond:
        with pytest.raises(ValueError, match=key):
            floor.Floor.model_validate(LEAST.model_dump() | {key: value})


def test_a_floor_that_says_nothing_of_time_lets_a_config_split_at_random():
    silent = {name: value for name, value in LEAST.model_dump().items() if name != "out_of_time"}
    assert keys(changed("split", by="random"), floor.Floor.model_validate(silent)) == []


def test_groups_and_contrasts_that_the_floor_names_must_be_the_same():
    women = CONFIG.fairness.contrasts[0]
    least = LEAST.model_copy(update={"contrasts": (women,), "attributes": {"sex": CONFIG.fairness.attributes["sex"]}})
    assert keys(CONFIG, least) == []
    turned = Contrast(name="women", attribute="age", group="62 and over", reference="25 to 61")
    assert keys(changed("fairness", contrasts=(turned,)), least) == ["fairness.contrasts"]
    cut_anew = {**CONFIG.fairness.attributes, "sex": CONFIG.fairness.attributes["age"]}
    assert keys(changed("fairness", attributes=cut_anew), least) == ["fairness.attributes"]
    assert keys(changed("fairness", attributes={}), least) == ["fairness.attributes"]


def test_a_declared_contrast_is_gated_or_reported_with_a_reason():
    silent = LEAST.model_copy(update={"reported": {"women": "a reason"}})
    assert floor.not_judged(CONFIG) == ["women", "age_62_and_over"]
    (looser,) = floor.below(CONFIG, silent)
    assert looser.message.startswith(
        "age_62_and_over is declared, and no gate judges fairness.contrasts.age_62_and_over"
    )
    config = with_gate("fairness.contrasts.age_62_and_over.ratio")
    assert floor.not_judged(config) == ["women"]
    assert keys(config, silent) == []


@pytest.mark.parametrize("figure", floor.COMPARED_BY)
def test_a_gate_judges_a_contrast_by_a_figure_that_compares_its_groups(figure):
    assert floor.not_judged(with_gate(f"fairness.contrasts.women.{figure}")) == ["age_62_and_over"]


@pytest.mark.parametrize("measure", ["women.rows", "women.group.approval_rate", "women.ratio_low", "women_too.ratio"])
def test_a_gate_on_anything_else_of_a_contrast_judges_none(measure):
    assert floor.not_judged(with_gate(f"fairness.contrasts.{measure}")) == ["women", "age_62_and_over"]


def test_a_sentence_names_both_lines(tmp_path):
    shutil.copytree(LENDER, tmp_path / "configs")
    path = tmp_path / "configs" / "credit.yaml"
    text = path.read_text(encoding="utf-8").replace("confidence: 0.95, seed", "confidence: 0.6, seed")
    path.write_text(text, encoding="utf-8")
    line = text[: text.index("evaluation:")].count("\n") + 1
    (sentence,) = floor.sentences(path, path.parent / floor.NAME, load(path), LEAST)
    assert sentence.startswith(f"credit.yaml line {line}: evaluation.confidence: got 0.6, expected at least 0.9 (")
    assert sentence.endswith("gate_floor.yaml line 3: least_confidence: the floor)")


def test_a_floor_with_an_unknown_key_or_without_checks_is_no_floor(tmp_path):
    path = tmp_path / "gate_floor.yaml"
    for before, after in (("least_group: 50", "least_gruop: 50"), ("  - {measure: test.auc, at_least: 0.6}", "")):
        text = (LENDER / floor.NAME).read_text(encoding="utf-8")
        path.write_text(text.replace(before, after), encoding="utf-8")
        with pytest.raises(ConfigError, match=r"gate_floor\.yaml line"):
            floor.read(path)


def test_what_nobody_may_waive_is_found_by_its_measure():
    least = LEAST.model_copy(update={"checks": (AUC.model_copy(update={"waivable": False}),)})
    assert floor.unwaivable(least, CONFIG.gates) == ["discrimination"]
    assert floor.unwaivable(LEAST, CONFIG.gates) == []
