"""`credit-risk documents`: the documents of the last run, whether they hold, a release's evidence as a bundle."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from typer import Context, Option, Typer

from credit_risk.command_line import AUDIT, HERE, Root, add, before_the_verb, say, verbs

HELP = "Write the documents of the last run, hold them against their artefacts, and gather a release's evidence."
MORE = """
configs/documents.yaml says what stands in each; what a person must write lies in governance/texts (docs/documents.md).

examples:
  credit-risk documents write
  credit-risk documents verify
  credit-risk documents bundle
"""
Folder = Annotated[Path, Option("--output", help="The folder.")]
WRITTEN = Path("build") / "documents"


def add_commands(app: Typer) -> None:
    """Add `credit-risk documents` with its verbs."""
    documents = verbs(app, "documents", help=HELP, group=AUDIT, more=MORE)
    documents.callback()(_documents)
    add(documents, "write", _write)
    add(documents, "verify", _verify)
    add(documents, "bundle", _bundle)


def _documents(context: Context, root: Root = HERE) -> None:  # noqa: ARG001
    before_the_verb(context)


def _write(root: Root = HERE, output: Folder = WRITTEN) -> None:
    """Write every document as HTML; exit code 1 where a figure cannot be read. A text that is owed is marked in it."""
    from credit_risk.documents import pages
    from credit_risk.errors import CheckFailed

    done = pages.write(root, output)
    owed = f"; {len(done.missing)} texts are still to be written" if done.missing else ""
    say(f"{output}: {len(done.paths)} documents, {done.numbers} figures, each traced{owed}.")
    if done.unread:
        raise CheckFailed("\n  ".join([f"{len(done.unread)} figures cannot be read.", *done.unread]))


def _verify(root: Root = HERE, output: Folder = WRITTEN) -> None:
    """Read every figure again from its artefact; exit code 1 where one differs or its artefact is another."""
    from credit_risk.documents import pages
    from credit_risk.errors import CheckFailed

    count, faults = pages.verify(root, output)
    if faults:
        raise CheckFailed("\n  ".join([f"{len(faults)} of {count} figures do not hold.", *faults]))
    say(f"All {count} figures are what their artefacts say.")


def _bundle(root: Root = HERE, output: Folder = Path("build") / "evidence") -> None:
    """Gather documents, reports, policies, records and scorer into one signed folder with an offline verifier."""
    from credit_risk.documents import bundle
    from credit_risk.scoring import signing

    manifest = bundle.write(root, output, signing.private_key(root), datetime.now(UTC))
    absent = f"; not there: {', '.join(manifest['absent'])}" if manifest["absent"] else ""
    say(f"{output}: {len(manifest['files'])} files, listed and signed{absent}.")
