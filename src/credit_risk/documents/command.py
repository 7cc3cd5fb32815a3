"""`credit-risk documents`: the documents of the last run, whether they hold, a release's evidence as a bundle."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from typer import Context, Option, Typer

from credit_risk.command_line import (
    AUDIT,
    HERE,
    Environment,
    Root,
    add,
    before_the_verb,
    counted,
    environment_file,
    say,
    verbs,
)

HELP = "Write the documents of the last run, hold them against their artefacts, and gather a release's evidence."
MORE = """
configs/documents.yaml says what stands in each; what a person must write lies in governance/texts (docs/documents.md).

examples:
  credit-risk documents write
  credit-risk documents write --as word --template our-form.docx
  credit-risk documents verify
  credit-risk documents bundle
"""
EXAMINE_MORE = """
The folder has index.html, answers.json, the registry's history, the release that was live, and an offline verifier.

example:
  credit-risk examine --decision 01a21098-f168-7765-8a58-0b9fc0816889
  credit-risk examine --applicant A-1009 --day 2026-11-17

exit codes: 0 every link holds; 1 one does not, and the folder says which; 2 it could not be done
"""
EVIDENCE_HELP = "Hold a release's evidence, as `make evidence` gathered it, against its signature and this repository."
EVIDENCE_MORE = """
Whoever has only the bundle runs the verify.py in it, with Python and openssl alone.

example:
  credit-risk evidence verify --key signing.pub

exit codes: 0 all holds; 1 a file or a figure does not, and is named; 2 there is no bundle, or no key
"""
Folder = Annotated[Path, Option("--output", help="The folder.")]
WRITTEN = Path("build") / "documents"


def add_commands(app: Typer) -> None:
    """Add `credit-risk documents` with its verbs."""
    add(app, "examine", _examine, group=AUDIT, more=EXAMINE_MORE)
    documents = verbs(app, "documents", help=HELP, group=AUDIT, more=MORE)
    documents.callback()(_documents)
    add(documents, "write", _write)
    add(documents, "verify", _verify)
    add(documents, "bundle", _bundle)
    evidence = verbs(app, "evidence", help=EVIDENCE_HELP, group=AUDIT)
    evidence.callback()(_documents)
    add(evidence, "verify", _verify_evidence, more=EVIDENCE_MORE)


def _documents(context: Context, root: Root = HERE) -> None:  # noqa: ARG001
    before_the_verb(context)


def _write(
    root: Root = HERE,
    output: Folder = WRITTEN,
    form: Annotated[Literal["html", "pdf", "word"], Option("--as", help="Pages, PDF or Word.")] = "html",
    template: Annotated[Path | None, Option(help="Your own .docx whose placeholders are filled (--as word).")] = None,
) -> None:
    """Write every document; exit code 1 where a figure cannot be read. A text that is owed is marked in it."""
    from credit_risk.documents import pages, pdf, word
    from credit_risk.errors import CheckFailed, UsageError

    if template and form != "word":
        raise UsageError(f"--template {template} is a Word file's: give --as word with it.")
    if form == "word":
        done = word.write(root, output, template)
    else:
        done = (pages if form == "html" else pdf).write(root, output)
    owed = f"; {len(done.missing)} texts are still to be written" if done.missing else ""
    say(f"{output}: {counted(len(done.paths), 'document')}, {counted(done.numbers, 'figure')}, each traced{owed}.")
    if done.unread:
        raise CheckFailed("\n  ".join([f"{counted(len(done.unread), 'figure')} cannot be read.", *done.unread]))


def _verify(root: Root = HERE, output: Folder = WRITTEN) -> None:
    """Read every figure of pages and Word files again; exit code 1 where one differs or its artefact is another."""
    from credit_risk.documents import pages, word
    from credit_risk.documents.tracing import Artefacts
    from credit_risk.errors import CheckFailed, UsageError

    if not any(output.glob("*.html")) and not any(output.glob("*.docx")):
        raise UsageError(f"{output} holds no document; `credit-risk documents write` writes them.")
    count, faults = pages.verify(root, output)
    for path in sorted(output.glob("*.docx")):
        of_word, wrong = word.verify(path, Artefacts.below(root))
        count, faults = count + of_word, faults + wrong
    if faults:
        raise CheckFailed(
            "\n  ".join([f"{counted(len(faults), 'fault')}, of {counted(count, 'figure')} read:", *faults])
        )
    say(f"All {count} figures are what their artefacts say.")


def _bundle(root: Root = HERE, environment: Environment = None, output: Folder = Path("build") / "evidence") -> None:
    """Gather documents, reports, policies, records and scorer into one signed folder with an offline verifier."""
    from credit_risk.data.repository import opened
    from credit_risk.documents import bundle, computed
    from credit_risk.registry import settings as registry_settings
    from credit_risk.registry.versions import read_history
    from credit_risk.scoring import signing

    site, (config, files) = environment_file(root, environment), opened(root)
    history = read_history(config.project.name, registry_settings.load(site, root), root)
    at, key = datetime.now(UTC), signing.private_key(root)
    manifest = bundle.write(root, output, key, at, computed.evidence(config, files, site, history, at))
    absent = f"; not there: {', '.join(manifest['absent'])}" if manifest["absent"] else ""
    say(f"{output}: {counted(len(manifest['files']), 'file')}, listed and signed{absent}.")
    states = {state: len(texts) for state, texts in manifest["questions"].items()}
    say(
        f"Of {sum(states.values())} questions {states['answered']} are answered, {states['owed']} wait for a person, "
        f"{states['partly']} are answered in part and {states['open']} not: index.html says where."
    )


def _verify_evidence(
    root: Root = HERE,
    environment: Environment = None,
    folder: Annotated[Path | None, Option("--folder", help="The bundle (default: build/evidence).")] = None,
    key: Annotated[
        Path | None, Option(help="The public key that must have signed it (default: the registry's).")
    ] = None,
) -> None:
    """Read every figure of the bundle's documents again, and hold each file against the signed list."""
    from credit_risk.documents import bundle, pages, verify
    from credit_risk.errors import CheckFailed, NotFound, UsageError
    from credit_risk.registry import settings as registry_settings

    folder = folder or root / "build" / "evidence"
    if not (folder / bundle.MARK).is_file():
        raise NotFound(folder / bundle.MARK, "`make evidence` gathers the bundle.")
    if key is None:
        named = registry_settings.load(environment_file(root, environment), root).signed_by.public_key
        if named is None:
            raise UsageError("The environment's signatures are an identity's: name the bundle's key with --key.")
        key = root / named
    if not key.is_file():
        raise NotFound(key, "Name the public key that must have signed the bundle: --key.")
    count, faults = pages.verify(root, folder / "documents")
    faults += verify.faults_of_files(folder)
    faults += [] if verify.is_signed(folder, key) else [f"{bundle.MARK} is not signed by {key}"]
    if faults:
        raise CheckFailed("\n  ".join([f"{folder} does not hold:", *faults]))
    say(f"{folder}: every file is as {key} signed it, and all {count} figures are what their artefacts say.")


