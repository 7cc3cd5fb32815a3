"""The files of a release: scorer and gate record, each with its signature. Whoever copies a release copies these."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from credit_risk.data.files import Files
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignatureRefused, SignedBy


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
    with tempfile.TemporaryDirectory(prefix="credit-risk-release-") as folder:
        copied = Files(Path(folder))
        try:
            copy_release_files(files, copied.root)
        except OSError as error:  # shutil's own too: a file went, or cannot be read
            raise SignatureRefused(f"the release below {files.root} cannot be read whole: {error}") from None
        public_key = by.public_key and str((files.root / by.public_key).absolute())
        try:
            signing.verify_release(copied, by.model_copy(update={"public_key": public_key}))
        except SignatureRefused as refused:
            raise SignatureRefused(str(refused).replace(folder, str(files.root))) from None
        yield copied
