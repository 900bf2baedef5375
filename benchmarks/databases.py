"""A million rows from a live database to a file in landing, next to other libraries, in one run.

    python -m benchmarks.databases [ROWS]     # by default a million, and then twice as many

Starts a PostgreSQL and a MariaDB of its own, as the tests do. First the fetching alone, each
candidate in a process of its own and in turn: SQLAlchemy with psycopg or PyMySQL as a pull uses
them, and ADBC, ConnectorX and dlt where they are installed (`pip install adbc-driver-postgresql
connectorx "dlt[parquet,sql_database]"`; no part of the lock files). Then the whole pull,
with comparing and writing, at one and at two sizes: its memory must not grow with the rows.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.databases.servers import PASSWORD, PASSWORD_VARIABLE, SERVERS, Server

ROUNDS = 3
ROOT = Path(__file__).resolve().parent.parent
COLUMNS = """
    {code} as order_no, concat('SKU', mod(n, 4000)) as sku, concat('WHITE HANGING HEART T-LIGHT HOLDER ', mod(n, 4000))
    as description, 1 + mod(n, 12) as quantity, cast(1 + mod(n, 997) / 100.0 as decimal(12, 4)) as price,
    10000 + mod(n, 30000) as customer_id, 'United Kingdom' as country, {moment} as invoice_date
"""
TABLES = {
    "postgresql": (
        f"create table order_lines as select {COLUMNS} from generate_series(0, {{last}}) as n",
        {"code": "concat('A', n / 5)", "moment": "timestamp '2020-01-01' + (n / 5) * interval '1 minute'"},
    ),
    "mariadb": (
        f"create table order_lines as select {COLUMNS} from (select seq as n from seq_0_to_{{last}}) as s",
        {"code": "concat('A', n div 5)", "moment": "date_add(timestamp('2020-01-01'), interval (n div 5) minute)"},
    ),
}
CANDIDATES = {
    "postgresql": {"SQLAlchemy": "psycopg", "ADBC": "adbc_driver_postgresql", "ConnectorX": "connectorx", "dlt": "dlt"},
    "mariadb": {"SQLAlchemy": "pymysql", "ConnectorX": "connectorx", "dlt": "dlt"},
}


def fill(server: Server, rows: int) -> None:
    create, words = TABLES[server.scheme]
    server.run(
        "drop table if exists order_lines",
        create.format(last=rows - 1, **words),
        "create index by_order on order_lines (order_no)",
        "create index by_time on order_lines (invoice_date)",
    )


# ---- in processes of their own --------------------------------------------------


def settings_for(url: str):
    from warehouse.settings import Database, Landing, Settings

    columns = {"invoice": "order_no", "stock_code": "sku", "unit_price": "price"}
    database = Database(name="shop", url=url, table="order_lines", columns=columns, watermark="invoice_date")
    return Settings(landing=Landing(databases=(database,)))


def fetch_with(library: str, url: str, folder: Path) -> None:
    """The rows of one table to one Parquet file, in batches where the library can."""
    import pyarrow.parquet as pq

    from warehouse.databases.connecting import url_of

    target, query = folder / "rows.parquet", "select * from order_lines"
    settings = settings_for(url)
    filled = url_of(settings.landing.databases[0])
    plain = filled.set(drivername={"psycopg": "postgresql", "pymysql": "mysql"}[filled.drivername.partition("+")[2]])
    # a blank in the password is left as it is there
    text = plain.render_as_string(hide_password=False).replace(" ", "%20")
    if library == "SQLAlchemy":
        from warehouse.databases.asking import ask
        from warehouse.databases.connecting import connected
        from warehouse.databases.delivery import fetch

        with connected(settings.landing.databases[0]) as connection:
            question = ask(connection, settings.landing.databases[0], settings)
            fetch(connection, question, None, target, lambda rows: None)
    elif library == "ADBC":
        import adbc_driver_postgresql.dbapi as adbc

        with adbc.connect(text) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            batches = cursor.fetch_record_batch()
            with pq.ParquetWriter(target, batches.schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
    elif library == "ConnectorX":
        import connectorx

        batches = connectorx.read_sql(text, query, return_type="arrow_stream", batch_size=10_000)
        with pq.ParquetWriter(target, batches.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
    else:
        os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder / "dlt")}
        os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = (folder / "out").as_uri()
        import dlt
        from dlt.sources.sql_database import sql_table

        pipeline = dlt.pipeline("b", destination="filesystem", dataset_name="d", pipelines_dir=str(folder / "p"))
        source = sql_table(
            filled.render_as_string(hide_password=False), table="order_lines", backend="pyarrow", chunk_size=10_000
        )
        pipeline.run(source, loader_file_format="parquet")


def pull_whole(url: str, folder: Path) -> None:
    """Everything, and then once more, when there is nothing new."""
    from warehouse.database import open_warehouse
    from warehouse.databases.pulling import pull_databases

    landing = folder / "landing"
    landing.mkdir()
    for status in ("delivered", "nothing_new"):
        (pull,) = pull_databases(
            lambda: open_warehouse(folder / "warehouse.duckdb"), landing, folder / "tmp", settings_for(url)
        )
        assert pull.status == status, pull


def measured(what: str, server: Server, scratch: Path) -> dict[str, float]:
    """Seconds and peak MiB of one of the two above."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        code = (
            "import json, resource, sys, time; from pathlib import Path; from benchmarks import databases as b; "
            "started = time.perf_counter(); "
            + ("b.pull_whole(sys.argv[1], Path(sys.argv[2])); " if what == "pull" else "")
            + (f"b.fetch_with({what!r}, sys.argv[1], Path(sys.argv[2])); " if what != "pull" else "")
            + "print(json.dumps({'seconds': time.perf_counter() - started, "
            "'mib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, server.url, folder],
            env={**os.environ, PASSWORD_VARIABLE: PASSWORD, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"{what} on {server.kind} failed:\n{done.stderr[-3000:]}")
        return json.loads(done.stdout.splitlines()[-1])


