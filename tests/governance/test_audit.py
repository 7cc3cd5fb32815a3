"""An audit by a framework of a few controls: what meets them, and every way in which evidence does not count."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import measured
from credit_risk.cli import main
from credit_risk.compliance import policies
from credit_risk.compliance.policies import UnknownFramework
from credit_risk.config import floor, load
from credit_risk.config.fairness import Contrast
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json, write_text
from credit_risk.errors import CheckFailed, ConfigError, ScorerError
from credit_risk.governance import audit, repository_checks
from credit_risk.governance.records import Entered
from credit_risk.governance.scorer_policy import ScorerPolicy
from credit_risk.modelling import evidence, training_record
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import gate

SHIPPED = Path(__file__).parents[2] / "configs" / "policies"
POLICY = """\
version: 1
framework: house
names: [house_rules]
title: House rules
reviewed: 2026-11-25
statements: {retention_months: 25}
words: {prohibited: [sex, age], unspecific: [qualifying score]}
controls:
"""
STATED = "requirement: must be so, source: rule 1, dated: 2026-07-21, secondary: true"
AUC = "evidence: {report: metrics, measure: test.auc}, check: {at_least: 0.6}"
GATE = "evidence: {report: gate, measure: verdict}, check: {equals: PASS}"
BASES = "evidence: {scorer: config.json}, check: {by: prohibited_bases_apart}"
SPECIFIC = "evidence: {scorer: config.json}, check: {by: reasons_are_specific}"
STATEMENT = "evidence: {file: configs/policies/house.yaml, measure: statements.retention_months}, check: {%s}"


@pytest.fixture
def files(trained, tmp_path):
    """A copy of the trained lender with figures of exactly its scorer, and no policy but those that a test writes."""
    shutil.copytree(trained[1].root, tmp_path / "copy")
    files = Files(tmp_path / "copy")
    for path in files.policies.glob("*.yaml"):
        if path.name != floor.NAME.name:
            path.unlink()
    measure(files)
    write_text(files.root / gate.CODE / "scoring" / "model.py", "x = 1\n")
    return files


def audited(path, framework, files):
    return audit.audit(path, framework, files, load(files.config))


def measure(files, **changes):
    figures = {
        "scorer": digest.of_directory(files.scorer),
        "challenger": digest.of_directory(files.challenger),
        "trained_on": training_record.of_model(files),
        "test": {"auc": 0.75, "auc_low": 0.71, "auc_high": 0.79},
        "monotone": {"violations": 0},
    }
    write_json(files.report("metrics"), evidence.sealed(figures | changes))


def controlled(files, *controls):
    lines = [f"  - {{id: c-{n}, {STATED}, {control}}}\n" for n, control in enumerate(controls, 1)]
    write_text(files.policies / "house.yaml", POLICY + "".join(lines))


def one(files, control, path=None):
    """The single control of a policy as it was audited."""
    controlled(files, control)
    (found,) = audited(path or files.scorer, "house", files)["controls"]
    return found


def test_a_control_that_is_met_names_its_evidence_by_digest(files):
    found = one(files, AUC)
    assert found == {
        "id": "c-1",
        "requirement": "must be so",
        "source": "rule 1",
        "dated": "2026-07-21",
        "secondary": True,
        "verdict": "PASS",
        "found": "AUC on the test rows (test.auc) is 0.75 (0.71 to 0.79), inside the limit of at least 0.6",
        "file": "reports/metrics.json",
        "sha256": digest.of_file(files.report("metrics")),
        "measure": "test.auc",
        "kind": "computed",
        "status": "in_force",
        "binding": True,
        "of_scorer": True,
    }


@pytest.mark.parametrize(
    ("test", "verdict"),
    [
        ({"auc": 0.5, "auc_low": 0.45, "auc_high": 0.55}, "FAIL"),
        ({"auc": 0.62, "auc_low": 0.58, "auc_high": 0.66}, "CANNOT SAY"),
        ({"auc": 0.75}, "CANNOT SAY"),
        ({"auc": None}, "FAIL"),
        ({}, "FAIL"),
    ],
)
def test_an_interval_counts_and_what_was_not_measured_fails(files, test, verdict):
    measure(files, test=test)
    assert one(files, AUC)["verdict"] == verdict


def test_why_a_measure_is_not_known_is_told(files):
    measure(files, test={"auc": None}, unknown={"test.auc": "one class only"})
    found = one(files, AUC)
    assert (found["verdict"], found["found"]) == (
        "CANNOT SAY",
        "AUC on the test rows (test.auc) is not known: one class only",
    )


def test_evidence_that_is_not_there_fails(files):
    files.report("metrics").unlink()
    found = one(files, AUC)
    assert (found["verdict"], found["sha256"]) == ("FAIL", None)
    assert found["found"] == "the evidence reports/metrics.json is not there; run `make run`"


@pytest.mark.parametrize("text", ["", "garbage", "[]", "null", "3", '"PASS"'])
def test_garbled_evidence_fails(files, text):
    files.report("metrics").write_text(text)
    assert one(files, AUC)["verdict"] == "FAIL"


def test_evidence_about_another_scorer_fails(files):
    measure(files, scorer="0" * 64)
    found = one(files, AUC)
    assert found["verdict"] == "FAIL"
    assert found["found"] == "the evidence reports/metrics.json speaks about another scorer: 000000000000…"


def test_evidence_about_the_scorer_does_not_speak_for_the_challenger(files):
    assert "another scorer" in one(files, AUC, files.challenger)["found"]


@pytest.mark.parametrize("scorer", [None, "", 7])
def test_evidence_that_names_no_scorer_fails(files, scorer):
    measure(files, scorer=scorer)
    assert one(files, AUC)["verdict"] == "FAIL"


def test_a_scorer_changed_after_it_was_measured_fails(files):
    assert one(files, AUC)["verdict"] == "PASS"
    with (files.scorer / "reference.json").open("a") as stream:
        stream.write("\n")
    assert one(files, AUC)["verdict"] == "FAIL"


def test_reports_about_data_need_name_no_scorer(files):
    control = "evidence: {report: validation, measure: passed}, check: {equals: true}"
    write_json(files.report("validation"), {"passed": True})
    assert one(files, control)["verdict"] == "PASS"
    for passed in (False, 1, "true", None):
        write_json(files.report("validation"), {"passed": passed})
        assert one(files, control)["verdict"] == "FAIL"


def judged(files, config, **test):
    controlled(files, GATE)  # before the verdict: policies are config too
    measured.measure(files, **test)
    gate.run(config, files)
    return audited(files.scorer, "house", files)["controls"][0]


def test_the_gates_verdict_counts_while_nothing_changed(files, trained):
    assert judged(files, trained[0])["verdict"] == "PASS"
    measure(files, test={"auc": 0.5, "auc_low": 0.45, "auc_high": 0.55})
    (found,) = audited(files.scorer, "house", files)["controls"]
    assert found["verdict"] == "FAIL"
    assert "FAIL discrimination" in found["found"]


def test_a_verdict_turned_over_by_hand_fails(files, trained):
    assert judged(files, trained[0], auc_low=0.45, auc_high=0.55)["verdict"] == "FAIL"
    forged = read_json(files.report("gate")) | {"verdict": "PASS", "recommended": "models/scorer"}
    files.report("gate").write_text(json.dumps(forged))
    assert audited(files.scorer, "house", files)["controls"][0]["verdict"] == "FAIL"


def test_code_changed_after_the_verdict_fails(files, trained):
    judged(files, trained[0])
    write_text(files.root / gate.CODE / "scoring" / "model.py", "x = 2\n")
    assert "the code changed after the verdict" in audited(files.scorer, "house", files)["controls"][0]["found"]


def test_a_statement_is_evidence_too(files):
    assert one(files, STATEMENT % "at_least: 25, exact: true")["verdict"] == "PASS"
    assert one(files, STATEMENT % "at_least: 26, exact: true")["verdict"] == "FAIL"


def with_config(files, **changes):
    """The scorer with another config of its own, as a scorer directory elsewhere."""
    scorer = Scorer.load(files.scorer)
    shutil.copytree(files.scorer, files.root / "other")
    raw = scorer.config.model_copy(update=changes).as_dict()
    (files.root / "other" / "config.json").write_text(json.dumps(raw))
    return files.root / "other"


def test_a_feature_called_after_a_prohibited_basis_fails(files):
    assert one(files, BASES)["verdict"] == "PASS"
    controlled(files, BASES)
    path = files.policies / "house.yaml"
    path.write_text(path.read_text().replace("[sex, age]", "[purpose]"))
    (found,) = audited(files.scorer, "house", files)["controls"]
    assert (found["verdict"], found["found"]) == ("FAIL", "the model or a formula reads purpose (purpose)")


def test_reasons_must_be_specific_and_tell_apart(files):
    assert one(files, SPECIFIC)["verdict"] == "PASS"
    reasons = Scorer.load(files.scorer).config.reasons
    first, second, *rest = reasons.families
    vague = first.model_copy(update={"text": "You did not reach a Qualifying Score"})
    twin = second.model_copy(update={"text": rest[0].text})
    other = with_config(files, reasons=reasons.model_copy(update={"families": (vague, twin, *rest)}))
    found = one(files, SPECIFIC, other)
    assert found["verdict"] == "FAIL"
    assert f"{first.id} says 'qualifying score'" in found["found"]
    assert f"{second.id} reads like another reason" in found["found"]


def test_the_verdict_is_a_pass_only_if_every_control_is_met(files):
    failing = "evidence: {report: metrics, measure: test.auc}, check: {at_least: 0.9}"
    unsure = "evidence: {report: metrics, measure: test.auc}, check: {at_least: 0.75}"
    for controls, verdict in (
        ([AUC], "PASS"),
        ([AUC, unsure], "CANNOT SAY"),
        ([AUC, unsure, failing], "FAIL"),
    ):
        controlled(files, *controls)
        record = audited(files.scorer, "house", files)
        assert record["verdict"] == verdict
    with pytest.raises(CheckFailed, match=r"does not pass the audit by house(.|\n)*CANNOT SAY c-2(.|\n)*FAIL c-3"):
        audit.raise_unless_passed(record, Path("audit.json"))


def test_a_report_that_was_edited_or_sealed_anew_fails_every_framework_and_is_named(files):
    nothing = "evidence: {file: configs/policies/house.yaml, measure: version}, check: {equals: 1}"
    controlled(files, nothing)
    record = audited(files.scorer, "house", files)
    assert (record["verdict"], [report["faults"] for report in record["reports"]]) == (
        "PASS",
        [[]] * len(record["reports"]),
    )
    audit.raise_unless_passed(record, Path("audit.json"))
    write_json(files.report("metrics"), read_json(files.report("metrics")) | {"test": {"auc": 0.93}})
    record = audited(files.scorer, "house", files)
    assert record["verdict"] == "FAIL"
    console = Console(width=200, record=True, file=StringIO())
    console.print(audit.render(record))
    sentence = "FAIL reports/metrics.json was altered: its seal is not that of its content"
    assert sentence in console.export_text()
    with pytest.raises(CheckFailed, match=sentence):
        audit.raise_unless_passed(record, Path("audit.json"), missing=False)


BY_BASIS = """\
words:
  prohibited: [sex, marital]
  bases: {sex: [sex, gender], marital status: [marital, marriage]}
