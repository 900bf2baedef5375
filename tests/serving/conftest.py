"""The published homes as what serves reads them, and as a test compares them: with SQL of its own."""

from collections.abc import Iterator

import duckdb
import pytest

from serving.snapshot import Reading, SnapshotReader
from tests.homes import build_once, shared_folder
from tests.serving.shop_of_exports import deliver_exports
from warehouse.home import Home


@pytest.fixture(scope="session")
def home_of_exports(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return build_once(shared_folder(tmp_path_factory), "exports", deliver_exports)


@pytest.fixture(scope="module")
def reading(published_small: Home) -> Iterator[Reading]:
    reader = SnapshotReader(published_small)
    with reader.reading() as opened:
        yield opened
    reader.close()


@pytest.fixture(scope="module")
def real_reading(published_real: Home) -> Iterator[Reading]:
    reader = SnapshotReader(published_real)
    with reader.reading() as opened:
        yield opened
    reader.close()


@pytest.fixture(scope="module")
def snapshot(published_small: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:")
    connection.execute(f"attach '{published_small.published}' as s (read_only)")
    connection.execute("use s")
    yield connection
    connection.close()
