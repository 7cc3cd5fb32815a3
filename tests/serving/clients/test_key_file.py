"""The file of keys under several hands: nothing that was done is undone, and what is no file of keys lets nobody in."""

import json
import multiprocessing
import shutil

import pytest

from credit_risk.cli import main
from credit_risk.errors import UsageError
from credit_risk.serving.clients import access
from credit_risk.serving.clients.access import ApiKeyGuard
from credit_risk.serving.clients.key_file import add_key, change_scopes, read_keys, record_of, revoke_key
from credit_risk.serving.problems import Problem


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


def status(guard, key):
    guard._looked = 0.0  # as after the seconds that it waits
    with pytest.raises(Problem) as found:
        guard.client({"x-api-key": key})
    return found.value.status


def identifier(key):
    return key.split("_")[1]


def test_keys_that_are_made_and_revoked_at_once_are_all_made_and_revoked(file):
    keys = [identifier(add_key(file, "branch", ["decide"], 1)) for _ in range(12)]
    context = multiprocessing.get_context("fork")
    work = [context.Process(target=revoke_key, args=(file, key)) for key in keys]
    work += [context.Process(target=add_key, args=(file, "branch", ["decide"], 1)) for _ in keys]
    for process in work:
        process.start()
    for process in work:
        process.join()
    left = read_keys(file)
    assert len(left) == 24
    assert sorted(name for name, key in left.items() if key["revoked"] is not None) == sorted(keys)


def test_an_older_copy_of_the_file_brings_no_revoked_key_back(file):
    key = add_key(file, "branch", ["decide"], 1)
    guard = ApiKeyGuard(file)
    shutil.copy2(file, file.with_suffix(".old"))
    revoke_key(file, identifier(key))
    assert status(guard, key) == 401
    shutil.copy2(file.with_suffix(".old"), file)
    assert status(guard, key) == 401
    assert status(ApiKeyGuard(file), key) == 401


def test_what_was_done_to_keys_is_only_ever_added_to_and_a_cut_off_line_is_taken_for_nothing(file):
    key = add_key(file, "branch", ["decide"], 1)
    with record_of(file).open("a") as record:
        record.write('{"at": 1, "did": "rev')
    assert read_keys(file)[identifier(key)]["revoked"] is None
    revoke_key(file, identifier(key))
    lines = [json.loads(line) for line in record_of(file).read_text().splitlines()]
    assert [(line["did"], line["id"]) for line in lines] == [("add", identifier(key)), ("revoke", identifier(key))]
    assert record_of(file).stat().st_mode & 0o077 == 0


def as_from_before(file):
    """The file of keys as it was written when `read` read everything."""
    old = {name: {field: key[field] for field in key if field != "version"} for name, key in read_keys(file).items()}
    file.write_text(json.dumps(old))


def test_a_key_from_before_that_could_read_reads_everything_until_it_is_reviewed(file, tmp_path, capsys):
    reads = add_key(file, "auditor", ["read"], 1)
    decides = add_key(file, "branch", ["decide"], 1)
    as_from_before(file)
    guard = ApiKeyGuard(file)
    assert guard.client({"x-api-key": reads}).scopes == {"read", "read:all"}
    assert guard.client({"x-api-key": decides}).scopes == {"decide"}
    fresh = add_key(file, "new", ["read"], 1)  # writes the file anew, in today's form
    assert ApiKeyGuard(file).client({"x-api-key": fresh}).scopes == {"read"}

    (tmp_path / "configs/deploy").mkdir(parents=True)
    settings = "serving: {access: {mode: keys, keys_file: keys.json}, gate: reported}"
    (tmp_path / "configs/deploy/local.yaml").write_text(settings)
    root = ["--root", str(tmp_path)]
    assert main(["keys", "list", "--json", *root]) == 0
    assert {key["client"]: key["review"] for key in json.loads(capsys.readouterr().out)} == {
        "auditor": True,
        "branch": False,
        "new": False,
    }
    assert main(["keys", "list", *root]) == 0
    assert "1 key is from before" in capsys.readouterr().out
    assert main(["keys", "scopes", identifier(reads), "--scope", "read", *root]) == 0
    guard._looked = 0.0
    assert guard.client({"x-api-key": reads}).scopes == {"read"}
    assert main(["keys", "list", *root]) == 0
    assert "from before" not in capsys.readouterr().out


def test_an_older_copy_of_the_file_does_not_widen_a_key_again(file):
    key = add_key(file, "branch", ["decide", "read", "read:all"], 1)
    shutil.copy2(file, file.with_suffix(".old"))
    change_scopes(file, identifier(key), ["decide"])
    shutil.copy2(file.with_suffix(".old"), file)
    assert ApiKeyGuard(file).client({"x-api-key": key}).scopes == {"decide"}
    with pytest.raises(UsageError, match="there is no key 'x'"):
        change_scopes(file, "x", ["read"])


