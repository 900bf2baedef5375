"""What Spark needs of a machine is told before anything is touched, with what to do."""

import shutil
from pathlib import Path

import pytest

from tests.homes import regulars_refresh
from tests.tiny_shop import deliver, small_history
from warehouse import spark
from warehouse.errors import EngineError, SettingsError
from warehouse.home import Home
from warehouse.settings import load_settings


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Spark's packages were there: these are."""
    monkeypatch.setattr(spark, "_PACKAGES", ("duckdb", "dbt-core"))


def java(folder: Path, says: str) -> Path:
    """A JAVA_HOME whose java says this of itself."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "java"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{says}\nEND\n")
    program.chmod(0o755)
    return folder


def test_missing_packages_are_named_with_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "_PACKAGES", ("duckdb", "no-such-spark"))
    with pytest.raises(EngineError, match=r"no-such-spark is not installed\. `make run ENGINE=spark`"):
        spark.require_spark()


@pytest.mark.usefixtures("packages")
def test_without_java_it_says_which_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"no java on the PATH\. Install a Java 17 or 21 \(Debian: openjdk-17"):
        spark.require_spark()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    with pytest.raises(EngineError, match="no java in JAVA_HOME"):
        spark.require_spark()


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "11.0.22" 2024-01-16', "11"),
        ('java version "1.8.0_402"', "8"),
        ('openjdk version "25" 2025-09-16', "25"),
    ],
)
def test_a_java_that_spark_does_not_run_on_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, version: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path / "jdk", says)))
    with pytest.raises(EngineError, match=rf"is Java {version}, and Spark runs on 17 or 21\..*JAVA_HOME says which"):
        spark.require_spark()


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("says", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "21" 2023-09-19 LTS'])
def test_a_java_that_spark_runs_on_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path / "jdk", says)))
    spark.require_spark()


def test_an_unknown_engine_is_a_bad_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_WAREHOUSE__ENGINE", "sparc")
    with pytest.raises(SettingsError, match=r"warehouse\.engine = 'sparc': .*'duckdb' or 'spark'"):
        load_settings()


def test_a_refresh_that_cannot_have_spark_touches_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    deliver(home.landing, small_history(days=3))
    before = sorted(home.root.rglob("*"))
    nowhere = str(tmp_path / "no-java")
    settings = {"REGULARS_WAREHOUSE__ENGINE": "spark", "JAVA_HOME": nowhere}
    with pytest.raises(RuntimeError, match=r'warehouse\.engine is "spark"'):
        regulars_refresh(home, settings=settings)
    assert not home.warehouse.exists()
    assert not home.published.exists()
    assert {path.name for path in set(home.root.rglob("*")) - set(before)} <= {"origin.json"}
    assert shutil.which("java", path=nowhere) is None
