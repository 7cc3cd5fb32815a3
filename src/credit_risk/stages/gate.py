"""The gate's record: every check, its verdict, and the digests it speaks about (DVC stage `gate`).

The stage records a refusal and ends without an error, so that the report is still made; `check`
is what blocks, in `make run`, in CI and at promotion.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.config import Config, floor, load, wordings
from credit_risk.config.checks import names_in_measures
from credit_risk.config.deciding import differences
from credit_risk.config.dotted import lookup, numbers
from credit_risk.config.floor import Floor
from credit_risk.config.identities import Identities
from credit_risk.config.names import same_person
from credit_risk.config.yaml_positions import Loc
from credit_risk.data import digest, provenance, signers
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import CheckFailed, ConfigError, DataError, NotFound
from credit_risk.measures.figure import Figure
from credit_risk.measures.verdict import gate, gate_record, waiver
from credit_risk.measures.verdict.waiver import SignedWaiver, Waiver
from credit_risk.modelling import champion, evidence, selection, training_record

CODE = "src/credit_risk"
METRICS, SELECTION, RESPLITS = "metrics", "selection", "splits"
REPORTS = (METRICS, SELECTION, RESPLITS, "fairness", "explain", "robustness", "latency")
OF_MODELS_BEFORE_POLICY = (SELECTION, RESPLITS)  # tied to the models that were fitted, not to the scorer
# Measures of reports/metrics.json go by their own first names, all others by that of their report.
OF_MODELS = ("test", "challengers", "differences", "information", "monotone", "stability", "bands")
OF_METRICS = (*OF_MODELS, "leak", "unused", "rows")
UNDECIDED = (
    "not promotable: nobody has decided what a program suggested; decide it, and take it out of `suggested` "
    "in the config"
)
NO_FLOOR = f"configs/{floor.NAME.as_posix()} is not there: it says what no model may go below (docs/gates.md)"
COMPARED = ("comparison.differences", "comparison.equal_approval_rate")  # they go by the figures of all differences
NO_WAIVERS = ("README.md", ".gitkeep", ".gitignore")  # may lie among them


def run(config: Config, files: Files) -> None:
    """Judge the measurements of exactly this scorer and write reports/gate.json."""
    write_json(files.report("gate"), record(config, files, datetime.now(UTC).date()))


def record(config: Config, files: Files, today: date) -> dict[str, Any]:
    """The gate record as it stands in reports/gate.json; every waiver that is used stands in it."""
    digests = current_digests(files)
    reports = taken(config, files)
    if METRICS not in reports:
        raise NotFound(files.report(METRICS), "Nothing was measured yet: run `make run` or `dvc repro`.")
    kind = (object_of(files.scorer / "scorer.json") or {}).get("kind")
    gates, not_applicable = gate.applicable(config.own_gates, kind)
    checks = gate.decide(gates, *merged(reports), absent(config, files))
    changed = champion.differing(config, files)
    checks += champion.check(changed)
    facts = champion.facts(files, reports[METRICS], reports.get("fairness", {}))
    given = read_waivers(files.root, files.waivers)
    waived = waiver.apply(
        checks,
        given,
        gates=[*(declared.name for declared in config.gates), champion.ANOTHER_OUTCOME.name],
        scorer=digests["scorer"],
        today=today,
    )
    let_pass = [used.check.gate.name for used in waived]
    stale = [*_of_another_run(config, files, reports, digests, kind), *_not_as_decided(config, files)]
    least = floor_of(files)
    stale += below_the_floor(config, files, least, [each.check for each in given]) if least else [NO_FLOOR]
    verdict = "FAIL" if stale else gate.overall(checks, let_pass)
    lets_through = verdict in gate.LETS_THROUGH
    return {
        "verdict": verdict,
        "changed": champion.record(files, changed, facts),
        "facts": facts,
        "stale": stale,
        "kind": kind,
        "recommended": "models/scorer" if lets_through else None,
        "digest": digests["scorer"] if lets_through else None,
        "checks": [check.as_dict() for check in checks],
        "not_applicable": not_applicable,
        "not_judged": not_judged(config, least, reports.get("fairness", {})),
        "waivers": [used.waiver.model_dump(mode="json") for used in waived],
        "waivers_not_needed": [
            each.model_dump(mode="json") for each in given if each not in [used.waiver for used in waived]
        ],
        "digests": digests,
        "run": evidence.chain(files, (*REPORTS, *(f"parts/{name}" for name in parts_judged(config)))),
    }


def _of_another_run(
    config: Config, files: Files, reports: Mapping[str, Mapping[str, Any]], digests: Mapping[str, Any], kind: str | None
) -> list[str]:
    """What in the reports is not about this scorer and challenger, or not as rows and models of this run give it."""
    stale = [
        f"{path_of(files, name).relative_to(files.root).as_posix()} measured another scorer"
        for name, report in reports.items()
        if name not in OF_MODELS_BEFORE_POLICY and report.get("scorer") != digests["scorer"]
    ]
    if reports[METRICS].get("challenger") != digests["challenger"]:
        stale.append(f"reports/{METRICS}.json measured another challenger")
    trained_on = training_record.record(config, files)
    stale += training_record.differing(reports[METRICS].get("trained_on"), trained_on)
    stale += not_of_this_run(reports.get(RESPLITS), trained_on, kind)
    stale += not_as_selected(config, files, reports.get(SELECTION, {}))
    return stale + evidence.altered(config, files, reports, parts_judged(config))


def _not_as_decided(config: Config, files: Files) -> list[str]:
    """What the config decides otherwise than the scorer, or leaves open; wordings that are not on record."""
    differing = differences(object_of(files.scorer / "config.json") or {}, config)
    stale = [f"models/scorer was assembled under other {part} than the config's now" for part in differing]
    if config.undecided:
        stale.append(f"{UNDECIDED}: {', '.join(config.undecided)}")
    elif config.reasons.version not in wordings.digests_on_record(files.config.parent):
        stale.append(f"wordings {config.reasons.version!r} are not on record: `credit-risk wordings` writes them there")
    return stale


def floor_of(files: Files) -> Floor | None:
    """The policy floor; None where there is no such file. Raises ConfigError for a faulty one."""
    path = files.config.parent / floor.NAME
    return floor.read(path) if path.is_file() else None


def below_the_floor(config: Config, files: Files, least: Floor, waived: Sequence[str]) -> list[str]:
    """Where this config, or a waiver, asks less than the floor allows; empty if nowhere.

    waived: the check of each waiver that was given, whether it is needed now or not.
    """
    sentences = floor.sentences(files.config, files.config.parent / floor.NAME, config, least)
    lifted = set(waived) & set(floor.unwaivable(least, config.gates))
    sentences += [f"{name} is waived, and the floor lets nobody waive it" for name in sorted(lifted)]
    if len(waived) > least.most_waivers:
        sentences.append(f"waived checks: {len(waived)}, and the floor allows {least.most_waivers} at most")
    return sentences


def not_judged(config: Config, least: Floor | None, fairness: Mapping[str, Any]) -> list[dict[str, str]]:
    """The declared contrasts that no gate judges, each with its figure and why the floor only has it reported."""
    contrasts = []
    for name in floor.not_judged(config):
        known = [lookup(fairness, f"contrasts.{name}.ratio{end}") for end in ("", "_low", "_high")]
        value, low, high = (math.nan if end is None else end for end in known)
        figure = "not known" if known[0] is None else f"{value:.3f} ({low:.3f} to {high:.3f})"
        reason = least.reported.get(name, "the floor gives no reason") if least else NO_FLOOR
        contrasts.append({"contrast": name, "sentence": f"{name} is not judged: approval ratio {figure}; {reason}."})
    return contrasts


def not_of_this_run(resplits: Mapping[str, Any] | None, trained_on: Mapping[str, str], kind: str | None) -> list[str]:
    """Why the figures of other splits are of another run's rows, parameters or candidate; empty if they are not."""
    if resplits is None or (resplits.get("trained_on") == trained_on and resplits.get("kind") == kind):
        return []
    return [f"reports/{RESPLITS}.json measured other rows, parameters or another candidate: run `dvc repro stability`"]


