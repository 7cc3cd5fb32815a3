"""What a developer's machine may do, and no other environment: the service refuses it, and so does the check of one."""

from collections.abc import Iterator
from os.path import normpath
from pathlib import Path

from credit_risk.config import environment
from credit_risk.config.yaml_positions import Loc
from credit_risk.scoring.signing import is_development
from credit_risk.serving.settings import Serving

TLS = "expected `tls: proxy`, where something in front ends TLS and nobody else reaches the port"
STATED = "expected `statement: {source: …}`, which the registry signs (docs/registry.md)"  # part: registry
OPEN = "expected keys or jwt, or the address 127.0.0.1"
TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/")  # noqa: S108  (refused, and nothing is written there)
KEPT = "expected a file on a disk or volume that stays"
HERE = ("127.0.0.1", "localhost", "::1")
OWN_KEY = "expected a key of your own (docs/signatures.md), or `environment: local` where nothing is decided for real"


def refuse_open_doors(path: Path, serving: Serving, root: Path, host: str) -> None:
    """Raise ConfigError where the service would serve an environment that its own rules refuse, each with the way out.

    Bound is every environment but a developer's (`environment: local` in the file, or a file of these names), which is
    only not to let everybody in from elsewhere.
    """
    faults: list[tuple[Loc, str]] = []
    if not environment.is_developers(path):
        faults += open_doors(serving, environment.name_of(path), root)
        if serving.tls == "none" and host not in HERE:
            faults.append((("tls",), f"{host} is reached from elsewhere, and the service speaks plain HTTP: {TLS}"))
    elif serving.access.mode == "off" and host not in HERE:
        faults.append((("access", "mode"), f"{host} is reached from elsewhere, and everybody could decide: {OPEN}"))
    environment.refuse(path, [(("serving", *loc), fault) for loc, fault in faults])


def open_doors(serving: Serving, name: str, root: Path | None = None) -> Iterator[tuple[Loc, str]]:
    """What a developer's machine may do, and nobody else; each fault with its key. root: to look at the key's file."""
    where = f"in {name}"
    if serving.access.mode == "off":
        yield ("access", "mode"), f"everybody could decide {where}: expected keys or jwt"
    if serving.gate != "required":
        yield ("gate",), f"a scorer that the gate stopped could decide {where}: expected required"
    if serving.ledger.key_file is not None:
        yield ("ledger", "key_file"), f"a development key is not for {name}: set CREDIT_RISK_LEDGER_KEY"
    # of the part: registry
    if serving.statement is None:
        yield ("statement",), f"a retired scorer could decide {where}: {STATED}"
    # end of part
    if serving.statement is not None and normpath(serving.statement.seen).replace("//", "/").startswith(TEMPORARY):
        yield ("statement", "seen"), f"a reboot of {name} forgets which statements were seen: {KEPT}"
    if serving.signed_by and serving.signed_by.public_key and is_development(root, serving.signed_by.public_key):
        yield ("signed_by", "public_key"), f"anybody on a developer's machine could sign {where}: {OWN_KEY}"