"""
OF_BASIS = "evidence: {report: fairness, contrasts_of: %s}, check: {at_least: 0.8, at_most: 1.25}"
WHERE_HELD = OF_BASIS.replace("%s", "%s, where_held: true")
WOMEN = {"name": "ladies", "attribute": "sex", "group": "female", "reference": "male"}
WITHIN = {"ratio": 1.0, "ratio_low": 0.9, "ratio_high": 1.1}


def compared(files, control, contrasts, *, protected=("sex", "age"), **measured_ratios):
    """The record of a policy of one control on contrasts, for a lender who declares these and keeps these columns."""
    lines = f"  - {{id: c-1, {STATED}, {control}}}\n  - {{id: c-2, {STATED}, {AUC}}}\n"
    policy = POLICY.replace("words: {prohibited: [sex, age], unspecific: [qualifying score]}\n", BY_BASIS)
    write_text(files.policies / "house.yaml", policy + lines)
    figures = {"scorer": digest.of_directory(files.scorer), "contrasts": measured_ratios, "unknown": {}}
    write_json(files.report("fairness"), evidence.sealed(figures))
    config = load(files.config)
    kept = {name: column for name, column in config.columns.items() if column.role != "protected" or name in protected}
    fairness = config.fairness.model_copy(update={"contrasts": tuple(Contrast(**contrast) for contrast in contrasts)})
    config = config.model_copy(update={"columns": kept, "fairness": fairness})
    return audit.audit(files.scorer, "house", files, config)


def test_a_lenders_contrasts_are_held_to_the_limits_whatever_they_are_called(files):
    record = compared(files, WHERE_HELD % "sex", [WOMEN], ladies=WITHIN)
    assert record["verdict"] == "PASS"
    assert record["controls"][0]["found"] == (
        "Control (contrasts.ladies.ratio) is 1 (0.9 to 1.1), inside the limits 0.8 to 1.25"
    )
    assert (record["controls"][0]["measure"], record["not_applicable"]) == ("contrasts of sex", [])


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        ({"ratio": 0.7, "ratio_low": 0.65, "ratio_high": 0.75}, "FAIL"),
        ({"ratio": 0.82, "ratio_low": 0.78, "ratio_high": 0.86}, "CANNOT SAY"),
        ({"ratio": None}, "FAIL"),
        (WITHIN, "PASS"),
    ],
)
def test_each_of_several_contrasts_of_a_basis_counts(files, second, verdict):
    declared = [WOMEN, WOMEN | {"name": "men", "group": "male", "reference": "female"}]
    record = compared(files, WHERE_HELD % "sex", declared, ladies=WITHIN, men=second)
    assert record["controls"][0]["verdict"] == record["verdict"] == verdict
    assert "contrasts.ladies.ratio" in record["controls"][0]["found"]
    assert "contrasts.men.ratio" in record["controls"][0]["found"]


def test_a_contrast_of_another_basis_speaks_for_none_and_is_not_held_to_its_limits(files):
    bands = {"name": "old", "attribute": "age", "group": "62 and over", "reference": "25 to 61"}
    below = {"ratio": 0.5, "ratio_low": 0.4, "ratio_high": 0.6}
    assert compared(files, WHERE_HELD % "sex", [WOMEN, bands], ladies=WITHIN, old=below)["verdict"] == "PASS"
    (control, _) = compared(files, WHERE_HELD % "sex", [bands], old=WITHIN)["controls"]
    assert (control["verdict"], control["found"]) == (
        "FAIL",
        "sex holds the basis sex, and fairness.contrasts compares no groups of it",
    )


def test_a_contrast_that_is_declared_and_not_measured_fails(files):
    (control, _) = compared(files, WHERE_HELD % "sex", [WOMEN])["controls"]
    assert (control["verdict"], "was not measured" in control["found"]) == ("FAIL", True)


def test_of_a_basis_that_a_lender_does_not_hold_nothing_is_asked_and_the_record_says_so(files):
    record = compared(files, WHERE_HELD % "marital status", [WOMEN], ladies=WITHIN)
    why = "marital status is not held: no column that is kept apart (sex, age) is called so or says so in its `why`"
    assert record["not_applicable"] == [{"id": "c-1", "applies_to": [], "why": why}]
    assert ([control["id"] for control in record["controls"]], record["verdict"]) == (["c-2"], "PASS")
    console = Console(width=200, record=True, file=StringIO())
    console.print(audit.render(record))
    assert f"Does not apply: c-1: {why}" in console.export_text()


def test_without_where_held_a_lender_who_does_not_hold_the_basis_fails(files):
    (control, _) = compared(files, OF_BASIS % "marital status", [WOMEN], ladies=WITHIN)["controls"]
    assert control["verdict"] == "FAIL"
    assert control["found"].startswith("marital status is not held: no column that is kept apart (sex, age)")


@pytest.mark.parametrize(
    ("name", "role", "why", "held"),
    [
        ("MaritalStatus", "protected", "house policy", True),
        ("marriage", "proxy", "house policy", True),
        ("stand", "protected", "marital status", True),
        ("stand", "proxy", "stands in for marital status", False),
        ("market", "protected", "house policy", False),
    ],
)
def test_a_column_holds_a_basis_by_its_name_or_by_why_it_is_protected(files, name, role, why, held):
    config = load(files.config)
    column = config.columns["sex"].model_copy(update={"role": role, "why": why})
    controlled(files, AUC)
    policy = POLICY.replace("words: {prohibited: [sex, age], unspecific: [qualifying score]}\n", BY_BASIS)
    write_text(files.policies / "house.yaml", f"{policy}  - {{id: c-1, {STATED}, {WHERE_HELD % 'marital status'}}}\n")
    config = config.model_copy(update={"columns": {**config.columns, name: column}})
    record = audit.audit(files.scorer, "house", files, config)
    assert (len(record["controls"]), len(record["not_applicable"])) == ((1, 0) if held else (0, 1))
    assert record["verdict"] == "FAIL"  # held and not compared; or nothing is asked at all


def test_the_shipped_frameworks_ask_for_no_contrast_by_the_name_that_one_lender_gave_it():
    for path in sorted(SHIPPED.glob("*.yaml")):
        assert "measure: contrasts." not in path.read_text(encoding="utf-8"), path.name
    ecoa = policies.read(SHIPPED / "ecoa.yaml", ScorerPolicy)
    sources = [control.evidence for control in ecoa.controls if control.evidence and control.evidence.contrasts_of]
    assert [(source.contrasts_of, source.where_held) for source in sources] == [("sex", True), ("marital status", True)]


PERSON = "person: {question: who read the forms?, months: 6}"
ANSWER = Entered(datetime(2026, 11, 1, tzinfo=UTC), "attest", "c-1", "Ada Berg", "all were read", {})


def answered(files, control, *answers, today=date(2026, 11, 30), **more):
    controlled(files, control)
    return audit.audit(files.scorer, "house", files, load(files.config), answers=answers, today=today, **more)


@pytest.mark.parametrize(
    ("facts", "today", "verdict", "sentence"),
    [
        (
            None,
            date(2026, 11, 30),
            "FAIL",
            "nobody has answered: who read the forms? (credit-risk attest --control c-1)",
        ),
        ({"met": True, "until": "2026-12-31"}, date(2026, 12, 31), "PASS", "Ada Berg on 2026-11-01, until 2026-12-31"),
        ({"met": False, "until": "2026-12-31"}, date(2026, 12, 31), "FAIL", "Ada Berg on 2026-11-01"),
        ({"met": True, "until": "2026-12-31"}, date(2027, 1, 1), "FAIL", "the answer has expired: Ada Berg"),
    ],
)
def test_what_a_person_must_answer_fails_until_somebody_does_and_expires(files, facts, today, verdict, sentence):
    answers = [] if facts is None else [replace(ANSWER, facts=facts)]
    record = answered(files, PERSON, *answers, today=today)
    (control,) = record["controls"]
    assert (control["kind"], control["verdict"], control["file"]) == ("human", verdict, "governance/records.jsonl")
    assert control["found"].startswith(sentence)
    assert record["counts"] == {"human": {verdict: 1}}
    audit.raise_unless_passed(record, Path("audit.json"), missing=False)
    if verdict == "FAIL":
        with pytest.raises(CheckFailed, match="FAIL c-1"):
            audit.raise_unless_passed(record, Path("audit.json"))


def test_the_last_answer_counts(files):
    met, taken_back = ({"met": met, "until": "2027-01-01"} for met in (True, False))
    record = answered(files, PERSON, replace(ANSWER, facts=met), replace(ANSWER, facts=taken_back))
    assert record["verdict"] == "FAIL"


def test_what_nobody_assesses_fails_visibly(files):
    (control,) = answered(files, "not_assessed: nobody looks")["controls"]
    assert (control["kind"], control["verdict"]) == ("not assessed", "FAIL")
    assert control["found"] == "not assessed: nobody looks"


def test_a_check_of_the_repository_that_finds_nothing_fails(files):
    record = answered(files, "by: traced")
    (control,) = record["controls"]
    audit.raise_unless_passed(record, Path("audit.json"), missing=False)  # what stores owe is shown before production
    with pytest.raises(CheckFailed, match=r"FAIL c-1"):
        audit.raise_unless_passed(record, Path("audit.json"))
    assert (control["kind"], control["verdict"], control["file"]) == ("computed", "FAIL", "dvc.lock")
    assert control["sha256"] is None


@pytest.mark.parametrize(("applies", "asked"), [(None, 1), (("eu",), 1), (("us",), 0), ((), 0)])
def test_a_control_is_asked_of_those_it_applies_to_and_of_everybody_where_nobody_has_said(files, applies, asked):
    record = answered(files, "not_assessed: nobody looks, applies_to: [eu]", applies=applies)
    assert len(record["controls"]) == asked
    assert [entry["id"] for entry in record["not_applicable"]] == ["c-1"] * (1 - asked)
    assert [entry["why"] for entry in record["not_applicable"]] == [
        "eu does not hold of this lender, by its inventory"
    ] * (1 - asked)
    assert record["verdict"] == "FAIL"  # of what asks nothing, too


def test_what_is_not_in_force_yet_is_shown_and_does_not_count(files):
    coming = "not_assessed: nobody looks, status: coming, applies_from: 2027-12-02"
    controlled(files, AUC, coming)
    for today, verdict in ((date(2027, 12, 1), "PASS"), (date(2027, 12, 2), "FAIL")):
        record = audit.audit(files.scorer, "house", files, load(files.config), today=today)
        assert record["verdict"] == verdict
    assert record["controls"][1]["found"] == "not assessed: nobody looks"


@pytest.mark.parametrize("framework", ["fcra", "ccd2"])
def test_the_short_frameworks_say_of_every_control_that_nobody_assesses_it(files, framework):
    shutil.copy(SHIPPED / f"{framework}.yaml", files.policies)
    record = audited(files.scorer, framework, files)
    assert record["verdict"] == "FAIL"
    assert {control["found"].split(":")[0] for control in record["controls"]} == {"not assessed"}


def test_waivers_of_the_gate_stand_beside_the_verdict(files):
    write_json(files.report("gate"), {"waivers": [{"check": "level", "person": "Ada Lovelace", "reason": "small"}]})
    controlled(files, AUC)
    record = audited(files.scorer, "house", files)
    console = Console(width=200, record=True, file=StringIO())
    console.print(audit.render(record))
    assert "Waived: level by Ada Lovelace: small" in console.export_text()


def test_other_names_are_the_same_framework(files):
    controlled(files, AUC)
    records = [audited(files.scorer, name, files) for name in ("house", "house_rules", "House-Rules")]
    assert records[0] == records[1] == records[2]


def test_an_unknown_framework_is_told_with_the_known_ones(files):
    controlled(files, AUC)
    with pytest.raises(UnknownFramework, match="no regulatory framework 'basel'; known: house, house_rules") as caught:
        audited(files.scorer, "basel", files)
    assert caught.value.exit_code == 2


def test_policies_that_only_ask_about_data_are_no_frameworks_of_an_audit(files):
    write_text(files.policies / "gdpr.yaml", "version: 1\ndata_controls: []\n")
    with pytest.raises(UnknownFramework, match="known: none"):
        audited(files.scorer, "gdpr", files)


@pytest.mark.parametrize(
    ("control", "why"),
    [
        ("evidence: {measure: a}, check: {at_least: 1}", "give one of report, file and scorer"),
        ("evidence: {report: a, file: b, measure: c}, check: {at_least: 1}", "give one of report, file and scorer"),
        ("evidence: {report: a, measure: c}", "give evidence with check, by, person, or not_assessed"),
        ("by: traced, not_assessed: nobody has", "give evidence with check, by, person, or not_assessed"),
        ("by: traced, status: coming", "status: coming and applies_from go together"),
        ("evidence: {report: a, measure: c}, check: {}", "give limits, equals, or by"),
        ("evidence: {report: a, measure: c}, check: {equals: 1, at_least: 1}", "give limits, equals, or by"),
        ("evidence: {report: a}, check: {at_least: 1}", "needs evidence.measure"),
        ("evidence: {report: a}, check: {by: reasons_are_specific}", "reads the scorer's own config"),
        ("evidence: {scorer: config.json}, check: {by: nothing}", "prohibited_bases_apart"),
        ("evidence: {report: ../a, measure: b}, check: {at_least: 1}", "pattern"),
        (
            "evidence: {report: fairness, measure: a, contrasts_of: sex}, check: {at_least: 1}",
            "in the place of measure",
        ),
        ("evidence: {report: metrics, contrasts_of: sex}, check: {at_least: 1}", "reads the report fairness"),
        ("evidence: {report: fairness, measure: a, where_held: true}, check: {at_least: 1}", "goes with contrasts_of"),
        ("evidence: {report: fairness, contrasts_of: sex}, check: {equals: 1}", "contrasts are ratios: give limits"),
        ("evidence: {report: fairness, contrasts_of: sex}, check: {at_least: 1}", "words.bases does not say .* sex"),
    ],
)
def test_a_control_that_nothing_can_answer_is_refused(files, control, why):
    with pytest.raises(ConfigError, match=why) as caught:
        one(files, control)
    assert caught.value.exit_code == 2


def test_a_policy_without_controls_is_refused(files):
    write_text(files.policies / "house.yaml", POLICY + "  []\n")
    with pytest.raises(ConfigError, match="controls"):
        audited(files.scorer, "house", files)


def test_a_scorer_that_is_not_there_cannot_be_audited(files):
    controlled(files, AUC)
    with pytest.raises(ScorerError, match="nothing"):
        audited(files.root / "nothing", "house", files)


def test_the_command_writes_the_record_and_its_exit_code_is_the_answer(files, capsys):
    controlled(files, AUC)
    asked = ["audit", "--root", str(files.root), "--regulatory-framework", "house_rules"]
    assert main(asked) == 0
    assert "The audit says PASS." in capsys.readouterr().out
    record = read_json(files.report("audit"))
    assert (record["verdict"], record["scorer"]) == ("PASS", digest.of_directory(files.scorer))
    assert record["project"] == "simulated-lender"
    assert str(files.root) not in files.report("audit").read_text()
    measure(files, scorer="0" * 64)
    elsewhere = files.root / "elsewhere.json"
    assert main([*asked, "--model-path", str(files.scorer), "--output", str(elsewhere)]) == 1
    assert read_json(elsewhere)["verdict"] == "FAIL"
    assert main([*asked[:-1], "basel"]) == 2
    assert "known: house, house_rules" in capsys.readouterr().err


@pytest.mark.parametrize(
    "path", sorted(set(policies.known(SHIPPED, ScorerPolicy).values())), ids=lambda path: path.stem
)
def test_the_shipped_frameworks_are_sound_and_ask_what_can_be_answered(path):
    policy = policies.read(path, ScorerPolicy)
    assert policies.find(SHIPPED, path.stem, ScorerPolicy) == (path, policy)
    assert len({control.id for control in policy.controls}) == len(policy.controls)
    reports = {control.evidence.report for control in policy.controls if control.evidence} - {None}
    assert reports <= {"validation", "preparation", "metrics", "fairness", "explain", "robustness", "gate"}
    assert {control.by for control in policy.controls} - {None} <= set(repository_checks.CHECKS)


def test_controls_have_one_id_in_all_frameworks():
    every = [policies.read(path, ScorerPolicy) for path in set(policies.known(SHIPPED, ScorerPolicy).values())]
    ids = [control.id for policy in every for control in policy.controls]
    assert len(ids) == len(set(ids)) > 60


def test_on_a_narrow_screen_every_id_and_every_evidence_is_there_to_the_last_letter(files):
    controlled(files, AUC)
    console = Console(width=80, record=True, file=StringIO())
    console.print(audit.render(audited(files.scorer, "house", files)))
    shown = console.export_text()
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if line.startswith("│")]
    assert "…" not in shown
    assert "".join(row[3] for row in cells).startswith("reports/metrics.json")
