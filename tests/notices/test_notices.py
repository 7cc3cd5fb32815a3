"""Notices: of declines alone, with what stands on record, in a language whole or not at all; and what may vary."""

import json
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.data.inputs import Inputs
from credit_risk.data.reading.tables import read_sources
from credit_risk.data.writing import read_json
from credit_risk.errors import CheckFailed
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.named import NamedLedger
from credit_risk.notices import bulk, person, rendering, variation
from credit_risk.notices.notice import NoNotice, key_factors, of_decision
from credit_risk.notices.settings import Notices, Variable, faults, texts_of
from credit_risk.scoring.scorer import Scorer

TEXT = (
    "of {lender} at {address}, watched by {agency}, on {decided_on}, {days} days, {score} of {low}-{high}, {reference}"
)
WORDS = dict.fromkeys(("title", "opening", "reasons_heading", "ecoa", "appeal", "variation"), "words")
SCORE = {"score_heading": "Score", "score": TEXT, "factors_heading": "Factors"}
VARIABLE = Variable(to="less", step=0.05, most=20, cost=1, text={"en": "use of {value}", "xx": "xx {value}"})


@pytest.fixture(scope="module")
def lender(trained):
    """The scorer, settings in two languages, and one application of each outcome that it gives."""
    config, files = trained
    scorer = Scorer.load(files.scorer)
    own = WORDS | SCORE | {"appeal": TEXT}
    settings = Notices(
        version=1,
        own="en",
        sender={"lender": "A <Bank>", "address": "1 Street", "agency": "The Agency"},
        deadlines={"notice_days": 30, "appeal_days": 60},
        score={"enabled": True, "low": 300, "high": 850, "factors": 4},
        languages={"en": own, "xx": own | {"reasons": {text: f"xx {text}" for text in texts_of(config)}}},
        variable={"utilisation": VARIABLE},
    )
    table = read_sources(config, files.root)[list(config.inputs)].head(400)
    decisions = scorer.decide(table)
    rows = {}
    for row in range(len(table)):
        record = decisions.record(row)
        application = json.loads(table.iloc[[row]].to_json(orient="records", date_format="iso"))[0]
        rows.setdefault(record["decision"], []).append((application, record))
    return scorer, settings, rows, config


@pytest.fixture
def ledger(lender, tmp_path):
    """A decision of each outcome: two declines, an approval, a referral if there is one."""
    scorer, _, rows, _ = lender
    chosen = [*rows["decline"][:2], *rows["approve"][:1], *rows.get("refer", [])[:1]]
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", key=bytes(32)) as ledger:
        for number, (application, record) in enumerate(chosen):
            by = DecidedBy(scorer.digest, "m", "c", "c")
            ledger.append([Entry(application, record, by, applicant=f"person-{number}")])
        yield ledger


def stored(ledger):
    return [record for page in bulk.replay.decision_pages(ledger) for record in page]


def job(lender, tmp_path, language="en", **changes):
    scorer, settings, _, _ = lender
    return bulk.Job(settings, language, **{"scorers": {scorer.digest: scorer}, "folder": tmp_path / "out"} | changes)


def test_a_decline_has_its_reasons_its_deadlines_and_what_lowered_its_score(lender, ledger):
    _, settings, rows, _ = lender
    record = stored(ledger)[0]
    notice = of_decision(record, settings, "en", ("a factor",))
    assert list(notice.reasons) == [reason["text"] for reason in rows["decline"][0][1]["reasons"]]
    assert (notice.send_by - record.at.date()).days == 30
    assert (notice.appeal_by - record.at.date()).days == 60
    assert notice.factors == ("a factor",)
    score = f"{rows['decline'][0][1]['score']:.0f}"
    assert notice.score == TEXT.format(
        lender="A <Bank>", address="1 Street", agency="The Agency", decided_on=record.at.date(), days=60,
        score=score, low=300, high=850, reference=record.decision_id,
    )  # fmt: skip


