"""What the registry costs and refuses, as figures: `make registry-drill` prints them."""

import os
import time
from pathlib import Path

import pytest

from credit_risk.registry.errors import RegistryBroken
from credit_risk.registry.lifecycle import standing
from credit_risk.registry.mlflow import promotion
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignatureRefused, SignedBy
from registry_trial import WHY, assemble_again, kept_files

CHECKER = {"by": "Ada Berg", "reason": WHY}
EVERY = 1 if "REGISTRY_KILLS" in os.environ else 8  # how many of the files of a version are tried
BY = SignedBy(public_key="build/signing/signing.pub")


def flipped(path: Path):
    """The file with one bit of its middle byte changed; undone at the end."""
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    yield
    path.write_bytes(whole)


def test_one_byte_of_any_file_that_is_served_is_refused_by_its_name(files):
    served = [*sorted(files.scorer.iterdir()), files.scorer_signature, files.report("gate"), files.gate_signature]
    for path in served:
        change = flipped(path)
        next(change)
        named = path.name if path.suffix != ".sig" else f"{path.stem}(.json)?: "
        with pytest.raises(SignatureRefused, match=named):
            signing.verify_release(files, BY)
        next(change, None)
    signing.verify_release(files, BY)
    print(f"{len(served)} of {len(served)} flipped files refused by name before anything of them was read")


def test_one_byte_of_any_registered_file_stops_a_promotion(opened, registered):
    registered()
    place = kept_files(opened, 1)
    kept = [path for path in sorted(place.rglob("*")) if path.is_file() and path.stat().st_size and _counts(path)]
    kept = kept[::EVERY]
    for path in kept:
        change = flipped(path)
        next(change)
        with pytest.raises(RegistryBroken, match="altered since it was registered"):
            opened.verify(1, opened.events())
        next(change, None)
    opened.verify(1, opened.events())
    print(f"{len(kept)} of {len(kept)} flipped files of a registered version refused")


def _counts(path: Path) -> bool:
    return path.parent.name != "__pycache__" and path.name != "registered_model_meta"


def test_a_rollback_takes_one_move(opened, files, registered):
    for version in (1, 2):
        registered()
        promotion.move(opened, "nominate", str(version), **CHECKER)
        promotion.move(opened, "promote", "challenger", **CHECKER)
        assemble_again(files, lgd=0.75)
    begun = time.perf_counter()
    promotion.roll_back(opened, by="Kim Lee", reason="score shift after release")
    took = time.perf_counter() - begun
    assert standing(opened.events()).champion == 1
    begun = time.perf_counter()
    signing.verify_release(files, BY)
    print(
        f"rollback {took:.2f} s in the process; verifying scorer and gate {1e3 * (time.perf_counter() - begun):.1f} ms"
    )
