"""The commands of the pipeline: the config's check, the data's check, a command for each DVC stage, and signatures."""

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import (
    DATA,
    GATES,
    HERE,
    MODEL,
    ConfigFile,
    Environment,
    Identity,
    Issuer,
    Json,
    Root,
    Schema,
    add,
    environment_file,
    say,
    show,
)
from credit_risk.errors import ConfigError, UsageError

MIGRATE_MORE = "\nexample:\n  credit-risk migrate\n"
WORDINGS_MORE = "\nexample:\n  credit-risk wordings\n"
VALIDATE_EXAMPLE = "\nexample:\n  credit-risk validate-data --dataset new.csv --drift-threshold 0.1\n"
SIGN_MORE = """
The key: the file that CREDIT_RISK_SIGNING_KEY names (PEM, EC; CREDIT_RISK_SIGNING_PASSWORD opens it), else a
development key below build/signing, made at the first use. --keyless signs as the workflow that runs it (Sigstore).

exit codes: 0 signed; 1 the gate does not let this scorer pass; 2 it could not be done
"""

# Each is a command of that name: by its group, what it does.
STAGES: Mapping[str, tuple[str, str]] = {
    "dictionary": (DATA, "Write reports/dictionary.md: what every column means, may hold, does hold and is used for."),
    "prepare": (DATA, "Take out, group and split the rows; write inputs, outcomes and protected columns apart."),
    "select": (MODEL, "Choose the candidate on the selection rows: LightGBM if it earns that, else the scorecard."),
    "assemble": (MODEL, "Put the fitted models together with the policy: models/scorer and models/challenger."),
    "evaluate": (GATES, "Measure model and challengers with intervals; write reports/metrics.json, plots' tables."),
    "stability": (GATES, "Fit and judge the same models on at least 20 other splits; write reports/splits.json."),
    "fairness": (GATES, "Measure approvals by protected group, with intervals, and what gives a group away."),
    "explain": (GATES, "Check the reasons of declines, and what the model looks at."),
    "robustness": (GATES, "Stress the decisions, and put gaps and nonsense into applications."),
    "latency": (GATES, "Measure what one decision costs, in bare LightGBM predictions."),
    "report": (GATES, "Write reports/index.html, the page for the risk manager."),
}


def add_commands(app: Typer) -> None:
    """Add the pipeline's commands, in the order in which `make run` runs them."""
    add(app, "config", _config, group=DATA)
    add(app, "migrate", _migrate, group=DATA, more=MIGRATE_MORE)
    add(app, "wordings", _wordings, group=DATA, more=WORDINGS_MORE)
    add(app, "validate-data", _validate_data, group=DATA, more=VALIDATE_EXAMPLE)
    for name, (group, does) in STAGES.items():
        add(app, name, _stage(name, does), group=group)
    add(app, "sign", _sign, group=GATES, more=SIGN_MORE)
    add(app, "verify", _verify, group=GATES)


def _config(root: Root = HERE, config: ConfigFile = None, json: Json = False) -> None:
    """Check the config and all other files in configs/: every problem at once, each with its file and line."""
    from credit_risk.config import environment, wordings
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text
    from credit_risk.stages import gate

    others = nullcontext()
    others = import_module("credit_risk.editing.readers").together(root, config)  # part: editing
    with others:
        checked, files = opened(root, config)
        path = config or files.config
        sentences, faults = gate.unmeasured(checked, files)
        environment.refuse(path, faults)
        if (least := gate.floor_of(files)) and (looser := gate.below_the_floor(checked, files, least, ())):
            raise ConfigError(path, looser)
    counts = {"columns": len(checked.columns), "features": len(checked.features), "gates": len(checked.gates)}
    unmeasured = [*sentences, *wordings.doubts(checked)]
    for sentence in unmeasured:
        logging.getLogger("credit_risk").warning(sentence)
    if json:
        say(json_text({"config": str(path), **counts, "unmeasured": list(unmeasured)}))
    else:
        say(f"{path}: {', '.join(f'{count} {name}' for name, count in counts.items())}")


def _wordings(root: Root = HERE, config: ConfigFile = None) -> None:
    """Put the wordings of reasons on record under their version, in configs/wordings.yaml: read them before you do.

    What is on record does not change: another text needs another `reasons.version` in the config.
    """
    from credit_risk.config import wordings
    from credit_risk.data.repository import opened

    checked, files = opened(root, config)
    version, folder = checked.reasons.version, (config or files.config).parent
    new = wordings.record(checked, folder)
    say(f"{folder / wordings.FILE}: version {version} {'is on record now' if new else 'stands there already'}")