def test_only_a_decline_is_told_of(lender, ledger):
    for record in stored(ledger):
        if record.decision != "decline":
            with pytest.raises(NoNotice, match="only a decline is an adverse action"):
                of_decision(record, lender[1], "en", ())
    assert {record.decision for record in bulk.declines(ledger, None, None)} == {"decline"}


def test_another_language_has_every_text_or_none(lender, ledger):
    record = stored(ledger)[0]
    assert all(reason.startswith("xx ") for reason in of_decision(record, lender[1], "xx", ()).reasons)
    bare = lender[1].languages["xx"].model_copy(update={"reasons": {}})
    silent = lender[1].model_copy(update={"languages": {"xx": bare}})
    with pytest.raises(NoNotice, match="has no wording in 'xx'"):
        of_decision(record, silent, "xx", ())
    with pytest.raises(NoNotice, match="no wording in 'fr'"):
        of_decision(record, lender[1], "fr", ())


def test_a_score_without_its_factors_is_not_disclosed_in_silence(lender, ledger):
    record = stored(ledger)[0]
    with pytest.raises(NoNotice, match="key factors"):
        of_decision(record, lender[1], "en", None)
    hidden = lender[1].model_copy(update={"score": lender[1].score.model_copy(update={"enabled": False})})
    assert of_decision(record, hidden, "en", None).score == ""


def test_key_factors_are_those_of_the_score_and_true(lender):
    scorer, _, rows, _ = lender
    of_model = [(application, record) for application, record in rows["decline"] if record["rule"] is None][:30]
    factors = key_factors(scorer, [application for application, _ in of_model], 4)
    principal = [[reason["text"] for reason in record["reasons"]] for _, record in of_model]
    assert [list(its[: len(texts)]) for its, texts in zip(factors, principal, strict=True)] == principal  # these lead
    assert max(map(len, factors)) == 4
    assert any(len(its) > len(texts) for its, texts in zip(factors, principal, strict=True))


def test_a_decline_by_a_rule_names_the_rule_and_the_scores_own_factors(lender):
    scorer, _, rows, _ = lender
    application, record = next(each for each in rows["decline"] if each[1]["rule"] is not None)
    assert [reason["text"] for reason in record["reasons"]] == ["six months late or more"]
    assert "six months late or more" not in key_factors(scorer, [application], 4)[0]


def test_nothing_protected_and_no_prompt_is_in_a_notice(lender, ledger, tmp_path):
    config = lender[3]
    written = job(lender, tmp_path).write(bulk.declines(ledger, None, None))
    text = "".join(path.read_text() for path in (tmp_path / "out").glob("*.html"))
    assert len(written.notices) == 2
    assert "A &lt;Bank&gt;" in text
    secret = [*config.named(*GUARDED_ROLES), "person-0"]
    secret += [prompt for family in config.reasons.families for _, prompt in config.reasons.wordings(family).values()]
    assert [word for word in secret if f" {word}" in text or f">{word}" in text] == []


def test_all_declines_are_written_listed_and_those_without_a_notice_named(lender, ledger, tmp_path):
    written = job(lender, tmp_path, together=1).write(bulk.declines(ledger, None, None))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("list.json", "notices-en-0001.html", "notices-en-0002.html")
    ]
    listed = read_json(tmp_path / "out" / "list.json")
    assert [entry["file"] for entry in listed["notices"]] == ["notices-en-0001.html", "notices-en-0002.html"]
    day = date.fromisoformat(listed["notices"][0]["send_by"])
    assert (written.late(day), written.late(date(2099, 1, 1))) == (0, 2)
    written.raise_unless_all_were_written()
    ledger.erase("person-0", by="Kim Lee")
    again = job(lender, tmp_path).write(bulk.declines(ledger, None, None))
    assert (len(again.notices), len(again.without)) == (1, 1)
    with pytest.raises(CheckFailed, match=r"1 decline has no notice\.\n  .*was erased"):
        again.raise_unless_all_were_written()


