"""`credit-risk roles`: the policy as a table, and as JSON."""

import json
from pathlib import Path

from credit_risk.cli import main

ROOT = ["--root", str(Path(__file__).parents[2])]


def test_the_table_says_what_each_role_may_there(capsys):
    assert main(["roles", "--environment", "production", *ROOT]) == 0
    printed = capsys.readouterr().out
    assert "may, in production" in printed
    row = next(line for line in printed.splitlines() if " privacy " in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["privacy", "erase, purge, read, export", "nobody"]


def test_a_developers_machine_says_that_it_asks_nobody(capsys):
    assert main(["roles", "--json", *ROOT]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["environment"], printed["asks_nobody"]) == ("local", True)
    assert printed["roles"][-1] == {"role": "validator", "may": ["approve"], "who": []}