def _examine(
    decision: Annotated[str | None, Option(help="The decision's id.")] = None,
    applicant: Annotated[str | None, Option(help="Or whom it is about, by the lender's reference, and --day.")] = None,
    day: Annotated[
        datetime | None, Option(formats=["%Y-%m-%d"], help="The day (UTC) on which it was decided about --applicant.")
    ] = None,
    root: Root = HERE,
    environment: Environment = None,
    output: Annotated[Path | None, Option(help="The folder (default: build/examinations/ID).")] = None,
) -> None:
    """Answer an examiner's questions about one decision, each with what it stands on, in a signed folder."""
    from credit_risk.config.permission import ensure
    from credit_risk.data.repository import opened
    from credit_risk.documents import examination
    from credit_risk.errors import UsageError
    from credit_risk.governance import stores
    from credit_risk.registry import settings as registry_settings
    from credit_risk.registry.versions import open_versions
    from credit_risk.scoring import signing

    site, name = environment_file(root, environment), opened(root)[0].project.name
    about = (applicant, day.date()) if applicant is not None and day is not None else None
    if (decision is None) == (about is None) or (about is None and (applicant or day)):
        raise UsageError("Name a decision by --decision, or by --applicant and --day.")
    ensure("export", site, root)  # the folder holds what was decided about a person, and is made to be handed on
    with (
        stores.ledger(site, root, os.environ) as ledger,
        open_versions(name, registry_settings.load(site, root), root) as registry,
    ):
        decision_id = examination.the_decision_about(*about, ledger) if about else str(decision)
        folder = output or root / "build" / "examinations" / decision_id
        _, checks = examination.examine(
            decision_id, ledger, registry, folder, key=signing.private_key(root), at=datetime.now(UTC)
        )
    say(f"{folder}: {counted(len(checks.sound), 'link holds', 'links hold')}, {len(checks.broken)} do not.")
    checks.raise_unless_all_hold()
