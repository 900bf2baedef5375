#!/usr/bin/env bash
# dagster-postgres brings psycopg2 along and allows SQLAlchemy 2.1, and pip installs both. Its address of a database, made
# from `postgres_db` of dagster.yaml, begins with `postgresql://` and names no driver; SQLAlchemy took
# psycopg2 for that until 2.0 and takes psycopg from 2.1 on, which is not there. So no storage can be made: an
# ImportError, before any server is asked. With `scheme: postgresql+psycopg2` beside it the driver is named, and found.
# Seen on 1 December 2026 with dagster-postgres 0.29.27, dagster 1.13.27 and SQLAlchemy 2.1.9 on Python 3.11; fails if
# it changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check dagster==1.13.27 dagster-postgres==0.29.27 sqlalchemy==2.1.9
DO_NOT_TRACK=1 "$folder/env/bin/python" - <<'PY'
from importlib.metadata import requires, version

from dagster_postgres import PostgresRunStorage
from dagster_postgres.utils import pg_url_from_config

DATABASE = {"hostname": "localhost", "username": "dagster", "password": "secret", "db_name": "dagster", "port": 5432}

print(f"SQLAlchemy {version('sqlalchemy')}; dagster-postgres asks for", *requires("dagster-postgres"))
for scheme in ("the default", "postgresql+psycopg2"):
    named = {} if scheme == "the default" else {"scheme": scheme}
    url = pg_url_from_config({"postgres_db": {**DATABASE, **named}})
    try:
        # nothing is connected to
        driver = PostgresRunStorage(url, should_autocreate_tables=False)._engine.driver
    except ImportError as error:
        driver = f"{type(error).__name__}: {error}"
    print(f"{scheme}: {url.partition('//')[0]}// → {driver}")
    expected = "ModuleNotFoundError: No module named 'psycopg'" if scheme == "the default" else "psycopg2"
    assert driver == expected, "this has changed"
PY