def test_a_decision_of_a_scorer_that_is_not_here_has_no_notice(lender, ledger, tmp_path):
    written = job(lender, tmp_path, scorers={}).write(bulk.declines(ledger, None, None))
    assert len(written.without) == 2


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="no /proc to read memory from")
def test_a_long_run_of_pdf_files_needs_no_more_memory_than_its_first(lender, ledger, tmp_path):
    """typst keeps the layout of ten documents: 3 GB at a thousand pages each."""

    pytest.importorskip("typst")

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    _, settings, _, _ = lender
    notice = of_decision(next(bulk.declines(ledger, None, None)), settings, "en", ())
    sizes = []
    for number in range(8):
        notices = [replace(notice, reference=f"{number}-{page}") for page in range(120)]
        rendering.write_pdf(tmp_path / f"{number}.pdf", notices)
        sizes.append(resident())
    assert sizes[-1] - sizes[0] < 60  # 100 where nothing is forgotten


def test_pdf_holds_what_html_holds(lender, ledger, tmp_path):
    pytest.importorskip("typst")
    job(lender, tmp_path, language="xx", pdf=True).write(bulk.declines(ledger, None, None))
    (path,) = (tmp_path / "out").glob("*.pdf")
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 2
    assert len(content) > 5_000


def test_a_text_that_looks_like_markup_stays_text(lender, ledger):
    record = stored(ledger)[0]
    odd = lender[1].sender.model_copy(update={"lender": "<script>#panic()</script>"})
    notice = of_decision(record, lender[1].model_copy(update={"sender": odd}), "en", ())
    assert "<script>" not in rendering.html([notice])


def test_the_nearest_variation_is_approved_and_one_step_less_is_not(lender):
    scorer, settings, rows, _ = lender
    inputs = Inputs.of(scorer.config)
    index = inputs.names.index("utilisation")
    variations = [(application, variation.nearest(application, scorer, settings)) for application, _ in rows["decline"]]
    approved = [(application, its) for application, its in variations if its]
    assert approved
    for application, its in approved[:5]:
        row = inputs.single_row(application)
        row[0, index] = its.values["utilisation"]
        assert scorer.decide_inputs(row).approved[0]
        row[0, index] += VARIABLE.step
        assert not scorer.decide_inputs(row).approved[0]
        assert its.cost == round((application["utilisation"] - its.values["utilisation"]) / VARIABLE.step)


def test_none_is_said_where_none_is_approved_or_may_move(lender):
    scorer, settings, rows, _ = lender
    application = rows["decline"][0][0]
    far = {"bound": application["utilisation"]}
    for change in ({"most": 1, "step": 0.0001}, {"to": "more"}, far):  # too little, the way that harms, not beyond
        still = settings.model_copy(update={"variable": {"utilisation": VARIABLE.model_copy(update=change)}})
        assert variation.nearest(application, scorer, still) is None
    assert variation.nearest(application, scorer, settings.model_copy(update={"variable": {}})) is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("sex", "only what the scorer reads"),
        ("nowhere", "no input of the config"),
        ("purpose", "only numbers have steps"),
    ],
)
def test_what_may_not_be_varied_is_refused(lender, name, sentence):
    settings = lender[1].model_copy(update={"variable": {name: VARIABLE}})
    assert any(sentence in fault for _, fault in faults(settings, lender[3]))


def test_a_missing_translation_and_an_unknown_field_are_refused(lender):
    assert list(faults(lender[1], lender[3])) == []
    bad = lender[1].languages["xx"].model_copy(update={"reasons": {}, "title": "of {applicant}"})
    found = [fault for _, fault in faults(lender[1].model_copy(update={"languages": {"xx": bad}}), lender[3])]
    assert [fault.split()[0] for fault in found] == ["it", "no", "'en'"]


def test_a_person_can_read_all_that_is_held_about_them(lender, ledger, tmp_path):
    config = lender[3]
    application, record = lender[2]["decline"][0]
    assert person.export(ledger.decisions_about("person-0"), config, tmp_path) == 1
    page = (tmp_path / "decisions.html").read_text()
    assert all(reason["text"] in page for reason in record["reasons"])
    assert f">{application['utilisation']}<" in page
    assert read_json(tmp_path / "decisions.json")["decisions"][0]["inputs"] == application
    with pytest.raises(CheckFailed, match="holds nothing of this person"):
        person.export(ledger.decisions_about("nobody"), config, tmp_path)


