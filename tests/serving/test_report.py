"""The PDF: that it says what the snapshot says, and that it is well made."""

import ctypes
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import duckdb
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from serving.filters import Filters
from serving.report import build_report
from serving.report.content import report_content
from serving.snapshot import SnapshotReader
from tests.serving.changed import changed
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.small_files import write_whole
from warehouse.wording import count, day, money, short_money

LONG = "Customers#set page(fill: red) *who* `x` " + "Extraordinarily" * 12


def report_of(home: Home, filters: Filters | None = None) -> bytes:
    with SnapshotReader(home).reading() as reading:
        return build_report(reading, filters or Filters())


def pages_of(document: bytes) -> list[str]:
    """The text of each page, its lines joined, as a reader's search sees it."""
    opened = pypdfium2.PdfDocument(document)
    try:
        texts = [page.get_textpage().get_text_bounded() for page in opened]
    finally:
        opened.close()
    # pdfium marks a word that was hyphenated with a control character; zero-width spaces let long names wrap
    return [re.sub(r"\s+", " ", re.sub("\ufffe|\x02|\u200b", "", text)) for text in texts]


def squeezed(text: str) -> str:
    """Without spaces, hyphens and breaks, which depend on where a line ends."""
    return re.sub(r"[\s\u00ad\u200b-]+", "", text)


@pytest.fixture(scope="module")
def document(published_small: Home) -> bytes:
    return report_of(published_small)


@pytest.fixture(scope="module")
def pages(document: bytes) -> list[str]:
    return pages_of(document)


@pytest.fixture
def copied(published_small: Home, tmp_path: Path) -> Home:
    home = Home(tmp_path / "copy")
    home.published.parent.mkdir(parents=True)
    shutil.copy(published_small.published, home.published)
    home.published.chmod(0o644)
    return home


# ---- what it says -----------------------------------------------------------


def test_the_cover_tells_the_snapshots_own_totals(pages: list[str], snapshot: duckdb.DuckDBPyConnection) -> None:
    first, last, gross, net = snapshot.execute(
        "select min(date), max(date), sum(gross_revenue), sum(net_revenue) from marts.fct_daily_revenue"
    ).fetchone()
    customers, once, mean = snapshot.execute(
        "select count(*), count(*) filter (customer_type = 'one_time'), avg(monetary_net::double)"
        " from marts.customer_rfm"
    ).fetchone()
    assert f"{day(first)} to {day(last)}" in pages[0]
    assert f"Customers {count(customers)} " in pages[0]
    assert f"Gross revenue {short_money(gross, 'GBP')} " in pages[0]
    assert f"Net revenue {short_money(net, 'GBP')} " in pages[0]
    assert f"One-time customers {count(once)} " in pages[0]
    assert f"Money, mean {short_money(mean, 'GBP')} " in pages[0]


def test_every_fate_of_a_line_is_told_to_the_penny(pages: list[str], snapshot: duckdb.DuckDBPyConnection) -> None:
    rows = snapshot.execute(
        "select disposition, if(is_kept, 'yes', 'no'), row_count, gross_amount from marts.row_accounting"
    ).fetchall()
    # as on Data health
    names = {
        "unreadable": "Unreadable",
        "duplicate": "Repeats",
        "not_a_sale": "Not sales",
        "adjustment": "Adjustments",
        "non_product": "Not products",
        "return": "Returns",
        "non_positive_quantity": "No units sold",
        "non_positive_price": "Given away",
        "sale": "Sales",
    }
    # warnings may take it over the page
    health = " ".join(pages[-2:])
    # every disposition but that of an as-of date, which was not asked for
    assert len(rows) == 9
    for disposition, kept, lines, amount in rows:
        assert f"{names[disposition]} {kept} {count(lines)} {money(amount, 'GBP', pence=True)} " in health
    delivered = snapshot.execute("select sum(row_count), sum(gross_amount) from marts.row_accounting").fetchone()
    assert f"Delivered {count(delivered[0])} {money(delivered[1], 'GBP', pence=True)}" in health


def test_segments_have_their_size_and_money(pages: list[str], snapshot: duckdb.DuckDBPyConnection) -> None:
    rows = snapshot.execute(
        "select rfm_segment, count(*), avg(monetary::double), avg(clv) from reporting.customer_360"
        " where has_purchases group by all"
    ).fetchall()
    assert len(rows) > 1
    for segment, customers, mean, clv in rows:
        assert re.search(
            rf"{segment} {count(customers)} .*?{re.escape(money(mean, 'GBP'))} .*?{re.escape(money(clv, 'GBP'))}",
            pages[2],
        )


