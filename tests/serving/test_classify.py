"""Uploaded files get the labels of the warehouse, by the warehouse's own SQL."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import xlsxwriter

from serving.classify import Classification, Classifier, UploadLimits
from serving.classify.errors import NoRecipeError, UnreadableUploadError
from serving.classify.results import rows_of
from tests.homes import build_once, regulars_refresh, shared_folder
from tests.tiny_shop import HEADER, deliver, small_history
from warehouse.home import Home

METHODS = ("kmeans", "hierarchical", "mixture")


def in_one(files: list[Path], target: Path) -> Path:
    """Several CSV files of one header as one."""
    first, *others = (path.read_bytes().splitlines(keepends=True) for path in files)
    target.write_bytes(b"".join([*first, *(line for lines in others for line in lines[1:])]))
    return target


def sales_files(home: Home) -> list[Path]:
    return sorted(path for path in home.landing.glob("*.csv") if path.name[0].isdigit())


def ask(home: Home, sql: str) -> pd.DataFrame:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(sql).df()


def labels_of_the_warehouse(home: Home, method: str) -> list[tuple[object, ...]]:
    """What the snapshot says of every customer, by SQL of this test's own."""
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(
            f"""
            select s.customer_id, s.{method}_label, s.{method}_segment,
                r.recency_days, r.frequency, r.monetary, s.has_positive_monetary
            from ml.customer_segments as s join marts.customer_rfm as r on s.customer_id = r.customer_id
            order by s.customer_id
            """
        ).fetchall()


def labels_given(done: Classification) -> list[tuple[object, ...]]:
    return [
        (
            row["customer_id"],
            row["predicted_cluster_id"],
            row["cluster_name"],
            row["recency_days"],
            row["frequency"],
            # four decimals are what the warehouse keeps
            Decimal(repr(row["monetary"])).quantize(Decimal("0.0001")),
            row["has_positive_monetary"],
        )
        for row in rows_of(done.customers)
    ]


def variant(folder: Path, name: str, settings: dict[str, str], *arguments: str) -> Home:
    """The tiny shop refreshed under other settings."""

    def build(home: Home) -> None:
        history = small_history()
        # equal lines, a return, and somebody who gave everything back
        day = min(history)
        history[day] += history[day].splitlines(keepends=True)[1]
        history["2024-01-03.csv"] += (
            "900001,20001,ITEM 20001 MUG,3,2024-01-03 10:00:00,2.00,20001.0,France\n"
            "C900002,20001,ITEM 20001 MUG,-3,2024-01-03 11:00:00,2.00,20001.0,France\n"
            "C900003,20002,ITEM 20002,-1,2024-01-03 11:00:00,2.00,20002.0,France\n"
        )
        deliver(home.landing, history)
        regulars_refresh(home, *arguments, settings=settings)

    return build_once(folder, name, build)


@pytest.fixture(scope="session")
def home_of_other_settings(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Everything that customers are measured by turned the other way, with all extra features."""
    settings = {
        "REGULARS_CLEANING__EXACT_DUPLICATES": "keep",
        "REGULARS_RFM__MONETARY": "gross",
        "REGULARS_RFM__FREQUENCY": "lines",
        "REGULARS_RFM__SNAPSHOT": "last",
        "REGULARS_RFM__RECENCY": "elapsed",
        "REGULARS_SEGMENTATION__SCALER": "minmax",
        "REGULARS_SEGMENTATION__EXTRA_FEATURES": '["category_shares", "home_country"]',
    }
    return variant(shared_folder(tmp_path_factory), "classify-other", settings)


@pytest.fixture(scope="session")
def home_as_of(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return variant(shared_folder(tmp_path_factory), "classify-as-of", {}, "--as-of", "2024-02-01")


@pytest.fixture
def small(published_small: Home, tmp_path: Path) -> Iterator[Classifier]:
    """A classifier on a copy of the small shop's snapshot; nothing is left lying about in the end."""
    home = Home(tmp_path / "home")
    home.published.parent.mkdir(parents=True)
    shutil.copyfile(published_small.published, home.published)
    classifier = Classifier(home, UploadLimits(seconds=300))
    yield classifier
    assert sorted(home.scratch.glob("*")) == []


def sales(*lines: str) -> bytes:
    return (HEADER + "".join(line + "\n" for line in lines)).encode()


# ---- the same labels -----------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_the_warehouses_own_files_get_its_own_labels(
    small: Classifier, published_small: Home, tmp_path: Path, method: str
) -> None:
    upload = in_one(sales_files(published_small), tmp_path / "all.csv")
    done = small.classify_path(upload, method=method)
    wanted = labels_of_the_warehouse(published_small, method)
    assert len(wanted) > 60
    assert labels_given(done) == wanted