def not_as_selected(config: Config, files: Files, chosen: Mapping[str, Any]) -> list[str]:
    """Why the scorers are not what the selection rows and the config's present materiality ask for; empty if they are.

    Chosen anew from the recorded figures, so that a materiality edited since, or a kind written by hand, shows.
    """
    facts = [object_of(path / "scorer.json") or {} for path in (files.scorer, files.challenger)]
    if chosen.get("models") != {of_scorer.get("kind"): of_scorer.get("model_digest") for of_scorer in facts}:
        return [f"reports/{SELECTION}.json measured another pair of models than models/scorer and models/challenger"]
    known = [lookup(chosen, f"scorecard.auc{end}") for end in ("", "_low", "_high")]
    value, low, high = (math.nan if end is None else end for end in known)
    difference = Figure(value, low, high, n=0)
    kind = selection.choose(config.model, difference).kind
    if facts[0].get("kind") == kind:
        return []
    return [f"models/scorer was assembled under other choice than {kind}, which model.candidate asks for now"]


def read_waivers(root: Path, folder: Path) -> list[SignedWaiver]:
    """Every waiver of the folder, with who signed it.

    Raises ConfigError for a file that is none, which must not be passed over, and for one that its person did not sign.
    """
    written: list[tuple[Path, bytes, Waiver]] = []
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in NO_WAIVERS)
    for path in files:
        if path.parent == folder and path.name.endswith(".yaml.sig") and path.with_suffix("").is_file():
            continue
        if path.parent != folder or path.suffix != ".yaml":
            raise ConfigError(path, [f"a waiver is a file {folder.name}/NAME.yaml; this one would be passed over"])
        try:
            content = path.read_bytes()
            written.append((path, content, Waiver.model_validate(YAML(typ="safe", pure=True).load(content))))
        except ValidationError as error:
            raise ConfigError(path, [f"{_field(problem)}: {problem['msg']}" for problem in error.errors()]) from None
        except (YAMLError, ValueError, RecursionError) as error:
            raise ConfigError(path, str(error).splitlines()[:8]) from None
    if loose := provenance.not_committed(root, files):
        why = "a waiver counts when it is committed, so that its author and its day are on record; commit it first"
        raise ConfigError(folder, [f"{name}: {why}" for name in loose])
    return [_signed(*each, signers.known(root)) for each in written]


