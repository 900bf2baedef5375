"""A format is added by its own files and one line of a list, as docs/sources.md says.

Belongs here: an invented system, its files, and a copy of the program that has them besides.
Does not belong here: formats that there are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.settings import PROJECT_ROOT

PROGRAM = ("warehouse", "dbt_project", "expectations", "ml", "orchestration", "serving")

DECLARATION = """
version: 2

sources:
  - name: raw
    schema: raw
    tables:
      - name: stall_slips
        description: One row per delivered row of the stall's slips, as text.

models:
  - name: stg_stall_slips
    description: One row per line of the market stall's slips.
    config:
      meta:
        export_format:
          title: Market stall slips
          columns:
            slip: [Slip]
            day: [Stall day]
            article: [Article]
            pieces: [Pieces]
            paid: [Paid for them]
            slip_total: [Slip total]
            regular: [Regular]
          needed: [slip, day, pieces, paid, slip_total]
          date: day
          numbers: [pieces, paid, slip_total]
          limits:
            times: The slips tell the day and no time.

unit_tests:
  - name: stall_slips_pieces_that_came_back_are_returns
    model: stg_stall_slips
    given:
      - input: source('raw', 'stall_slips')
        rows:
          - {_line_id: 1, _load_id: 1, slip: s-1, article: Jam, pieces: "2", paid: "7.00", slip_total: "3.50"}
          - {_line_id: 2, _load_id: 1, slip: s-1, article: Jam, pieces: "-1", paid: "-3.50", slip_total: "3.50"}
      - input: source('raw', 'deliveries')
        rows:
          - {_load_id: 1, _line_amount_mark: "."}
    expect:
      rows:
        - {delivered_line_id: 1, invoice_text: S-1, row_kind: sale, line_amount: 7, told_amount: 3.5}
        - {delivered_line_id: 2, invoice_text: S-1, row_kind: return, line_amount: -3.5, told_amount: null}
"""

MODEL = """
-- Grain: one row per line of the market stall's slips. told_amount stands on the first line of each slip.
with

lines as (

    select * from {{ source('raw', 'stall_slips') }}

),

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

typed as (

    select
        lines.*,
        upper({{ stripped('lines.slip') }}) as invoice_text,
        {{ units('lines.pieces', 'deliveries._line_amount_mark') }} as quantity_units,
        {{ money('lines.paid', 'deliveries._line_amount_mark') }} as line_amount,
        {{ money('lines.slip_total', 'deliveries._line_amount_mark') }} as told_amount,
        row_number() over (partition by lines._load_id, lines.slip order by lines._line_id) as place
    from lines
    left join deliveries on lines._load_id = deliveries._load_id

),

told as (

    select
        _line_id as delivered_line_id,
        false as is_derived,
        _load_id as load_id,
        _sheet as sheet,
        _row_number as row_number,
        _problem as problem,
        _line_text as line_text,
        pieces as quantity_text,
        paid as amount_text,
        day as invoice_date_text,
        invoice_text,
        upper({{ stripped('article') }}) as stock_code_text,
        {{ stripped('article') }} as description,
        quantity_units,
        line_amount,
        null as tax_amount,
        null as currency_text,
        null as status,
        null as line_kind,
        null as store,
        null as country,
        {{ stripped('regular') }} as customer_text,
        false as customer_is_personal,
        null as accepts_marketing,
        invoiced_at,
        case when line_amount < 0 then 'return' else 'sale' end as row_kind,
        line_amount as counted_amount,
        case when place = 1 then told_amount end as told_amount,
        case when place = 1 then 'Slip total' end as told_as
    from typed

),

final as (

    {{ export_lines('told') }}

)

select * from final
"""

SAMPLE = """Slip,Stall day,Article,Pieces,Paid for them,Slip total,Regular
S-1,2026-03-28,Jam,2,7.00,9.50,R1
S-1,2026-03-28,Bread,1,2.50,9.50,R1
S-2,2026-03-29,Jam,1,3.50,3.50,R2
S-3,2026-03-30,Jam,-1,-3.50,-3.50,R2
"""


UNIT_TESTS = """
import os

import duckdb
from dbt.cli.main import dbtRunner

from warehouse.loading import ensure_raw_schema

with duckdb.connect(os.environ["REGULARS_PRIVATE_FILE"]) as con:
    ensure_raw_schema(con)
where = ["--project-dir", "dbt_project", "--profiles-dir", "dbt_project", "--target-path", os.environ["TARGET"]]
done = dbtRunner().invoke(["test", *where, "--select", "test_type:unit,stg_stall_slips"])
assert done.success, done
assert [one.node.resource_type for one in done.result.results].count("unit_test") == 1, done
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as it is, and the format's own files; of the others one line of one list is touched."""
    copy = tmp_path_factory.mktemp("program")
    for name in PROGRAM:
        shutil.copytree(PROJECT_ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("regulars.toml", "workspace.yaml", "pyproject.toml"):
        shutil.copy(PROJECT_ROOT / name, copy / name)
    exports = copy / "dbt_project" / "models" / "staging" / "exports"
    (exports / "stall_slips.yml").write_text(DECLARATION)
    (exports / "stg_stall_slips.sql").write_text(MODEL.lstrip())
    listed = copy / "dbt_project" / "dbt_project.yml"
    before = listed.read_text()
    listed.write_text(before.replace("    - squarespace_orders\n", "    - squarespace_orders\n    - stall_slips\n"))
    assert listed.read_text().count("\n") == before.count("\n") + 1
    return copy


def run_in(program: Path, *command: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=program,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")},
            "PYTHONPATH": str(program),
            "DO_NOT_TRACK": "1",
            "COLUMNS": "200",
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_added_format_is_recognised_read_checked_and_told(program: Path, tmp_path: Path) -> None:
    sample = tmp_path / "slips.csv"
    sample.write_text(SAMPLE)
    told = run_in(program, "orchestration.cli", "inspect", str(sample))
    assert "sales (Market stall slips, layout stall_slips)" in told
    assert "3 of 3 orders add up to their Slip total" in told
    assert "The slips tell the day and no time." in told
    # 7.00 + 2.50 + 3.50, and a jar came back
    assert "2 orders of 2 customers, 0 sale lines without one; £13.00 sold, £3.50 went back, £9.50 net" in told
    assert "Doubts" not in told


def test_its_unit_tests_run_with_the_others(program: Path, tmp_path: Path) -> None:
    (program / "unit_tests_of_the_format.py").write_text(UNIT_TESTS)
    places = {"REGULARS_PRIVATE_FILE": str(tmp_path / "warehouse.duckdb"), "TARGET": str(tmp_path / "target")}
    run_in(program, "unit_tests_of_the_format", **places)