def test_who_entered_and_left_is_counted(pages: list[str], snapshot: duckdb.DuckDBPyConnection) -> None:
    rows = snapshot.execute(
        "with named as (select distinct unnest([from_segment, to_segment]) as segment from reporting.audience_changes"
        " where method = 'rfm') select segment, count(*) filter (c.to_segment = segment),"
        " count(*) filter (c.from_segment = segment) from named, reporting.audience_changes as c"
        " where c.method = 'rfm' and segment is not null group by segment"
    ).fetchall()
    assert rows
    for segment, entered, left in rows:
        assert re.search(rf"{segment} {entered} \d+ {left} \d+", " ".join(pages[2:4]))


def test_odd_days_are_told_with_their_cause(pages: list[str], snapshot: duckdb.DuckDBPyConnection) -> None:
    rows = snapshot.execute("select date, cause from ml.revenue_anomalies where series = 'total' order by 1").fetchall()
    assert rows
    for at, cause in rows:
        assert day(at) in pages[1]
        assert squeezed(cause) in squeezed(pages[1])


def test_every_segment_has_its_playbook(pages: list[str], snapshot: duckdb.DuckDBPyConnection) -> None:
    rows = snapshot.execute(
        "select segment_name, summary, strategy, measure_how from reporting.segment_playbooks where method = 'rfm'"
    ).fetchall()
    told = squeezed("".join(pages[3:-1]))
    for texts in rows:
        assert all(squeezed(text) in told for text in texts)


def test_caveats_stand_where_customer_value_is_shown(pages: list[str], snapshot: duckdb.DuckDBPyConnection) -> None:
    warnings = snapshot.execute(
        "select warnings from reporting.model_notes where is_about_customer_value and has_warnings"
    )
    found = warnings.fetchall()
    assert found
    for (warning,) in found:
        assert squeezed(warning) in squeezed(" ".join(pages[2:4]))
        assert squeezed(warning) in squeezed(" ".join(pages[-2:]))
    assert "Read the caveats on expected revenue" in pages[0]
    (playbooks,) = (page for page in pages if "What to do" in page)
    assert "read the caveat under" in playbooks


@pytest.mark.real_data
def test_the_public_data_come_out_as_measured(published_real: Home) -> None:
    pages = pages_of(report_of(published_real))
    assert "1 Dec 2010 to 9 Dec 2011" in pages[0]
    # see the facts in docs: delivered lines, exact repeats and the net of all lines
    assert "Delivered 541,909 £9,747,747.93" in pages[-1]
    assert "Repeats no 5,268 £21,740.98" in pages[-1]
    assert len(pages) == 7


@pytest.mark.parametrize(
    "loss",
    [
        "delete from marts.fct_invoice_lines where line_id = (select min(line_id) from marts.fct_invoice_lines)",
        "update marts.fct_invoice_lines set net_revenue = net_revenue - 0.01 "
        "where line_id = (select min(line_id) from marts.fct_invoice_lines)",
    ],
    ids=["a line", "a penny"],
)
def test_lines_and_money_add_up_only_where_both_do(published_small: Home, tmp_path: Path, loss: str) -> None:
    with changed(published_small, tmp_path, loss) as reading:
        told = report_content(reading, Filters())["accounting_about"]
    assert "do not add up" in told
    with SnapshotReader(published_small).reading() as reading:
        assert "lines and money add up" in report_content(reading, Filters())["accounting_about"]


def test_frequency_and_money_are_named_by_the_settings_that_made_them(published_small: Home, tmp_path: Path) -> None:
    with SnapshotReader(published_small).reading() as reading:
        assert "counts orders, money is net of returns" in report_content(reading, Filters())["profiles_about"]
    # each order has one line and nothing ever came back, so that the figures themselves would tell neither
    with changed(
        published_small,
        tmp_path,
        "update reporting.customer_360 set frequency = invoice_count, monetary = monetary_net",
        "update quality.about set value = 'lines' where name = 'rfm_frequency'",
        "update quality.about set value = 'gross' where name = 'rfm_monetary'",
    ) as reading:
        assert "counts order lines, money is before returns" in report_content(reading, Filters())["profiles_about"]