@pytest.mark.parametrize("spoil", ['{"a": ', "[]", '{"a": {}}', '{"a": 7}', "[" * 100_000, "\udcff"])
@pytest.mark.parametrize("which", ["keys", "record"])
def test_while_the_file_is_spoilt_nobody_is_let_in_and_the_guard_says_so(file, spoil, which):
    key = add_key(file, "branch", ["decide"], 1)
    guard = ApiKeyGuard(file)
    good, path = file.read_bytes(), file if which == "keys" else record_of(file)
    kept = path.read_bytes()
    path.write_text(spoil + "\n", encoding="utf-8", errors="surrogateescape")
    assert status(guard, key) == 503
    with pytest.raises(Problem, match="cannot be read"):
        guard.check()
    path.write_bytes(kept)
    guard._looked = 0.0
    assert guard.client({"x-api-key": key}).name == "branch"
    assert file.read_bytes() == good


def test_a_spoilt_file_is_seen_at_health(serve, tmp_path, application, monkeypatch):
    monkeypatch.setattr(access, "LOOK_AGAIN", 0.0)
    key = add_key(tmp_path / "keys.json", "branch", ["decide"], 1)
    client = serve(access={"mode": "keys", "keys_file": "keys.json"})
    assert client.get("/health").status_code == 200
    (tmp_path / "keys.json").write_text("{")
    assert client.get("/health").status_code == 503
    assert client.post("/decide", json=application, headers={"X-API-Key": key}).status_code == 503


def test_a_file_of_keys_that_is_gone_is_seen_at_health(serve, tmp_path):
    add_key(tmp_path / "keys.json", "branch", ["decide"], 1)
    client = serve(access={"mode": "keys", "keys_file": "keys.json"})
    assert client.get("/health").status_code == 200
    (tmp_path / "keys.json").unlink()
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["detail"]) == (503, "The file of clients' keys is gone.")


@pytest.mark.parametrize(
    "line",
    [
        '"did": "revoke", "at": 1e999',
        '"did": "revoke", "at": NaN',
        '"did": "revoke", "at": "noon"',
        '"did": "scopes", "scopes": [1]',
        '"did": "scopes", "scopes": ["\\ud800"]',
    ],
)
def test_what_the_record_says_of_a_key_is_checked_as_the_file_is(file, line):
    key = add_key(file, "branch", ["decide"], 1)
    guard = ApiKeyGuard(file)
    with record_of(file).open("a") as record:
        record.write(f'{{"id": "{identifier(key)}", {line}}}\n')
    assert status(guard, key) == 503
    with pytest.raises(UsageError, match="is no file of keys"):
        read_keys(file)


def test_a_client_whose_name_is_no_text_that_the_ledger_could_keep_spoils_the_file(file):
    key = add_key(file, "branch", ["decide"], 1)
    file.write_text(file.read_text().replace('"branch"', '"\\ud800"'))
    with pytest.raises(UsageError, match="is no file of keys"):
        ApiKeyGuard(file)
    assert file.read_text().count(identifier(key)) == 1


@pytest.mark.parametrize("which", ["keys", "record"])
def test_a_folder_in_the_place_of_a_file_is_said(file, which):
    add_key(file, "branch", ["decide"], 1)
    path = file if which == "keys" else record_of(file)
    path.unlink()
    path.mkdir()
    with pytest.raises(UsageError, match="is no file of keys"):
        read_keys(file)


@pytest.mark.parametrize("name", ["", " ", " a", "a\n", "a\x00b", "a\x1b[2J", "x" * 201, "\ud800"])
def test_a_name_that_the_ledger_could_not_keep_gets_no_key(file, name):
    with pytest.raises(UsageError, match="visible characters"):
        add_key(file, name, ["decide"], 1)
    assert not file.exists()


@pytest.mark.parametrize("days", [-1, 3_651, 99_999_999_999])
def test_a_key_is_valid_for_a_number_of_days_that_there_are(file, days):
    with pytest.raises(UsageError, match="at most 3,650 days"):
        add_key(file, "branch", ["decide"], days)


def test_a_key_for_a_program_to_read_opens_as_one_for_a_person(tmp_path, capsys):
    (tmp_path / "configs/deploy").mkdir(parents=True)
    (tmp_path / "configs/deploy/local.yaml").write_text("serving: {access: {mode: keys}, gate: reported}")
    words = ["add", "branch", "--scope", "read", "--scope", "decide", "--days", "7", "--json"]
    assert main(["keys", *words, "--root", str(tmp_path)]) == 0
    made = json.loads(capsys.readouterr().out)
    assert main(["keys", "list", "--json", "--root", str(tmp_path)]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (made["client"], made["scopes"], made["days"]) == ("branch", ["decide", "read"], 7)
    assert listed["id"] in made["key"]


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--json"],
        ["revoke", "x"],
        ["add", "branch", "--scope", "decide", "--days", "99999999999"],
        ["add", "", "--scope", "decide"],
    ],
)
def test_commands_on_keys_say_what_is_wrong_in_a_sentence(tmp_path, capsys, words):
    (tmp_path / "configs/deploy").mkdir(parents=True)
    (tmp_path / "configs/deploy/local.yaml").write_text("serving: {access: {mode: keys}, gate: reported}")
    assert main(["keys", *words, "--root", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.strip()
    assert "Traceback" not in said