def median(figures: list[dict[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in figures)


def compare(server: Server, rows: int, scratch: Path) -> None:
    there = {name: module for name, module in CANDIDATES[server.scheme].items() if find_spec(module)}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in there}
    for _ in range(ROUNDS):
        for name in there:
            rounds[name].append(measured(name, server, scratch))
    print(f"{server.kind}, {rows:,} rows fetched into a Parquet file")
    for name, figures in rounds.items():
        ratios = [one["seconds"] / base["seconds"] for one, base in zip(figures, rounds["SQLAlchemy"], strict=True)]
        print(
            f"  {name:12} {median(figures, 'seconds'):6.1f} s  {statistics.median(ratios):5.2f} ×  "
            f"peak {median(figures, 'mib'):5.0f} MiB"
        )
    for name in CANDIDATES[server.scheme].keys() - there.keys():
        print(f"  {name:12} not installed")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="regulars-db-", dir="/tmp") as folder:
        scratch = Path(folder)
        scratch.chmod(0o755)
        for scheme, kind in SERVERS.items():
            missing = kind.missing()
            if missing:
                print(missing)
                continue
            server = kind(scratch / scheme[:2])
            server.start()
            try:
                peaks = []
                for size in (rows, 2 * rows):
                    fill(server, size)
                    if size == rows:
                        compare(server, rows, scratch)
                    whole = measured("pull", server, scratch)
                    peaks.append(whole["mib"])
                    print(
                        f"  whole pull, and one with nothing new: {size:,} rows {whole['seconds']:.1f} s, "
                        f"peak {whole['mib']:.0f} MiB"
                    )
                print(f"  twice the rows: {peaks[1] / peaks[0]:.2f} × the memory")
            finally:
                server.stop()


if __name__ == "__main__":
    main()