def test_a_snapshot_of_an_older_version_says_what_to_do(published_small: Home, tmp_path: Path) -> None:
    with (
        pytest.raises(RegularsError, match="does not tell its rfm_frequency: an older version made it"),
        changed(published_small, tmp_path, "delete from quality.about where name = 'rfm_frequency'"),
    ):
        pass


# ---- views and empty states ---------------------------------------------------


def test_filters_are_told_and_obeyed(published_small: Home, snapshot: duckdb.DuckDBPyConnection) -> None:
    filters = Filters(countries=("France",), start=date(2024, 3, 1), end=date(2024, 6, 30))
    pages = pages_of(report_of(published_small, filters))
    net = snapshot.execute(
        "select sum(net_revenue) from marts.fct_invoice_lines"
        " where country = 'France' and invoice_date between '2024-03-01' and '2024-06-30'"
    ).fetchone()[0]
    assert "Filtered: countries France; from 1 Mar 2024 to 30 Jun 2024." in pages[0]
    assert f"Net revenue {short_money(net, 'GBP')} " in pages[0]


def test_what_of_a_link_could_not_be_used_is_told(published_small: Home) -> None:
    pages = pages_of(report_of(published_small, Filters.from_query("from=yesterday")))
    assert "Not understood: from = 'yesterday' is not a day" in pages[0]


def test_a_segment_filter_leaves_one_playbook(published_small: Home, snapshot: duckdb.DuckDBPyConnection) -> None:
    names = [row[0] for row in snapshot.execute("select distinct rfm_segment from reporting.customer_360").fetchall()]
    one, *others = sorted(name for name in names if name)
    pages = pages_of(report_of(published_small, Filters(segments=(one,))))
    assert f"Filtered: RFM segments: {one}." in pages[0]
    assert f" {one} " in pages[3]
    assert not [name for name in others if f" {name} " in pages[3]]


def test_a_view_that_nobody_fits_says_so_on_every_page(published_small: Home) -> None:
    pages = pages_of(report_of(published_small, Filters(countries=("Nowhere",))))
    assert "No sale fits these filters." in pages[0]
    assert pages[1].count("No sale fits these filters.") == 2
    assert "No unusual day or week in this time." in pages[1]
    assert "No sale fits these filters." in pages[2]


def test_every_method_can_be_reported(published_small: Home, snapshot: duckdb.DuckDBPyConnection) -> None:
    names = snapshot.execute(
        "select distinct kmeans_segment from reporting.customer_360 where has_purchases"
    ).fetchall()
    text = " ".join(pages_of(report_of(published_small, Filters(method="kmeans"))))
    assert "Clusters by k-means." in text
    # what is said of playbooks elsewhere is said of their absence, and not of sales
    assert "expected is the net revenue of the next 180 days" in text
    assert "there is none for clusters" in text
    assert "No sale fits these filters." not in text
    assert all(name in text for (name,) in names)


def test_names_are_never_markup_and_stay_on_the_page(copied: Home) -> None:
    with duckdb.connect(str(copied.published)) as connection:
        segment = connection.execute("select min(rfm_segment) from reporting.customer_360").fetchone()[0]
        for table, column in (
            ("reporting.customer_360", "rfm_segment"),
            ("reporting.segment_playbooks", "segment_name"),
            ("reporting.audience_changes", "to_segment"),
        ):
            connection.execute(f"update {table} set {column} = ? where {column} = ?", [LONG, segment])
        connection.execute(
            "update reporting.segment_playbooks set who = ? where segment_name = ?",
            ["= No heading #panic() $x$ <label> @reference " + "w" * 400, LONG],
        )
    document = report_of(copied)
    told = squeezed("".join(pages_of(document)))
    assert squeezed(LONG) in told
    assert squeezed("= No heading #panic() $x$ <label> @reference " + "w" * 400) in told
    opened = pypdfium2.PdfDocument(document)
    for page in opened:
        text = page.get_textpage()
        for index in range(text.count_chars()):
            left, _, right, _ = text.get_charbox(index)
            assert left >= 0
            # the page is 595 points wide, its margin 51
            assert right <= 595 - 45
    opened.close()