def test_every_line_is_accounted_for_as_in_the_warehouse(
    small: Classifier, published_small: Home, tmp_path: Path
) -> None:
    upload = in_one(sales_files(published_small), tmp_path / "all.csv")
    done = small.classify_path(upload)
    wanted = ask(
        published_small, "select disposition, row_count, gross_amount::double as a from marts.row_accounting order by 1"
    )
    given = done.accounting.sort_values("disposition", ignore_index=True)
    assert given["disposition"].tolist() == wanted["disposition"].tolist()
    assert given["row_count"].tolist() == wanted["row_count"].tolist()
    assert given["gross_amount"].astype(float).tolist() == wanted["a"].tolist()
    assert done.delivered_lines == len(upload.read_bytes().splitlines()) - 1
    assert done.kept_lines + len(done.set_aside) == done.delivered_lines
    # which of two equal lines is set aside depends on the order of files; what is said of it does not
    columns = "disposition, reason, invoice_no, stock_code, quantity_units, unit_price, signed_amount"
    with duckdb.connect() as connection:
        connection.register("given", done.set_aside)
        connection.execute(f"attach '{published_small.published}' as s (read_only)")
        for one, other in (("given", "s.marts.set_aside_lines"), ("s.marts.set_aside_lines", "given")):
            differing = connection.execute(
                f"select count(*) from (select {columns} from {one} except all select {columns} from {other})"
            ).fetchone()
            assert differing == (0,)


def test_a_set_aside_line_is_told_with_its_line_reason_and_text(small: Classifier, tmp_path: Path) -> None:
    upload = tmp_path / "lines.csv"
    upload.write_bytes(
        sales(
            "1,20001,MUG,2,2024-05-01 10:00:00,3.00,50001,United Kingdom",
            "2,POST,POSTAGE,1,2024-05-01 10:00:00,4.00,50001,United Kingdom",
            "3,20001,MUG,many,2024-05-01 10:00:00,3.00,50001,United Kingdom",
            "4,20001,MUG",
        )
    )
    done = small.classify_path(upload)
    told = [(row["row_number"], row["disposition"], row["reason"], row["text"]) for row in rows_of(done.set_aside)]
    assert told == [
        (
            3,
            "non_product",
            "Stock code POST is no product: postage",
            "2 | POST | POSTAGE | 1 | 2024-05-01 10:00:00 | 4.00 | 50001 | United Kingdom",
        ),
        (
            4,
            "unreadable",
            'quantity "many" is not a number that fits',
            "3 | 20001 | MUG | many | 2024-05-01 10:00:00 | 3.00 | 50001 | United Kingdom",
        ),
        (5, "unreadable", "line 5 has 3 fields, the header has 8", "4,20001,MUG"),
    ]
    # 2 × 3.00 on one invoice, and recency to the day after that line
    assert labels_given(done)[0][3:6] == (1, 1, Decimal("6.0000"))
    assert done.snapshot_date == date(2024, 5, 2)


@pytest.mark.parametrize("method", METHODS)
def test_the_real_files_get_the_warehouses_labels(
    published_real: Home, real_data: Path, tmp_path: Path, method: str
) -> None:
    upload = in_one(sorted(real_data.glob("*.csv")), tmp_path / "all.csv")
    # several test processes may share two cores
    done = Classifier(Home(published_real.root), UploadLimits(seconds=300)).classify_path(upload, method=method)
    wanted = labels_of_the_warehouse(published_real, method)
    assert len(wanted) == 4334
    assert labels_given(done) == wanted
    assert done.delivered_lines == 541_909
    assert done.accounting["row_count"].sum() == 541_909


