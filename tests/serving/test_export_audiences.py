"""Exports: what is in the files, who is held out, and that a folder appears whole."""

import csv
import hashlib
import io
import json
import os
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from orchestration.cli import app
from serving.export import Exported, ExportError, ExportRequest, export_audiences
from serving.export.audiences import _file_stems
from serving.export.holdout import detectable_difference_pct_points, is_held_out
from serving.export.tools import GENERIC_COLUMNS, LAYOUTS
from serving.snapshot import Reading, SnapshotReader
from tests.serving.changed import changed
from warehouse.home import Home

KEPT_IN_THE_SHOP = {"age_years", "gender", "location", "override_reason", "override_author", "override_expires_on"}


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def audience_files(exported: Exported) -> list[Path]:
    return [exported.folder / audience.file_name for audience in exported.audiences if audience.file_name]


# ---- content ----------------------------------------------------------------


def test_every_customer_with_a_segment_is_in_its_file_and_in_no_other(
    reading: Reading, snapshot: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    exported = export_audiences(reading, ExportRequest(), tmp_path)
    written = {
        (row["customer_id"].removeprefix("'"), row["segment"], row["recency_days"], row["frequency"])
        for path in audience_files(exported)
        for row in rows_of(path)
    }
    expected = snapshot.execute(
        "select customer_id, audience_segment, recency_days::varchar, frequency::varchar"
        " from reporting.customer_360 where audience_segment is not null and has_purchases"
    ).fetchall()
    assert written == set(expected)
    assert sum(audience.customers for audience in exported.audiences) == len(expected)


def test_expected_revenue_in_a_currency_without_cents_has_none(published_small: Home, tmp_path: Path) -> None:
    yen = ("update quality.about set value = 'JPY' where name = 'currency'",)
    with changed(published_small, tmp_path, *yen) as opened:
        exported = export_audiences(opened, ExportRequest(), tmp_path / "exports")
    told = [row[name] for path in audience_files(exported) for row in rows_of(path) for name in ("clv", "clv_high")]
    assert all(re.fullmatch(r"\d+|", amount) for amount in told)
    assert "".join(told)


def test_nothing_told_about_a_person_in_free_text_leaves_the_shop(reading: Reading, tmp_path: Path) -> None:
    exported = export_audiences(reading, ExportRequest(), tmp_path)
    header = rows_of(audience_files(exported)[0])[0].keys()
    assert list(header) == list(GENERIC_COLUMNS)
    assert not KEPT_IN_THE_SHOP & {ours for layout in LAYOUTS.values() for _, ours in layout.columns}
    assert not KEPT_IN_THE_SHOP & header


def test_entered_and_left_lists_are_the_changes_since_the_last_publication(
    reading: Reading, snapshot: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = export_audiences(reading, ExportRequest(), tmp_path).folder
    for side, column in (("entered", "to_segment"), ("left", "from_segment")):
        written = sorted(
            row["customer_id"].removeprefix("'") for path in (folder / side).iterdir() for row in rows_of(path)
        )
        expected = snapshot.execute(
            f"select customer_id from reporting.audience_changes where method = 'audience' and {column} is not null"
            " order by 1"
        ).fetchall()
        assert expected, "the fixture should have changes"
        assert written == [row[0] for row in expected]
    assert manifest_of(folder)["changes_compared_with_publication"] == 1


def test_names_that_say_too_much_are_told_with_the_files(published_small: Home, tmp_path: Path) -> None:
    untrue = "update reporting.segment_playbooks set name_note = case segment_name when 'Lost' then 'Not true.' end"
    with changed(published_small, tmp_path, untrue) as opened:
        told = export_audiences(opened, ExportRequest(), tmp_path / "all")
        others = export_audiences(opened, ExportRequest(segments=("Champions",)), tmp_path / "one")
    assert told.names_in_doubt == manifest_of(told.folder)["caveats_of_names"] == ["Lost: Not true."]
    assert others.names_in_doubt == []


def test_a_segment_that_everybody_left_still_has_its_list(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.published.parent.mkdir(parents=True)
    shutil.copy(published_small.published, home.published)
    home.published.chmod(0o644)
    with duckdb.connect(str(home.published)) as connection:
        connection.execute(
            "insert into reporting.audience_changes (customer_id, method, from_segment, to_segment, change,"
            " previous_publication_id) select '77777', 'audience', 'Once Upon', null, 'gone', 1"
        )
    with SnapshotReader(home).reading() as opened:
        exported = export_audiences(opened, ExportRequest(segments=("Once Upon",)), tmp_path / "out")
    assert [(a.segment, a.customers, a.left, a.file_name) for a in exported.audiences] == [("Once Upon", 0, 1, None)]
    assert [row["customer_id"] for row in rows_of(exported.folder / "left" / "once-upon.csv")] == ["77777"]


def test_parquet_jsonl_and_csv_say_the_same(reading: Reading, tmp_path: Path) -> None:
    by_format = {}
    for name in ("csv", "parquet", "jsonl"):
        exported = export_audiences(reading, ExportRequest(file_format=name), tmp_path / name)
        source = {
            "csv": "read_csv('{}', all_varchar = true, header = true)",
            "parquet": "read_parquet('{}')",
            "jsonl": "read_json('{}', format = 'newline_delimited', columns = {{customer_id: 'varchar', clv: 'double',"
            " last_purchase_date: 'date', is_holdout: 'boolean'}})",
        }[name]
        by_format[name] = [
            row
            for path in audience_files(exported)
            for row in duckdb.sql(
                "select ltrim(customer_id, ''''), clv::double, last_purchase_date::date, is_holdout::boolean from "
                + source.format(path)
            ).fetchall()
        ]
    # one hostile id begins with an apostrophe only in CSV, where a spreadsheet would run it
    assert by_format["csv"] == by_format["parquet"] == by_format["jsonl"]
    assert len(by_format["csv"]) > 50


def test_an_id_that_a_spreadsheet_would_run_is_disarmed_in_csv_alone_and_counted(
    reading: Reading, tmp_path: Path, snapshot: duckdb.DuckDBPyConnection
) -> None:
    risky = snapshot.execute(
        "select count(*) from reporting.customer_360 where audience_segment is not null and has_purchases"
        " and regexp_matches(customer_id, '^\\s*[=+@-]')"
    ).fetchone()[0]
    assert risky > 0
    exported = export_audiences(reading, ExportRequest(), tmp_path)
    assert exported.disarmed_ids == risky
    for path in exported.folder.rglob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"))):
            assert not any(re.match(r"^[=@]|^[+-](?![\d.]+$)", cell) for cell in row)
    assert export_audiences(reading, ExportRequest(file_format="jsonl"), tmp_path / "j").disarmed_ids == 0


def test_an_unknown_segment_is_refused_with_those_that_there_are(reading: Reading, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"audience has no segment 'Martians'; it has .*,"):
        export_audiences(reading, ExportRequest(segments=("Martians",)), tmp_path)
    assert not list(tmp_path.iterdir())


# ---- hold-out ---------------------------------------------------------------


def test_the_draw_is_the_documented_hash() -> None:
    drawn = int(hashlib.sha256(b"spring sale\x0012347").hexdigest()[:16], 16) / 2**64
    for pct in range(51):
        assert is_held_out("Spring  Sale", "12347", pct) == (drawn < pct / 100)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 49))
def test_a_smaller_holdout_is_part_of_a_larger(campaign: str, customer: str, pct: int) -> None:
    assert not is_held_out(campaign, customer, pct) or is_held_out(campaign, customer, pct + 1)


def test_draws_have_the_share_asked_for_and_campaigns_draw_independently() -> None:
    ids = [str(number) for number in range(20_000)]
    one = {i for i in ids if is_held_out("one", i, 10)}
    two = {i for i in ids if is_held_out("two", i, 10)}
    # four standard deviations: 4·√(20000·0.1·0.9) = 170, and 4·√(20000·0.01·0.99) = 56 for both
    assert abs(len(one) - 2_000) < 170
    assert abs(len(one & two) - 200) < 56


def test_the_smallest_difference_that_shows_follows_the_textbook() -> None:
    # by hand: (1.959964+0.841621)·√(0.09·(1/900+1/100)) = 2.801585·0.0316228 = 8.859 %
    assert detectable_difference_pct_points(900, 100) == 8.9
    assert detectable_difference_pct_points(900, 0) is None


def test_another_export_of_the_campaign_holds_out_the_same_customers(reading: Reading, tmp_path: Path) -> None:
    def held_out(request: ExportRequest, parent: str) -> set[str]:
        exported = export_audiences(reading, request, tmp_path / parent)
        return set(exported.members.loc[exported.members["is_holdout"], "customer_id"])

    by_kmeans = held_out(ExportRequest(campaign="Spring", holdout_pct=30), "a")
    by_rfm = held_out(ExportRequest(campaign=" spring", holdout_pct=30, method="rfm"), "b")
    assert by_kmeans == by_rfm
    assert by_kmeans
    assert by_kmeans != held_out(ExportRequest(campaign="Autumn", holdout_pct=30), "c")
    assert held_out(ExportRequest(campaign="Spring", holdout_pct=0), "d") == set()


@pytest.mark.parametrize("tool", sorted(LAYOUTS))
def test_a_tools_files_have_its_columns_and_nobody_who_is_held_out(reading: Reading, tmp_path: Path, tool: str) -> None:
    exported = export_audiences(reading, ExportRequest(layout=tool, holdout_pct=30), tmp_path)
    layout = LAYOUTS[tool]
    held_out = {row["customer_id"] for row in rows_of(exported.folder / "groups.csv") if row["is_holdout"] == "True"}
    assert held_out
    addressed = 0
    for path in audience_files(exported):
        assert not path.read_bytes().startswith(b"\xef\xbb\xbf")
        rows = rows_of(path)
        addressed += len(rows)
        for row in rows:
            assert list(row) == [header for header, _ in layout.columns]
            assert row[layout.key_column] not in held_out
            assert all(row[header] == "" for header, ours in layout.columns if ours is None)
    assert addressed == sum(audience.in_campaign for audience in exported.audiences)
    told = manifest_of(exported.folder)["tool"]
    assert (told["documentation"], told["what_to_add"]) == (layout.source, layout.what_to_add)


# ---- the folder -------------------------------------------------------------


def test_equal_requests_give_equal_bytes_and_the_manifest_lists_them(reading: Reading, tmp_path: Path) -> None:
    for file_format in ("csv", "parquet", "jsonl"):
        request = ExportRequest(file_format=file_format, campaign="Übung/../x")
        one = export_audiences(reading, request, tmp_path / file_format / "one").folder
        two = export_audiences(reading, request, tmp_path / file_format / "two").folder
        assert one.name == two.name == "2-ubung-x"
        assert files_of(one) == files_of(two)
        listed = manifest_of(one)["files"]
        content = files_of(one)
        del content["manifest.json"]
        assert {name: hashlib.sha256(data).hexdigest() for name, data in content.items()} == {
            name: entry["sha256"] for name, entry in listed.items()
        }


def test_an_export_that_stands_there_is_kept_unless_replaced_on_purpose(reading: Reading, tmp_path: Path) -> None:
    request = ExportRequest(campaign="x")
    first = export_audiences(reading, request, tmp_path)
    assert not first.is_unchanged
    assert export_audiences(reading, request, tmp_path).is_unchanged

    other = ExportRequest(campaign="x", holdout_pct=20)
    before = files_of(first.folder)
    with pytest.raises(ExportError, match="--overwrite"):
        export_audiences(reading, other, tmp_path)
    assert files_of(first.folder) == before
    (first.folder / "stray.txt").write_text("of an older version")
    export_audiences(reading, other, tmp_path, overwrite=True)
    assert manifest_of(first.folder)["holdout"]["pct"] == 20
    assert not (first.folder / "stray.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == [first.folder.name]


def test_an_interrupted_export_leaves_the_old_one_whole(
    reading: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = export_audiences(reading, ExportRequest(campaign="x"), tmp_path).folder
    before = files_of(folder)

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        export_audiences(reading, ExportRequest(campaign="x", holdout_pct=20), tmp_path, overwrite=True)
    assert files_of(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_an_export_that_can_not_be_put_in_place_gives_the_old_one_back(
    reading: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = export_audiences(reading, ExportRequest(campaign="x"), tmp_path).folder
    before = files_of(folder)
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(PermissionError):
        export_audiences(reading, ExportRequest(campaign="x", holdout_pct=20), tmp_path, overwrite=True)
    assert files_of(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_segments_whose_names_clash_get_files_of_their_own() -> None:
    stems = _file_stems(["At Risk", "At-Risk", "Groups", "常連", "../../etc"])
    assert len(set(stems.values())) == 5
    assert "groups" not in stems.values()
    assert all(re.fullmatch(r"[a-z0-9-]+", stem) for stem in stems.values())


# ---- the command ------------------------------------------------------------


def test_the_command_prints_what_it_wrote(published_small: Home, tmp_path: Path) -> None:
    arguments = ["export", "--home", str(published_small.root), "--output", str(tmp_path), "--for", "brevo"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "EXT_ID" in done.output
    assert str(tmp_path / "2-audience-brevo") in done.output.replace("\n", "")
    for audience in manifest_of(tmp_path / "2-audience-brevo")["audiences"]:
        assert re.search(
            rf"{audience['segment']} +{audience['customers']:,} +{audience['in_campaign']:,} ", done.output
        )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--method", "astrology"], "There is no method 'astrology'"),
        (["--for", "brevo", "--format", "parquet"], "Brevo reads CSV"),
        (["--webhook", "https://example.invalid/x"], "Set REGULARS_WEBHOOK_SECRET"),
        (["--webhook", "http://example.invalid/x"], "not encrypted"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(
    published_small: Home, tmp_path: Path, arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if says == "not encrypted":
        monkeypatch.setenv("REGULARS_WEBHOOK_SECRET", "k" * 32)
    done = CliRunner().invoke(
        app, ["export", "--home", str(published_small.root), "--output", str(tmp_path / "out"), *arguments]
    )
    assert done.exit_code != 0
    assert says in done.output
    assert not (tmp_path / "out").exists()


def test_nothing_published_says_what_to_run(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", "--home", str(tmp_path)])
    assert done.exit_code == 1
    assert "regulars refresh" in done.output
