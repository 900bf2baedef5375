"""Commands that change what others see, or take it away, are remembered with who gave them."""

import getpass
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from warehouse.audit import record
from warehouse.home import Home


def told_of(home: Home) -> list[tuple[str, str, str, str]]:
    lines = [line for path in home.audit.glob("*.jsonl") for line in path.read_text().splitlines()]
    return [(told["who"], told["action"], told["what"], told["outcome"]) for told in map(json.loads, lines)]


def test_commands_are_recorded_before_they_begin_and_when_they_end(published_home: Home, tmp_path: Path) -> None:
    def ends_with(*arguments: str) -> int:
        return CliRunner().invoke(app, [*arguments, "--home", str(published_home.root)]).exit_code

    book = tmp_path / "book.csv"
    book.write_text("Email,Customer ID\nann@example.com,10000\n")
    assert ends_with("export", "--method", "rfm", "--for", "mailchimp", "--contacts", str(book)) == 0
    assert ends_with("export", "--method", "rfm") == 0
    assert ends_with("backup", str(tmp_path / "kept")) == 0
    assert ends_with("rollback", "--to", "7") == 1
    user = f"user {getpass.getuser()}"
    *done, refused = told_of(published_home)
    assert done == [
        (user, "export", "rfm for mailchimp with contacts", "begun"),
        (user, "export", "rfm for mailchimp with contacts", "done"),
        (user, "backup", str(tmp_path / "kept"), "begun"),
        (user, "backup", str(tmp_path / "kept"), "done"),
        (user, "rollback", "publication 7", "begun"),
    ]
    assert refused[:3] == (user, "rollback", "publication 7")
    assert refused[3].startswith("failed: ")
    # what happened goes with the home wherever that goes
    assert told_of(Home(tmp_path / "kept"))[0] == done[0]


def test_a_home_that_does_not_exist_is_not_made_by_being_named(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["backup", str(tmp_path / "kept"), "--home", str(tmp_path / "typo")]).exit_code != 0
    assert list(tmp_path.iterdir()) == []


def test_lines_are_only_ever_added(tmp_path: Path) -> None:
    home = Home(tmp_path)
    record(home, who="ann", action="download", what="a.csv", outcome="done")
    (path,) = home.audit.iterdir()
    first = path.read_bytes()
    record(home, who="=cmd\n", action="download", what="x" * 9_000, outcome="done")
    assert path.read_bytes().startswith(first)
    # whatever stands in it, a line is one
    assert [who for who, *_ in told_of(home)] == ["ann", "=cmd\n"]


@pytest.mark.parametrize("name", ["Ann", "a__b", "a_", "", "a b", "a" * 41])
def test_a_token_is_called_as_a_variable_can_be(name: str) -> None:
    from pydantic import ValidationError

    from warehouse.settings import Token

    with pytest.raises(ValidationError):
        Token(name=name)