def test_csv_gzip_xlsx_and_parquet_get_equal_labels(published_real: Home, real_data: Path, tmp_path: Path) -> None:
    classifier = Classifier(Home(published_real.root), UploadLimits(seconds=300))
    plain = in_one(sorted(real_data.glob("*.csv"))[:12], tmp_path / "part.csv")
    frame = pd.read_csv(plain, dtype={"InvoiceNo": str, "StockCode": str, "Description": str, "Country": str})
    frame["InvoiceDate"] = pd.to_datetime(frame["InvoiceDate"])
    frame.to_parquet(tmp_path / "part.parquet", index=False)
    with xlsxwriter.Workbook(tmp_path / "part.xlsx", {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(frame.columns))
        for number, row in enumerate(frame.astype(object).where(frame.notna(), None).to_numpy().tolist(), start=1):
            sheet.write_row(
                number, 0, [value.to_pydatetime() if isinstance(value, pd.Timestamp) else value for value in row]
            )
    subprocess.run(["gzip", "-k", str(plain)], check=True)
    answers = {
        name: classifier.classify_path(tmp_path / name)
        for name in ("part.csv", "part.csv.gz", "part.parquet", "part.xlsx")
    }
    assert [done.file_format for done in answers.values()] == ["csv", "csv.gz", "parquet", "xlsx"]
    first = labels_given(answers["part.csv"])
    assert len(first) > 500
    for name, done in answers.items():
        assert labels_given(done) == first, name
        assert done.accounting["row_count"].tolist() == answers["part.csv"].accounting["row_count"].tolist(), name


@pytest.mark.parametrize("method", METHODS)
def test_the_settings_are_those_that_the_snapshot_was_made_with(
    home_of_other_settings: Home, tmp_path: Path, method: str
) -> None:
    upload = in_one(sales_files(home_of_other_settings), tmp_path / "all.csv")
    done = Classifier(home_of_other_settings, UploadLimits(seconds=300)).classify_path(upload, method=method)
    assert labels_given(done) == labels_of_the_warehouse(home_of_other_settings, method)
    features = ask(home_of_other_settings, "select feature from ml.segment_scaler")["feature"].tolist()
    assert "is_home_country" in features
    assert any(name.startswith("share_") for name in features)


def test_a_snapshot_made_as_of_a_day_sees_no_later_line_of_an_upload(home_as_of: Home, tmp_path: Path) -> None:
    upload = in_one(sales_files(home_as_of), tmp_path / "all.csv")
    done = Classifier(home_as_of, UploadLimits(seconds=300)).classify_path(upload)
    assert labels_given(done) == labels_of_the_warehouse(home_as_of, "kmeans")
    late = sum(line.split(",")[4] >= "2024-02-01" for line in upload.read_text().splitlines()[1:])
    assert late > 50
    assert done.accounting.set_index("disposition")["row_count"]["after_as_of"] == late


def test_as_of_counts_as_a_refresh_as_of_that_day(home_as_of: Home, small: Classifier, tmp_path: Path) -> None:
    upload = in_one(sales_files(home_as_of), tmp_path / "all.csv")
    done = small.classify_path(upload, as_of=date(2024, 2, 1))
    wanted = ask(
        home_as_of,
        "select customer_id, recency_days, frequency, monetary::double as monetary from marts.customer_rfm order by 1",
    )
    given = done.customers[["customer_id", "recency_days", "frequency", "monetary"]]
    assert rows_of(given) == rows_of(wanted)
    assert done.snapshot_date == date(2024, 2, 1)
    assert done.accounting.set_index("disposition")["row_count"]["after_as_of"] > 50


def test_as_of_overrides_the_day_that_the_snapshot_was_made_as_of(home_as_of: Home, tmp_path: Path) -> None:
    upload = tmp_path / "two.csv"
    upload.write_bytes(
        sales(
            "1,20001,MUG,2,2024-03-01 10:00:00,3.00,50001,United Kingdom",
            "2,20001,MUG,2,2024-03-09 10:00:00,3.00,50002,United Kingdom",
        )
    )
    classifier = Classifier(home_as_of, UploadLimits(seconds=300))
    assert classifier.classify_path(upload).customers.empty
    done = classifier.classify_path(upload, as_of=date(2024, 3, 9))
    assert [(row["customer_id"], row["recency_days"]) for row in rows_of(done.customers)] == [("50001", 8)]


def test_who_gave_everything_back_is_labelled_and_who_bought_nothing_is_named(home_as_of: Home, tmp_path: Path) -> None:
    upload = in_one(sales_files(home_as_of), tmp_path / "all.csv")
    done = Classifier(home_as_of, UploadLimits(seconds=300)).classify_path(upload)
    broke = done.customers.set_index("customer_id").loc["20001"]
    assert (broke["monetary"], broke["has_positive_monetary"]) == (0, False)
    assert isinstance(broke["cluster_name"], str)
    assert done.returns_only == ("20002",)


def test_clusters_are_told_by_what_is_true_of_them_and_by_the_playbook_of_most_of_their_customers(
    small: Classifier, published_small: Home, tmp_path: Path
) -> None:
    upload = in_one(sales_files(published_small), tmp_path / "all.csv")
    done = small.classify_path(upload)
    books = ask(published_small, "select * from reporting.segment_playbooks where method = 'rfm'")
    claims = ask(published_small, "select * from reporting.segment_claims where method = 'kmeans'")
    rows = done.customers_with_texts().set_index("customer_id")
    segments = ask(
        published_small,
        "select customer_id, kmeans_segment, rfm_segment from reporting.customer_360 where has_purchases",
    )
    assert len(segments) == len(rows)
    for customer_id, segment in segments[["customer_id", "kmeans_segment"]].itertuples(index=False):
        told = claims[claims["segment_name"] == segment].iloc[0]
        among = segments[segments["kmeans_segment"] == segment]["rfm_segment"].value_counts()
        most = min(among[among == among.max()].index)
        interpretation = rows.loc[customer_id, "cluster_interpretation"]
        assert interpretation.startswith(f"{told['claim'] or ''} On average: {told['description']}.".strip())
        assert f"Most often ({100 * among.max() / among.sum():.0f}%) they are {most} by their scores" in interpretation
        book = books[books["segment_name"] == most].iloc[0]
        for text in (book["strategy"], book["offer"], book["measure"]):
            assert text.rstrip(". ") in rows.loc[customer_id, "cluster_recommendations"]


# ---- what a marketer should know ------------------------------------------------


def test_a_file_of_other_days_says_which_day_recency_counts_to(small: Classifier, tmp_path: Path) -> None:
    upload = tmp_path / "old.csv"
    upload.write_bytes(sales("1,20001,MUG,2,2024-02-01 10:00:00,3.00,50001,United Kingdom"))
    notes = " ".join(small.classify_path(upload).notes)
    assert "Recency counts to 2 Feb 2024, by this file's own last line" in notes
    assert "choose as-of 2024-08-28" in notes
    assert "The file covers 1 day, the warehouse 240 days" in notes
    # as of the warehouse's day nothing of a later file would be seen
    later = tmp_path / "later.csv"
    later.write_bytes(sales("1,20001,MUG,2,2025-02-01 10:00:00,3.00,50001,United Kingdom"))
    notes = " ".join(small.classify_path(later).notes)
    assert "in the warehouse it counts to 28 Aug 2024." in notes
    assert "choose as-of" not in notes
    later = small.classify_path(upload, as_of=date(2024, 8, 28))
    assert rows_of(later.customers)[0]["recency_days"] == (date(2024, 8, 28) - date(2024, 2, 1)).days


def test_a_file_with_a_header_alone_labels_nobody_and_says_so(small: Classifier, tmp_path: Path) -> None:
    upload = tmp_path / "empty.csv"
    upload.write_bytes(sales())
    done = small.classify_path(upload)
    assert done.customers.empty
    assert done.set_aside.empty
    assert (done.delivered_lines, int(done.accounting["row_count"].sum())) == (0, 0)
    assert "No line of the file is a purchase by a customer, so nobody has a label." in done.notes
    assert list(done.customers_with_texts().columns)[:2] == ["customer_id", "predicted_cluster_id"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Name,Colour\nAda,blue\n", "upload.csv: "),
        (b"Customer_ID,Age,Gender,Location\n1,30,f,Leeds\n", "upload.csv: it holds customers, not sales"),
        (
            b"Customer_ID,Segment,Reason,Author,Expires_On\n1,A,b,c,2030-01-01\n",
            "upload.csv: it holds segment overrides, not sales",
        ),
        (b'{"a": 1}', "upload.csv: the file is JSON, expected CSV (plain or gzip), XLSX or Parquet"),
        (b"", "upload.csv: the file is empty (0 bytes)."),
        (b"PAR1 and then nothing that was promised PAR1", "upload.csv: the Parquet file is cut off or damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_the_loaders_words(
    small: Classifier, tmp_path: Path, content: bytes, said: str
) -> None:
    upload = tmp_path / "upload.csv"
    upload.write_bytes(content)
    with pytest.raises(UnreadableUploadError) as refused:
        small.classify_path(upload)
    assert str(refused.value).startswith(said)
    assert refused.value.status == 422


# ---- snapshots that can't ---------------------------------------------------------


def test_a_snapshot_of_before_says_to_refresh_once(small: Classifier, tmp_path: Path) -> None:
    upload = tmp_path / "sales.csv"
    upload.write_bytes(sales("1,20001,MUG,2,2024-02-01 10:00:00,3.00,50001,United Kingdom"))
    with duckdb.connect(str(small.home.published)) as connection:
        connection.execute("delete from quality.classification_recipe where table_name = 'int_return_matches'")
    with pytest.raises(
        NoRecipeError, match=r"how intermediate\.int_return_matches was made .* `regulars refresh --full`"
    ):
        small.classify_path(upload)
    with duckdb.connect(str(small.home.published)) as connection:
        connection.execute("drop table quality.classification_recipe")
    with pytest.raises(NoRecipeError, match="`regulars refresh` once"):
        small.classify_path(upload)