def test_of_an_erased_decision_a_person_reads_that_it_was_erased(lender, ledger, tmp_path):
    gone = next(bulk.declines(ledger, None, None))
    erased = replace(gone, erased=True, applicant=None, inputs=None, decided=None)
    person.export([erased], lender[3], tmp_path)
    page = (tmp_path / "decisions.html").read_text()
    assert "was erased, and cannot be read any more" in page
    assert "Score" not in page


@pytest.mark.parametrize(("to", "values"), [("less", 3), ("more", 1)])
def test_an_input_never_goes_the_way_that_its_direction_says_harms(lender, to, values):
    """More utilisation raises the PD: the config says so, and no step that way is even tried."""
    variable = VARIABLE.model_copy(update={"to": to, "most": 2})
    assert len(variation._ladder(0.5, "utilisation", variable, lender[3])) == values


def test_who_was_approved_by_a_person_gets_no_notice_and_whom_a_person_declined_is_listed(lender, ledger, tmp_path):
    records = {record.decision: record for record in stored(ledger)}
    approved, declined = records["decline"].decision_id, records["approve"].decision_id
    ledger.note("override", approved, by="Ada Berg", reason="income_proved", to="approve")
    ledger.note("override", declined, by="Kim Lee", reason="suspected_fraud", to="decline")
    persons = bulk.by_persons(ledger)
    written = job(lender, tmp_path).write(bulk.declines(ledger, None, None, persons), persons)
    assert (len(written.notices), written.approved_since, list(written.without)) == (1, [approved], [declined])
    assert "by Kim Lee, not by the scorer: write this notice with their reasons" in written.without[declined]
    ledger.note("override", approved, by="Ada Berg", reason="error_in_data", to="decline")
    persons = bulk.by_persons(ledger)
    assert len(job(lender, tmp_path).write(bulk.declines(ledger, None, None, persons), persons).notices) == 2


def test_files_of_an_earlier_run_in_this_language_go_and_others_stay(lender, ledger, tmp_path):
    job(lender, tmp_path, together=1).write(bulk.declines(ledger, None, None))
    job(lender, tmp_path, "xx").write(bulk.declines(ledger, None, None))
    (tmp_path / "out" / "letter.html").write_text("ours")
    job(lender, tmp_path).write(bulk.declines(ledger, None, None))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("letter.html", "list.json", "notices-en-0001.html", "notices-xx-0001.html")
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--since", "2026-12-02", "--until", "2026-12-01"), "--until 2026-12-01 lies before --since 2026-12-02"),
        (("--language", "fr"), "there is no wording in 'fr'; known: en, es, de."),
    ],
)
def test_days_that_are_none_and_a_language_that_nobody_wrote_are_refused_at_once(words, sentence, capsys):
    assert main(["notices", "write", *words]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("words", "action"), [(("write",), "export"), (("would-change", "id"), "read")])
def test_whoever_reads_decisions_out_of_a_ledger_must_be_permitted_to(trained, monkeypatch, capsys, words, action):
    def opened(_, wanted=None):
        raise CheckFailed(f"asked to {wanted}")

    monkeypatch.setattr(NamedLedger, "opened", opened)
    assert main(["notices", *words, "--scorer", str(trained[1].scorer)]) == 1
    assert f"asked to {action}" in capsys.readouterr().err


def test_the_shipped_wordings_say_of_the_score_what_its_disclosure_takes():
    """15 U.S.C. 1681g(f)(1): the score, its range, the day it was made, and who made it; factors stand below."""
    shipped = YAML(typ="safe").load(Path(__file__).parents[2] / "configs" / "notices.yaml")
    for language, wording in shipped["languages"].items():
        named = set(re.findall(r"{(\w+)}", wording["score"]))
        assert {"score", "low", "high", "decided_on", "lender"} <= named, language
