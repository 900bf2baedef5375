"""What counts as another release: whatever can change a table, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse import versions
from warehouse.settings import PROJECT_ROOT

FILES = {
    "ml/model.py": '"""Fits."""\n\nLIMIT = 3\n\n\ndef fit(x):\n    """Fit."""\n    return x in {"a", "b"} and LIMIT\n',
    "dbt_project/models/marts/orders.sql": "-- Grain: one row per order.\nselect a, '-- b' as b\nfrom c\n",
    "dbt_project/models/marts/_marts__models.yml": "models:\n  - name: orders\n",
    "dbt_project/models/marts/_marts__unit_tests.yml": "unit_tests: []\n",
    "dbt_project/docs/columns.md": "{% docs a %}\nA text.\n{% enddocs %}\n",
    "dbt_project/seeds/words.csv": "word\nnobody\n",
    "warehouse/raw_schema.sql": "create table a (b integer);\n",
    "expectations/catalogue/raw.yml": "- table: raw.a\n",
    "orchestration/cli.py": "print('refresh')\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        write(tmp_path, name, content)
    monkeypatch.setattr(versions, "PROJECT_ROOT", tmp_path)
    return tmp_path


def write(project: Path, name: str, content: str) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


MODEL = FILES["ml/model.py"]
ORDERS = "dbt_project/models/marts/orders.sql"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ml/model.py", "# a remark\n" + MODEL.replace("LIMIT = 3", "LIMIT = 3  # of what there is")),
        ("ml/model.py", MODEL.replace('"""Fit."""', '"""Fit.\n\n    With two words more.\n    """')),
        (ORDERS, "-- Grain: one order.\n{# it's so #}\nselect\n    a, '-- b' as b -- both\nfrom /* it's */ c"),
        ("dbt_project/models/marts/_marts__unit_tests.yml", "unit_tests: [one]\n"),
        ("dbt_project/target/compiled/orders.sql", "select 1\n"),
        ("dbt_project/logs/dbt.yml", "a: 1\n"),
        ("dbt_project/README.txt", "how to\n"),
        ("serving/page.py", "print(1)\n"),
        ("docs/operations.md", "# Operations\n"),
        ("tests/test_it.py", "assert True\n"),
    ],
)
def test_what_changes_no_table_rebuilds_nothing(project: Path, name: str, content: str) -> None:
    before = versions.code_fingerprint()
    write(project, name, content)
    assert versions.code_fingerprint() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ml/model.py", MODEL.replace("LIMIT = 3", "LIMIT = 4")),
        ("ml/model.py", MODEL.replace("3", "3.0")),
        ("ml/model.py", MODEL.replace('"b"', '"c"')),
        ("ml/model.py", MODEL.replace("def fit(x)", "def fit(x=1)")),
        ("ml/model.py", MODEL.replace("and LIMIT", "or LIMIT")),
        (ORDERS, FILES[ORDERS].replace("'-- b'", "'-- c'")),
        (ORDERS, FILES[ORDERS].replace("'-- b'", "'--  b'")),
        (ORDERS, FILES[ORDERS].replace("select a, ", "select a, -- ")),
        (ORDERS, FILES[ORDERS].replace("from c", "from d")),
        ("dbt_project/models/marts/lines.sql", "select 1\n"),
        ("dbt_project/models/marts/_marts__models.yml", "models:\n  - name: orders\n    description: Orders.\n"),
        # a column's text is published with the column
        ("dbt_project/docs/columns.md", FILES["dbt_project/docs/columns.md"].replace("A text", "Another text")),
        ("dbt_project/seeds/words.csv", "word\nguest\n"),
        ("warehouse/raw_schema.sql", "create table a (b bigint);\n"),
        ("expectations/catalogue/raw.yml", "- table: raw.b\n"),
        ("orchestration/cli.py", "print('refresh', 1)\n"),
    ],
)
def test_what_can_change_a_table_rebuilds(project: Path, name: str, content: str) -> None:
    memo = project / "memo"
    before = versions.code_fingerprint(memo)
    assert before == versions.code_fingerprint(memo) == versions.code_fingerprint()
    write(project, name, content)
    assert versions.code_fingerprint(memo) == versions.code_fingerprint() != before
    (project / name).unlink()
    for kept, as_before in FILES.items():
        write(project, kept, as_before)
    assert versions.code_fingerprint() == before


def test_a_garbled_memo_is_written_anew(project: Path, tmp_path: Path) -> None:
    memo = tmp_path / "memo"
    told = versions.code_fingerprint(memo)
    kept = memo.read_bytes()
    memo.write_bytes(b"\xff\xfe\x00")
    assert versions.code_fingerprint(memo) == told
    assert memo.read_bytes() == kept


def test_two_processes_agree_on_the_release() -> None:
    def told(seed: str) -> str:
        # sets are hashed, and so ordered, in another way
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        code = "from warehouse.versions import code_fingerprint; print(code_fingerprint())"
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
        ).stdout

    assert told("1") == told("2") != ""


def test_git_ignores_what_dbt_writes_when_it_is_called_by_hand() -> None:
    written = ["dbt_project/target/manifest.json", "dbt_project/logs/dbt.log"]
    ignored = subprocess.run(["git", "check-ignore", *written], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert ignored.stdout.split() == written
