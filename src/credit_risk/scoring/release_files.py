"""The files of a release: scorer and gate record, each with its signature. Whoever copies a release copies these.

What is verified is what is used: a copy of its own is made first, verified, and then nothing else is read.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import CheckFailed, NotFound
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from credit_risk.scoring.signing import SignatureRefused, SignedBy

SCRATCH = "credit-risk-release-"


def release_files(files: Files) -> tuple[Path, ...]:
    """models/scorer, models/scorer.sig, reports/gate.json and models/gate.sig below the root of `files`."""
    return tuple(path for pair in signing.signed(files) for path in pair)


def copy_release_files(files: Files, folder: Path) -> None:
    """Copy those that there are to the same paths below another root; what lacks is refused by who verifies it.

    The registry's statement of what may be live goes along: it is dated, and has a signature of its own.
    """
    for path in (*release_files(files), files.live_statement):
        if path.exists():
            copy(path, folder / path.relative_to(files.root))


def copy(path: Path, target: Path) -> None:
    """Copy a file or a whole directory, and make the folder that it goes to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)


@contextmanager
def verified_release(files: Files, by: SignedBy) -> Iterator[Files]:
    """The files of a release as this signer left them, below a root that this process alone can write to.

    They are copied first, then verified, then used: what is exchanged at their own paths meanwhile is neither. The copy
    goes with the block. Raises SignatureRefused with everything that is not signed, NotFound without the public key.
    """
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
        copied = Files(Path(folder))
        with _reading(files.root, Path(folder)):
            copy_release_files(files, copied.root)
            signing.verify_release(copied, absolute(by, files.root))
        yield copied


def sign_judged(files: Files, record: Mapping[str, Any], key: Path | None) -> list[Path]:
    """Sign scorer and gate record as they were judged; returns the signatures made anew. key: None signs keyless.

    A copy is held against the record, and signed. Raises CheckFailed where they were exchanged since, as sign_release.
    """
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
        copied = Files(Path(folder))
        copy_release_files(files, copied.root)
        if read_json(copied.report("gate")) != record or digest.of_directory(copied.scorer) != record["digest"]:
            raise CheckFailed("The scorer or its gate record changed while they were judged: nothing was signed.")
        made = {path: files.root / path.relative_to(copied.root) for path in signing.sign_release(copied, key)}
        for signature, path in made.items():
            copy(signature, path)
    return list(made.values())


def verified_scorer(path: Path, by: SignedBy, root: Path) -> Scorer:
    """A scorer, read from the very bytes whose signature was verified. The signature lies beside it, as NAME.sig.

    root: below which the public key lies. Raises as verified_release, ScorerError, and NotFound without the scorer.
    """
    signature = signature_of(path)
    if not path.is_dir():
        raise NotFound(path, "There is no scorer to decide with: run `make run`.")
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
        copied = Path(folder) / path.name
        with _reading(path.parent, Path(folder)):
            copy(path, copied)
            if signature.is_file():
                copy(signature, copied.with_name(signature.name))
            signing.verify(copied, copied.with_name(signature.name), by, root)
        return Scorer.load(copied)


def signature_of(scorer: Path) -> Path:
    """Where the signature of a scorer directory lies: beside it."""
    return scorer.with_name(f"{scorer.name}.sig")


def absolute(by: SignedBy, root: Path) -> SignedBy:
    """The same signer, with a public key's path that holds from everywhere. root: below which it lies."""
    return by.model_copy(update={"public_key": by.public_key and str((root / by.public_key).absolute())})


@contextmanager
def _reading(source: Path, copy_of_it: Path) -> Iterator[None]:
    """Let refusals speak of where the files came from. Raises SignatureRefused where they cannot be read whole."""
    try:
        yield
    except SignatureRefused as refused:
        raise SignatureRefused(str(refused).replace(str(copy_of_it), str(source))) from None
    except NotFound:
        raise
    except OSError as error:  # shutil's own too: a file went, or cannot be read
        raise SignatureRefused(f"what lies below {source} cannot be read whole: {error}") from None