def _signed(path: Path, content: bytes, waiver: Waiver, known: Identities) -> SignedWaiver:
    """The waiver with the identity of its person, who must have signed these bytes."""
    signed = signers.signer(known, content, path.with_name(f"{path.name}.sig"))
    if signed is None or not same_person(signed[0], waiver.person):
        whom = f"it is signed by {signed[0]}" if signed else "nobody of identities.yaml signed it"
        sign = f"ssh-keygen -Y sign -n {signers.NAMESPACE} -f KEY {path}"
        raise ConfigError(path, [f"{whom}; expected {waiver.person}, with a key that stands there: `{sign}`"])
    return SignedWaiver(**waiver.model_dump(), identity=signed[1])


def _field(problem: Mapping[str, Any]) -> str:
    return ".".join(map(str, problem["loc"])) or "the file"


def current_digests(files: Files) -> dict[str, str]:
    """What a verdict speaks about: scorer, challenger, data, config and code, each by its digest."""
    configs = files.config.parent
    # How a decision is served says nothing of the scorer: another port or limit leaves the verdict standing.
    judged = (file for file in configs.rglob("*.yaml") if not file.is_relative_to(configs / "deploy"))
    return {
        "scorer": digest.of_directory(files.scorer),
        "challenger": digest.of_directory(files.challenger),
        "data": evidence.prepared(files),
        "config": digest.of_files(files.root, judged),
        "code": digest.of_code(files.root / CODE, digest.JUDGES),
    }


def check(files: Files, today: date | None = None) -> dict[str, Any]:
    """The record, if it lets exactly the present scorer through; CheckFailed with every reason otherwise."""
    path = files.report("gate")
    if not path.is_file():
        raise NotFound(path, "Nothing was judged yet: run `make run` or `dvc repro`.")
    recorded = object_of(path)
    before = recorded.get("digests") if recorded else None
    if recorded is None or not isinstance(before, dict):
        raise CheckFailed(f"{path} is no gate record; the file was altered. Run `dvc repro --force gate`.")
    # Judged again: what the record says of its own checks could have been written by anybody.
    today = today or datetime.now(UTC).date()
    now = record(load(files.config), files, today)
    digests = now["digests"].items()
    reasons = [f"the {name} changed after the verdict" for name, value in digests if before.get(name) != value]
    if "run" in recorded:  # not in a record from before
        changed = evidence.changed_since(recorded["run"], now["run"])
        reasons += [f"{name} changed after the verdict" for name in changed]
    reasons += gate_record.refusals(now, now["digests"]["scorer"], today)
    if not reasons and recorded != now:
        reasons = [f"{path} is not what the figures say: it, or they, were altered after the verdict"]
    if reasons:
        raise CheckFailed("\n  ".join(["The gate does not let this scorer through.", *reasons]))
    return recorded


