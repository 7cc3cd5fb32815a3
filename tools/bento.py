"""Build the service as a Bento, and try what was built: scripts/bento.py --help (`make bento`).

A Bento is BentoML's archive: our package, the scorer, the gate's record, settings, and the locked packages by name.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from image import ask, free_port, lay_out_release

ROOT = Path(__file__).resolve().parent.parent
STAGED = ROOT / "build" / "bento"
TAKEN = {
    "src/credit_risk": "credit_risk",
    "build/signing/signing.pub": "configs/deploy/signing.pub",
    "configs/deploy/container.yaml": "configs/deploy/container.yaml",
    "requirements/serving.txt": "requirements.txt",
}
BENTOFILE = {
    "service": "credit_risk.serving.bento:CreditRisk",
    "include": ["credit_risk/", "models/", "reports/", "configs/"],
    # Without lock_packages: false BentoML would resolve again, over the network; these are pinned by hash already.
    "python": {"requirements_txt": "requirements.txt", "lock_packages": False},
    "envs": [{"name": "CREDIT_RISK_SETTINGS", "value": "configs/deploy/container.yaml"}],
}
ENVIRONMENT = {"BENTOML_HOME": str(ROOT / "build" / "bentoml"), "BENTOML_DO_NOT_TRACK": "true"}
READY_WITHIN = 120  # seconds


def staged() -> None:
    """Lay out what the Bento holds, as it will lie in it."""
    lay_out_release(ROOT, ROOT / "build" / "signing" / "signing.pub", STAGED)
    for source, target in TAKEN.items():
        if not (ROOT / source).exists():
            sys.exit(f"{source} is missing: a Bento holds the scorer that the gate let pass. Run `make run`.")
        place = STAGED / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, place)
    (STAGED / "bentofile.yaml").write_text(json.dumps(BENTOFILE), encoding="utf-8")  # JSON is YAML


def bentoml(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bentoml", *arguments]


def built() -> Path:
    """Build, and give the Bento's folder."""
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(STAGED)}
    done = subprocess.run(
        bentoml("build", "--output", "tag", str(STAGED)),
        check=False,
        env=environment,
        cwd=STAGED,
        text=True,
        capture_output=True,
    )
    if done.returncode:
        sys.exit(f"bentoml build: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    tag = done.stdout.strip().splitlines()[-1].removeprefix("__tag__:")
    name, _, version = tag.partition(":")
    print(f"built {tag}")
    return Path(ENVIRONMENT["BENTOML_HOME"]) / "bentos" / name / version


def try_it(bento: Path) -> None:
    """Serve the Bento alone, from its own folder, and decide its own example."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        settings = Path(folder) / "settings.yaml"
        serving = {
            "access": {"mode": "off"},
            "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
            "gate": "required",
            "signed_by": {"public_key": "configs/deploy/signing.pub"},
        }
        settings.write_text(json.dumps({"environment": "trial", "serving": serving}), encoding="utf-8")
        environment = {
            **os.environ,
            **ENVIRONMENT,
            "PYTHONPATH": str(bento / "src"),
            "CREDIT_RISK_ROOT": str(bento / "src"),
            "CREDIT_RISK_SETTINGS": str(settings),
            "CREDIT_RISK_LEDGER_KEY": secrets.token_hex(32),
        }
        log = Path(folder) / "log"
        with log.open("wb") as said:
            command = bentoml("serve", str(bento), "--host", "127.0.0.1", "--port", str(port))
            process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=said, stderr=said, start_new_session=True
            )
        try:
            decided(f"http://127.0.0.1:{port}", process, log)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def decided(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the Bento did not get ready:\n{log.read_text(encoding='utf-8')}")
        try:
            ask(f"{url}/health")
            break
        except OSError:
            time.sleep(0.1)
    described = ask(f"{url}/openapi.json")["paths"]["/decide"]["post"]["requestBody"]["content"]
    reply = ask(f"{url}/decide", described["application/json"]["example"])
    print(f"one application: {reply['decision']}, score {reply['score']}")


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    staged()
    try_it(built())


if __name__ == "__main__":
    main()
