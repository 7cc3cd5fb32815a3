"""What every stubbed action does: note its inputs, and play the part that later steps rely on.

python stub.py OWNER/REPO[/PATH], with the inputs as JSON in INPUTS. Artifacts are folders below $STUB_ARTIFACTS; a path
that $STUB_CACHE holds by name is a cache hit.
"""

import json
import os
import shutil
import sys
from pathlib import Path


def upload(inputs: dict[str, str]) -> None:
    """Copy files under the artifact's name, each at its path below the common parent, as the real action does."""
    target = Path(os.environ["STUB_ARTIFACTS"]) / inputs["name"]
    found = [path for line in inputs["path"].split("\n") if line.strip() for path in sorted(Path().glob(line.strip()))]
    if not found:
        print(f"No files were found with the path {inputs['path']}")
        raise SystemExit(int(inputs["if-no-files-found"] == "error"))
    top = Path(os.path.commonpath(found)) if len(found) > 1 else found[0].parent if found[0].is_file() else found[0]
    for path in found:
        if path.is_dir():
            shutil.copytree(path, target / path.relative_to(top), dirs_exist_ok=True)
        else:
            (target / path.relative_to(top)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / path.relative_to(top))


def download(inputs: dict[str, str]) -> None:
    source = Path(os.environ["STUB_ARTIFACTS"]) / inputs["name"]
    if not source.is_dir():
        raise SystemExit(f"Artifact not found for name: {inputs['name']}")
    shutil.copytree(source, inputs["path"] or ".", dirs_exist_ok=True)


def cache(inputs: dict[str, str]) -> None:
    hit = False
    for line in filter(None, inputs["path"].split("\n")):
        kept = Path(os.environ["STUB_CACHE"]) / line.strip()
        if kept.is_dir() and not Path(line.strip()).exists():
            shutil.copytree(kept, line.strip(), symlinks=True, dirs_exist_ok=True)
            hit = True
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"cache-hit={str(hit).lower()}\n")


def machine(inputs: dict[str, str]) -> None:
    """Python is there; and so is the environment, as if it had just been installed: tests have no package index."""
    cache({"path": ".venv"})


PARTS = {
    "actions/setup-python": machine,
    "actions/upload-artifact": upload,
    "actions/download-artifact": download,
    "actions/cache": cache,
}


def main(action: str) -> None:
    inputs = json.loads(os.environ["INPUTS"])
    noted = {"call": action, "inputs": inputs}
    if action.endswith("/sticky-pull-request-comment"):
        noted["text"] = Path(inputs["path"]).read_text(encoding="utf-8")
    with Path(os.environ["STUB_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps(noted) + "\n")
    PARTS.get(action, lambda inputs: None)(inputs)


if __name__ == "__main__":
    main(sys.argv[1])