def taken(config: Config, files: Files) -> dict[str, dict[str, Any]]:
    """Every stage's report that there is, by its name, and the reports of optional parts that a gate reads."""
    return {
        name: _figures(path) for name in (*REPORTS, *parts_judged(config)) if (path := path_of(files, name)).is_file()
    }


def parts_judged(config: Config) -> list[str]:
    """The optional parts whose figures a gate reads, by the first names of their measures."""
    names = dict.fromkeys(declared.measure.split(".")[0] for declared in config.own_gates)
    return [name for name in names if name not in (*REPORTS, *OF_METRICS)]


def path_of(files: Files, name: str) -> Path:
    """The file of a report: of a stage's, or else of an optional part's."""
    return files.report(name) if name in REPORTS else files.part(name)


def absent(config: Config, files: Files) -> dict[str, str]:
    """What to run for the report of each optional part that a gate reads and that is not there."""
    paths = {name: files.part(name) for name in parts_judged(config)}
    return {
        name: f"{path.relative_to(files.root).as_posix()} is not there, `make {name}` writes it"
        for name, path in paths.items()
        if not path.is_file()
    }


def _figures(path: Path) -> dict[str, Any]:
    figures = object_of(path)
    if figures is None:
        raise DataError(f"{path} holds no figures; the file was altered. Run its stage with `dvc repro --force`.")
    return figures


def object_of(path: Path) -> dict[str, Any] | None:
    """The JSON object of a file; None where there is none."""
    try:
        raw = read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    return raw if isinstance(raw, dict) else None


def merged(reports: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """All measures by their full names, and why some are not known: evaluate's as they are, others under their report.

    What a report holds under the name of another counts for neither.
    """
    measures, unknown = dict(reports[METRICS]), dict(reports[METRICS].get("unknown", {}))
    for name, report in reports.items():
        if name != METRICS:
            measures[name] = report
            unknown |= {f"{name}.{measure}": why for measure, why in report.get("unknown", {}).items()}
    return measures, unknown


def of_these_data(config: Config, files: Files) -> bool:
    """Whether the reports are of a run on the config's own files: those of a fork's template are not."""
    prepared = object_of(files.report("preparation")) or {}
    return set(prepared.get("inputs_digest", {})) in (set(), {source.path for source in config.data.sources})


def unmeasured(config: Config, files: Files) -> tuple[list[str], list[tuple[Loc, str]]]:
    """A sentence for each gate on a measure that the last run has not taken; a fault where it is misspelled.

    A contrast declared since the run, or another kind of model, is in no report yet. Names count whatever the data.
    """
    reports, sentences, faults = taken(config, files), list[str](), list[tuple[Loc, str]]()
    measures, unknown = merged(reports) if METRICS in reports else ({}, {})
    known, is_own = {*unknown, *(name for name, _ in numbers(measures))}, of_these_data(config, files)
    known |= {name.replace("differences.logistic", compared) for name in known for compared in COMPARED}
    names = {name for named in names_in_measures(config).values() for name in named}
    for index, declared in enumerate(config.gates if measures else ()):
        measure, first = declared.measure, declared.measure.split(".")[0]
        if measure in known:
            continue
        near, to_run = gate.nearest(measure, known), absent(config, files).get(first)
        if near and not names & {*measure.split(".")} - {*near.split(".")}:
            if is_own or first not in ("fairness", "robustness"):
                faults.append((("gates", index, "measure"), f"no run measures {measure}; did you mean {near}?"))
        elif is_own and declared in config.own_gates:
            hint = f"; did you mean {near}?" if near else f"; {to_run}." if to_run else "."
            sentences.append(f"{declared.name}: the last run did not measure {measure}{hint}")
    return sentences, faults