def test_without_customer_value_the_report_is_whole(copied: Home) -> None:
    with duckdb.connect(str(copied.published)) as connection:
        connection.execute("update reporting.customer_360 set clv = null, clv_horizon_days = null, p_alive = null")
        connection.execute("update reporting.model_notes set has_warnings = false, warnings = null")
        connection.execute("delete from ml.revenue_anomalies")
        connection.execute("delete from reporting.audience_changes")
    pages = pages_of(report_of(copied))
    assert "Expected revenue, mean –" in pages[0]
    assert "No unusual day or week in this time." in pages[1]
    assert "caveat" not in "".join(pages)
    assert "Who entered and left" not in "".join(pages)


# ---- how it is made ---------------------------------------------------------


def test_equal_snapshots_give_equal_bytes(published_small: Home, document: bytes, tmp_path: Path) -> None:
    target = tmp_path / "again.pdf"
    # another process, with another seed for the order of sets
    subprocess.run(
        [
            sys.executable,
            "-m",
            "orchestration.cli",
            "report",
            "--home",
            str(published_small.root),
            "--output",
            str(target),
        ],
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": str(tmp_path)},
    )
    assert target.read_bytes() == document


def test_reports_made_at_the_same_time_are_equal(published_small: Home, document: bytes) -> None:
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: report_of(published_small), range(3)))
    assert all(one == document for one in made)


def test_it_is_tagged_and_titled_with_a_language_and_the_publications_date(
    document: bytes, published_small: Home
) -> None:
    with SnapshotReader(published_small).reading() as reading:
        published_at = reading.about.published_at
    opened = pypdfium2.PdfDocument(document)
    told = opened.get_metadata_dict()
    assert told["Title"] == "Customer value report"
    assert told["CreationDate"].startswith(f"D:{published_at:%Y%m%d%H%M%S}")
    assert pdfium.FPDFCatalog_IsTagged(opened.raw)
    assert [entry.get_title() for entry in opened.get_toc()][:2] == ["Customer value report", "In short"]
    opened.close()
    assert b"<pdfuaid:part>1</pdfuaid:part>" in document
    assert re.search(rb"/Lang\s?\(en-GB\)", document)


def test_fonts_are_embedded_and_charts_are_no_pictures(document: bytes) -> None:
    opened = pypdfium2.PdfDocument(document)
    fonts, kinds = set(), set()
    for page in opened:
        for item in page.get_objects(max_depth=15):
            kinds.add(item.type)
            if item.type == pdfium.FPDF_PAGEOBJ_TEXT:
                font = pdfium.FPDFTextObj_GetFont(item.raw)
                name = ctypes.create_string_buffer(200)
                pdfium.FPDFFont_GetBaseFontName(font, name, 200)
                fonts.add((name.value.decode().partition("+")[2], pdfium.FPDFFont_GetIsEmbedded(font)))
    opened.close()
    assert {embedded for _, embedded in fonts} == {1}
    assert {name.partition("-")[0] for name, _ in fonts} == {"LibertinusSerif", "DejaVuSans"}
    assert pdfium.FPDF_PAGEOBJ_IMAGE not in kinds
    assert pdfium.FPDF_PAGEOBJ_PATH in kinds


def test_the_charts_months_are_text(pages: list[str]) -> None:
    # drawn by matplotlib as text, and set in the report's own fonts
    for name in ("Jan 2024", "Feb", "Mar", "Apr", "unusual days", "existing"):
        assert name in pages[1]


def test_a_small_shop_fits_nine_pages(pages: list[str]) -> None:
    # three of them for the playbooks of eleven segments
    assert len(pages) <= 9
    assert f"{len(pages)} / {len(pages)}" in pages[-1]


def test_a_former_report_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "reports" / "report.pdf"
    write_whole(target, b"one")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("warehouse.small_files.os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_whole(target, b"two")
    assert target.read_bytes() == b"one"
    assert list(target.parent.iterdir()) == [target]


def test_the_command_names_the_file_it_wrote(published_small: Home, tmp_path: Path) -> None:
    target = tmp_path / "value.pdf"
    done = CliRunner().invoke(app, ["report", "--home", str(published_small.root), "--output", str(target)])
    assert done.exit_code == 0, done.output
    assert str(target) in done.output.replace("\n", "")
    assert target.read_bytes().startswith(b"%PDF-")

    wrong = CliRunner().invoke(app, ["report", "--home", str(published_small.root), "--method", "astrology"])
    assert wrong.exit_code == 2
    assert "There is no method 'astrology'" in wrong.output