def _migrate(root: Root = HERE, config: ConfigFile = None) -> None:
    """Bring configs/credit.yaml to the format that this version reads; everything you wrote stays as it is."""
    from credit_risk.config.migration import VERSION, lacking, migrated_text
    from credit_risk.config.reading import tree_of
    from credit_risk.data.files import Files
    from credit_risk.data.writing import write_text

    path = config or Files(root).config
    tree = tree_of(path)
    version = tree.get("version")
    if not isinstance(version, int) or not 0 < version <= VERSION:
        raise UsageError(
            f"{path}: got version {version!r}, expected 1 to {VERSION}, the newest that this program knows."
        )
    if version == VERSION:
        say(f"{path} is of version {VERSION} already.")
        return
    write_text(path, migrated_text(path.read_text(encoding="utf-8"), tree))
    say(f"{path} was of version {version} and is of version {VERSION} now. New:")
    for key, value in lacking(tree, version).items():
        say(f"  {'.'.join(key)}: {value}")
    say("CHANGELOG.md says what each is for; `credit-risk config` says what is left to decide.")


def _validate_data(
    root: Root = HERE,
    config: Schema = None,
    dataset: Annotated[
        Path | None, Option("--dataset", "--data-path", help="The file to check (default: the config's own).")
    ] = None,
    drift_threshold: Annotated[
        float | None, Option(help="The highest PSI that is not drift; needs a reference.")
    ] = None,
    reference: Annotated[Path | None, Option(help="A scorer or its reference.json (default: models/scorer).")] = None,
    # of the part: compliance
    compliance: Annotated[str | None, Option(help="Frameworks whose data controls apply too, as in gdpr,sox.")] = None,
    # end of part
    output: Annotated[
        Path | None,
        Option(help="Where the JSON report goes (default: reports/validation.json for the config's own data)."),
    ] = None,
    json: Json = False,
) -> None:
    """Hold a data set against the contract that the config declares, and against drift."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text, write_json
    from credit_risk.stages import validate_data

    contract, files = opened(root, config)
    named = reference or files.scorer
    known = named if named.suffix == ".json" else named / "reference.json"
    # The pipeline's own report is of the config's own data; a check of anything else must not replace it.
    of_the_stage = not (dataset or reference)
    of_the_stage &= not compliance  # part: compliance
    report = validate_data.validate(
        contract,
        files,
        paths=(dataset,) if dataset else (),
        reference=known if reference or (dataset and known.is_file()) else None,
        drift_threshold=drift_threshold,
        frameworks=tuple(compliance.split(",")) if compliance else (),  # part: compliance
        table=files.table if of_the_stage else None,
    )
    path = output or (files.report("validation") if of_the_stage else None)
    if path:
        write_json(path, report.as_dict())
    if json:
        say(json_text(report.as_dict()))
    else:
        show(validate_data.render(report))
    validate_data.raise_unless_passed(report, path)


def _stage(name: str, does: str) -> Callable[..., None]:
    """The command of a stage that has no options of its own."""

    def run(root: Root = HERE, config: ConfigFile = None) -> None:
        from credit_risk.data.repository import opened

        import_module(f"credit_risk.stages.{name}").run(*opened(root, config))

    run.__doc__ = does
    return run


def _sign(
    root: Root = HERE,
    keyless: Annotated[bool, Option("--keyless", help="Sign by Sigstore as the workflow that runs this.")] = False,
) -> None:
    """Sign the scorer and its gate record, if the gate lets it pass: only signed ones are served and promoted."""
    from credit_risk.data.files import Files
    from credit_risk.scoring import release_files, signing
    from credit_risk.stages import gate

    files = Files(root)
    made = release_files.sign_judged(files, gate.check(files), None if keyless else signing.private_key(root))
    say(f"Signed: {', '.join(map(str, made))}" if made else "Signed already, by this key.")


def _verify(
    root: Root = HERE, environment: Environment = None, identity: Identity = None, issuer: Issuer = None
) -> None:
    """Verify that scorer and gate record are, to the byte, what was signed by whom `serving.signed_by` names."""
    from credit_risk.config.environment import read
    from credit_risk.data.files import Files
    from credit_risk.scoring import signing

    path = environment_file(root, environment)
    by = signing.keyless(identity, issuer) or read(path, "serving.signed_by", signing.SignedBy)
    signing.verify_release(Files(root), by)
    say("Scorer and gate record are what was signed.")
