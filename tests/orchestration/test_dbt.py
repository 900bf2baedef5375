"""The dbt project is parsed when it changed, and not again for each process."""

import json
import shutil
from pathlib import Path

import pytest

from orchestration import dbt
from warehouse.home import Home
from warehouse.settings import Settings


@pytest.fixture
def parsed_anew(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Calls of dbt's parser; what this process has parsed before is forgotten."""
    calls: list[list[str]] = []

    def watched(home: Home, arguments: list[str], really=dbt._invoke, **how: object) -> object:
        if arguments[0] == "parse":
            calls.append(arguments)
        return really(home, arguments, **how)

    monkeypatch.setattr(dbt, "_invoke", watched)
    monkeypatch.setattr(dbt, "_parsed", {})
    return calls


def another_process() -> None:
    dbt._parsed.clear()


def test_a_process_takes_the_parsed_project_over_and_notices_every_change_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parsed_anew: list[list[str]]
) -> None:
    project = Path(shutil.copytree(dbt.DBT_PROJECT, tmp_path / "dbt_project"))
    monkeypatch.setattr(dbt, "DBT_PROJECT", project)
    home = Home(tmp_path / "home")
    told = dbt.load_manifest(home)
    assert len(parsed_anew) == 1
    fresh = dbt._parse(home)

    another_process()
    assert dbt.load_manifest(home) == told
    kept = dbt._parse(home)
    assert len(parsed_anew) == 1
    assert kept is not fresh
    # the same to the last word, but for when and by which call it was made
    assert kept.flat_graph == fresh.flat_graph
    plain = [json.loads(json.dumps(one.writable_manifest().to_dict(), default=str)) for one in (fresh, kept)]
    for one in plain:
        del one["metadata"]
    assert plain[0] == plain[1]

    def change(name: str, old: str, new: str) -> int:
        path = project / name
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new, 1))
        another_process()
        before = len(parsed_anew)
        dbt._parse(home)
        return len(parsed_anew) - before

    assert change("models/marts/dim_customers.sql", "select", "select /* changed */") == 1
    assert change("profiles.yml", "threads", "# changed\n      threads") == 1
    # of another process's change only the stamp tells
    assert dbt._is_kept(home) is False
    dbt.load_manifest(home)
    assert dbt._is_kept(home)
    monkeypatch.setattr(dbt, "_dbt_versions", lambda: "dbt-core 99.0")
    assert not dbt._is_kept(home)


@pytest.mark.parametrize("content", [b"", b"\xff\x00{"])
def test_what_a_power_cut_left_of_the_kept_files_is_made_anew(
    tmp_path: Path, parsed_anew: list[list[str]], content: bytes
) -> None:
    home = Home(tmp_path / "home")
    told = dbt.load_manifest(home)
    variables = {**dbt.project_vars(Settings.model_construct(), "2011-03-01"), "export_formats": []}
    compiled = dbt.compile_models(home, ["int_snapshot"], variables)
    files = [home.dbt / name for name in ("manifest.json", "manifest.msgpack", "manifest.fingerprint")]
    for expected, path in enumerate(files, start=2):
        path.write_bytes(content)
        another_process()
        # the same models; when it was made differs
        assert dbt.load_manifest(home)["nodes"].keys() == told["nodes"].keys()
        assert dbt._parse(home).nodes.keys() == told["nodes"].keys()
        assert len(parsed_anew) == expected, path.name
    (home.dbt / "compiled.json").write_bytes(content)
    assert dbt.compile_models(home, ["int_snapshot"], variables) == compiled


def test_what_was_compiled_is_kept_until_the_project_or_a_var_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parsed_anew: list[list[str]]
) -> None:
    project = Path(shutil.copytree(dbt.DBT_PROJECT, tmp_path / "dbt_project"))
    monkeypatch.setattr(dbt, "DBT_PROJECT", project)
    home = Home(tmp_path / "home")
    calls: list[str] = []

    def watched(home: Home, arguments: list[str], really=dbt._invoke, **how: object) -> object:
        calls.append(arguments[0])
        return really(home, arguments, **how)

    monkeypatch.setattr(dbt, "_invoke", watched)

    def compiled(as_of_date: str) -> str:
        variables = {**dbt.project_vars(Settings.model_construct(), as_of_date), "export_formats": []}
        (sql,) = dbt.compile_models(home, ["int_snapshot"], variables).values()
        return sql

    first = compiled("2011-03-01")
    assert "cast('2011-03-01' as date)" in first
    assert calls.count("compile") == 1
    assert compiled("2011-03-01") == first
    assert calls.count("compile") == 1
    assert "cast('2011-04-01' as date)" in compiled("2011-04-01")
    assert calls.count("compile") == 2
    model = project / "models/intermediate/int_snapshot.sql"
    model.write_text(model.read_text() + "-- changed\n")
    assert compiled("2011-04-01").endswith("-- changed")
    assert calls.count("compile") == 3
