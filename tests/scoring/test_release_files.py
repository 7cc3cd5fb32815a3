"""A release is four files, and who copies one copies these and nothing else."""

from credit_risk.data.files import Files
from credit_risk.scoring.release_files import copy_release_files, release_files


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_release_is_scorer_and_gate_record_each_with_its_signature(tmp_path):
    paths = [path.relative_to(tmp_path).as_posix() for path in release_files(Files(tmp_path))]
    assert paths == ["models/scorer", "models/scorer.sig", "reports/gate.json", "models/gate.sig"]


def test_what_there_is_of_it_is_copied_and_nothing_else(tmp_path):
    files = Files(tmp_path / "from")
    for path in (files.scorer / "scorer.json", files.report("gate"), files.gate_signature, files.report("metrics")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    copy_release_files(files, tmp_path / "to")
    assert names(tmp_path / "to") == ["models/gate.sig", "models/scorer/scorer.json", "reports/gate.json"]
