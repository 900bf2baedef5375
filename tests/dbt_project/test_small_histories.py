"""Whole builds on histories of a few lines, where every figure can be worked out by hand."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.conftest import (
    EVERY_EXPORT,
    MARTS,
    MARTS_TABLES,
    REPORTING,
    STAGING,
    Dbt,
    ask,
    damaged_copy,
    declare_model_tables,
    differing_tables,
    explain,
    line,
    write_raw,
)

# one customer buys, returns, and buys again; a stranger pays cash; the rest is dirt
SHOP = [
    line("1", "MUG", 10, "2.00", "A", "2011-01-03 10:00:00"),
    line("1", "CUP", 5, "1.50", "A", "2011-01-03 10:00:00", "EIRE"),
    line("C2", "MUG", -4, "2.00", "A", "2011-01-05 10:00:00"),
    line("3", "MUG", 1, "2.00", "B", "2011-01-06 10:00:00", "France"),
    line("4", "MUG", 3, "2.00", None, "2011-01-07 10:00:00"),
    line("C5", "MUG", -9, "2.00", "B", "2011-01-08 10:00:00", "France"),
    # set aside
    line("1", "mug ", "10.0", "2", " A ", "2011-01-03 10:00:00", description=" THING MUG"),
    line("A6", "B", 1, "-7.00", None, "2011-01-07 10:00:00"),
    line("3", "POST", 1, "18.00", "B", "2011-01-06 10:00:00", "France", description="POSTAGE"),
    line("7", "MUG", -2, "0", None, "2011-01-07 10:00:00"),
    line("8", "MUG", 2, "0.0", "B", "2011-01-07 10:00:00"),
    line("9", "MUG", 10**12, "2.00", "B", "2011-01-07 10:00:00"),
    line("9", "MUG", 2, "2.00", "B", "2055-01-01 00:00:00"),
    {
        **line("", "", "", "", None, "2011-01-07 10:00:00"),
        "invoiced_at": None,
        "_problem": "a quote is never closed",
        "_line_text": '9,"MUG' + "x" * 5000,
    },
]


@pytest.fixture(scope="module")
def shop(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dbt.build(write_raw(tmp_path_factory.mktemp("shop"), SHOP), EVERY_EXPORT)


def test_every_line_is_accounted_for(shop: Path) -> None:
    # sale 20 + 7.5 + 2 + 6; return -8 - 18; the repeat is worth 20
    assert ask(shop, "select disposition, row_count, gross_amount from marts.row_accounting order by precedence") == [
        ("unreadable", 3, Decimal("4.0000")),
        ("duplicate", 1, Decimal("20.0000")),
        ("not_a_sale", 0, Decimal("0.0000")),
        ("adjustment", 1, Decimal("-7.0000")),
        ("non_product", 1, Decimal("18.0000")),
        ("return", 2, Decimal("-26.0000")),
        ("non_positive_quantity", 1, Decimal("0.0000")),
        ("non_positive_price", 1, Decimal("0.0000")),
        ("sale", 4, Decimal("35.5000")),
    ]


def test_returns_come_off_what_they_reverse(shop: Path) -> None:
    # A: 20 + 7.5 - 8. B bought 1 and brought 9 back: one is matched, 8 are not, and all 9 are B's
    assert ask(shop, "select customer_id, monetary_gross, monetary_net from marts.customer_rfm order by 1") == [
        ("A", Decimal("27.5000"), Decimal("19.5000")),
        ("B", Decimal("2.0000"), Decimal("-16.0000")),
    ]
    assert ask(
        shop,
        """
        select month_start, gross_revenue, returned_revenue, unmatched_return_revenue, net_revenue,
            booked_return_revenue, net_revenue_as_booked, trading_days
        from marts.fct_monthly_revenue
        """,
    ) == [
        (
            date(2011, 1, 1),
            Decimal("35.5000"),
            Decimal("10.0000"),
            Decimal("16.0000"),
            Decimal("9.5000"),
            Decimal("26.0000"),
            Decimal("9.5000"),
            3,
        )
    ]


def test_lines_set_aside_keep_their_text_and_place(shop: Path) -> None:
    rows = ask(
        shop,
        "select row_number, reason, quantity_units, length(line_text) from marts.set_aside_lines "
        "where disposition <> 'unreadable' or line_text is null order by 1",
    )
    assert rows == [
        (
            8,
            "Told already: equal to a line that was kept, or of an order that a newer file tells",
            10,
            None,
        ),
        (9, "Numbers that begin with A are accounting adjustments in the profile of this source", 1, None),
        (10, "Stock code POST is no product: postage", 1, None),
        (11, "No units were sold, and no money went back", -2, None),
        (12, "Given away: the amount is zero", 2, None),
    ]
    unreadable = ask(
        shop,
        "select row_number, reason, quantity_units, line_text from marts.set_aside_lines "
        "where disposition = 'unreadable' order by 1",
    )
    assert [row[:3] for row in unreadable] == [
        (13, 'quantity "1000000000000" is not a number that fits', None),
        (14, "date 2055-01-01 lies after the delivery", 2),
        (15, "a quote is never closed", None),
    ]
    assert " | 1000000000000 | " in unreadable[0][3]
    assert " | 2 | 2055-01-01" in unreadable[1][3]
    assert len(unreadable[2][3]) == 1000


def test_reasons_add_up_to_what_was_set_aside(shop: Path) -> None:
    assert ask(
        shop,
        """
        select disposition, sum(line_count), sum(amount), sum(lines_without_amount) from marts.set_aside_reasons
        group by disposition order by disposition
        """,
    ) == [
        ("adjustment", 1, Decimal("-7.0000"), 0),
        ("duplicate", 1, Decimal("20.0000"), 0),
        ("non_positive_price", 1, Decimal("0.0000"), 0),
        ("non_positive_quantity", 1, Decimal("0.0000"), 0),
        ("non_product", 1, Decimal("18.0000"), 0),
        # what was sold in 2055 can be counted; a barcode of mugs and a broken quote cannot
        ("unreadable", 3, Decimal("4.0000"), 2),
    ]
    # 14 lines; 20 + 7.5 + 8 + 2 + 6 + 18 + 20 + 7 + 18 + 4 = 110.5 without signs
    assert ask(
        shop,
        "select line_pct, amount_pct, customer_count, lost_customer_count, lost_customer_pct"
        " from marts.set_aside_reasons where disposition = 'non_product'",
    ) == [(pytest.approx(100 / 14), pytest.approx(100 * 18 / 110.5), 1, 0, 0)]


def test_the_habits_of_the_source_are_told_with_their_evidence(shop: Path) -> None:
    assert ask(shop, "select source, profile, evidence, exact_duplicates from marts.source_profiles") == [
        (
            "invoice_lines",
            "uci",
            "all 2 lines on numbers that begin with C are negative;"
            " the 1 on numbers that begin with A have no customer",
            "drop",
        )
    ]


def test_published_tables_carry_their_descriptions_as_comments(shop: Path) -> None:
    assert ask(
        shop, "select count(*) from duckdb_columns() where schema_name in ('marts', 'reporting') and comment is null"
    ) == [(0,)]
    assert ask(shop, "select count(*), count(comment) from duckdb_tables() where schema_name = 'marts'") == [(27, 27)]


def test_no_lines_at_all_build_empty_tables(dbt: Dbt, tmp_path: Path) -> None:
    warehouse = dbt.build(write_raw(tmp_path, []), EVERY_EXPORT)
    assert ask(warehouse, "select count(*), sum(row_count), sum(gross_amount) from marts.row_accounting") == [(9, 0, 0)]
    empty = [table for table in MARTS_TABLES if table != "row_accounting"]
    for table in (*empty, "set_aside_lines", "set_aside_reasons", "source_profiles"):
        assert ask(warehouse, f"select count(*) from marts.{table}") == [(0,)], table


def test_no_line_is_joined_with_a_list_that_is_written_in_a_model(dbt: Dbt, shop: Path) -> None:
    # for DuckDB's optimizer a long list is a table, and CASE keeps no line from a join
    compiled = dbt.run("compile", shop, [*STAGING, *MARTS], EVERY_EXPORT)
    nodes = [one.node for one in compiled.result.results]
    models = {node.name: node.compiled_code for node in nodes if node.resource_type == "model"}
    joined = []
    with duckdb.connect(str(shop), read_only=True) as con:
        for name, sql in models.items():
            ((_, plan),) = con.execute(f"explain (format json) {sql}").fetchall()
            steps = json.loads(plan)
            for step in steps:
                steps += step["children"]
                sides = [side["name"] for side in step["children"]]
                if step["extra_info"].get("Join Type") == "MARK" and "COLUMN_DATA_SCAN" in sides:
                    joined.append(f"{name}: {step['extra_info']['Conditions']}")
    assert {"stg_transactions", "stg_shopify_orders", "fct_invoices"} < set(models)
    assert joined == []


def test_order_files_and_threads_change_nothing(dbt: Dbt, shop: Path, tmp_path: Path) -> None:
    shuffled = SHOP[:]
    random.Random(7).shuffle(shuffled)
    warehouse = write_raw(tmp_path, shuffled, file_of=lambda number: f"part_{number % 3}.csv")
    assert differing_tables(shop, dbt.build(warehouse, threads=1)) == {}


def test_the_same_lines_with_decimal_commas_are_the_same_lines(dbt: Dbt, shop: Path, tmp_path: Path) -> None:
    european = [
        {**fields, "_decimal_mark": ",", "unit_price": fields["unit_price"].replace(".", ",")}
        | {"quantity": fields["quantity"].replace(".", ",")}
        for fields in SHOP
    ]
    assert differing_tables(shop, dbt.build(write_raw(tmp_path, european))) == {}


def test_a_file_delivered_twice_under_other_names_counts_once(dbt: Dbt, shop: Path, tmp_path: Path) -> None:
    warehouse = dbt.build(write_raw(tmp_path, SHOP + SHOP, file_of=lambda number: f"{number // len(SHOP)}.csv"))
    facts = ["customer_rfm", "dim_customers", "dim_dates", "fct_invoice_lines", "fct_return_matches"]
    assert differing_tables(shop, warehouse, facts) == {}


def test_repeats_that_are_kept_have_keys_of_their_own(dbt: Dbt, tmp_path: Path) -> None:
    warehouse = dbt.build(write_raw(tmp_path, SHOP), {"exact_duplicates": "keep"})
    assert ask(
        warehouse,
        "select count(*), count(distinct line_id), sum(gross_revenue) from marts.fct_invoice_lines"
        " where invoice_no = '1' and stock_code = 'MUG'",
    ) == [(2, 2, Decimal("40.0000"))]


def test_an_as_of_date_sees_what_was_there_then(dbt: Dbt, tmp_path: Path) -> None:
    then = [fields for fields in SHOP if str(fields["invoiced_at"]) < "2011-01-07"]
    as_of = {"as_of_date": "2011-01-07"}
    early = dbt.build(write_raw(tmp_path / "early", then), as_of)
    late = dbt.build(write_raw(tmp_path / "late", SHOP), as_of)
    tables = [
        "customer_rfm",
        "dim_customers",
        "dim_dates",
        "dim_products",
        "fct_invoice_lines",
        "fct_invoices",
        "fct_daily_revenue",
        "fct_return_matches",
    ]
    # a product that was only seen later is not known yet either
    assert differing_tables(early, late, tables) == {}
    assert ask(late, "select row_count from marts.row_accounting where disposition = 'after_as_of'") == [(5,)]
    assert ask(late, "select distinct snapshot_date::varchar from marts.customer_rfm") == [("2011-01-07",)]


def test_plain_transactions_make_customers_and_revenue(dbt: Dbt, tmp_path: Path) -> None:
    def paid(customer: str, day: str, amount: str) -> dict[str, Any]:
        return {
            "_layout": "transactions",
            "_decimal_mark": ".",
            "_loaded_at": "2012-01-01",
            "customer_id": customer,
            "invoice_date": day,
            "invoiced_at": day,
            "unit_price": amount,
        }

    lines = [paid("0001", "1997-01-01", "11.77"), paid("0001", "1997-01-18", "12.00"), paid("2", "1997-01-01", "0")]
    warehouse = dbt.build(write_raw(tmp_path, lines), {"require_positive_price": False})
    assert ask(warehouse, "select customer_id, frequency, monetary_net from marts.customer_rfm order by 1") == [
        ("0001", 2, Decimal("23.7700")),
        ("2", 1, Decimal("0.0000")),
    ]
    assert ask(warehouse, "select distinct country, stock_code from marts.fct_invoice_lines") == [
        ("Unspecified", "(NONE)")
    ]


def test_matches_equal_those_of_a_ledger_kept_by_hand(dbt: Dbt, tmp_path: Path) -> None:
    """A loop over returns in the order of time, as a clerk would do it, finds the same matches."""
    dice = random.Random(20111209)
    lines = [
        line(
            f"{'C' if is_return else ''}{number:06d}",
            dice.choice(["MUG", "CUP"]),
            -dice.randint(1, 12) if is_return else dice.randint(1, 6),
            dice.choice(["1.00", "2.50"]),
            dice.choice(["A", "B", "C"]),
            # few distinct times, so that many lines share one
            f"2011-{dice.randint(1, 6):02d}-{dice.randint(1, 4):02d} 10:00:00",
        )
        for number in range(600)
        for is_return in [dice.random() < 0.3]
    ]
    warehouse = dbt.build(write_raw(tmp_path, lines))

    expected = []
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for fields in lines:
        groups[fields["customer_id"], fields["stock_code"], fields["unit_price"]].append(fields)
    for group in groups.values():
        in_time = sorted(group, key=lambda fields: (fields["invoiced_at"], fields["invoice"]))
        sales = [fields for fields in in_time if not fields["invoice"].startswith("C")]
        left = {sale["invoice"]: int(sale["quantity"]) for sale in sales}
        for back in (fields for fields in in_time if fields["invoice"].startswith("C")):
            wanted = -int(back["quantity"])
            newest_first = [
                sale["invoice"]
                for sale in reversed(sales)
                if sale["invoiced_at"] <= back["invoiced_at"] and left[sale["invoice"]] > 0
            ]
            equal = [invoice for invoice in newest_first if left[invoice] == wanted]
            for invoice in equal[:1] or newest_first:
                taken = min(left[invoice], wanted)
                if taken:
                    expected.append((back["invoice"], invoice, taken))
                left[invoice] -= taken
                wanted -= taken

    found = ask(
        warehouse,
        """
        select returns.invoice_no, sales.invoice_no, matches.matched_units
        from marts.fct_return_matches as matches
        inner join marts.fct_invoice_lines as returns on matches.return_line_id = returns.line_id
        inner join marts.fct_invoice_lines as sales on matches.sale_line_id = sales.line_id
        """,
    )
    assert len(expected) > 200
    assert sorted(found) == sorted(expected)


def test_later_lines_never_change_an_earlier_match(dbt: Dbt, tmp_path: Path) -> None:
    before = [fields for fields in SHOP if str(fields["invoiced_at"]) < "2011-01-06"]
    early = dbt.build(write_raw(tmp_path / "early", before))
    # a newer sale of just the quantity that came back, and one more return
    later = [
        line("20", "MUG", 4, "2.00", "A", "2011-01-05 10:00:01"),
        line("C21", "MUG", -4, "2.00", "A", "2011-02-01 10:00:00"),
    ]
    late = dbt.build(write_raw(tmp_path / "late", before + later))
    query = "select * from marts.fct_return_matches where returned_at < '2011-01-06' order by all"
    assert ask(early, query) == ask(late, query) != []


@pytest.mark.parametrize(
    ("name", "value"), [("exact_duplicates", "dorp"), ("rfm_recency", "Calendar"), ("as_of_date", "1/12/2011")]
)
def test_an_unknown_setting_stops_the_build_and_is_named(dbt: Dbt, tmp_path: Path, name: str, value: str) -> None:
    warehouse = write_raw(tmp_path, SHOP)
    assert dbt.run("build", warehouse, STAGING).success
    result = dbt.run("build", warehouse, MARTS, {name: value})
    assert not result.success
    assert f"var {name} is '{value}'" in explain(result)


@pytest.mark.parametrize(
    ("damage", "test"),
    [
        ("update intermediate.int_line_dispositions set disposition = 'lost' where disposition = 'duplicate'",
         "assert_every_line_has_one_disposition"),
        ("insert into intermediate.int_line_dispositions from intermediate.int_line_dispositions limit 1",
         "assert_every_line_has_one_disposition"),
        ("update marts.fct_daily_revenue set net_revenue = net_revenue + 1", "assert_revenue_tables_agree"),
        ("update marts.fct_return_matches set matched_units = 11", "assert_returned_never_exceeds_bought"),
        ("update marts.customer_rfm set r_score = 6 - r_score", "assert_equal_values_get_equal_scores"),
        ("update marts.cohort_retention set active_customers = 1", "assert_customer_tables_agree"),
        ("update marts.fct_monthly_customers set existing_net_revenue_as_booked = 1", "assert_customer_tables_agree"),
        ("update marts.revenue_concentration set customers = 1", "assert_customer_tables_agree"),
        ("update seeds.product_categories set keyword = 'Mug' where keyword = 'MUG'", "assert_keywords_can_be_found"),
        ("delete from marts.dim_products where stock_code = 'MUG'", "assert_facts_find_their_dimensions"),
        ("delete from marts.customer_rfm where customer_id = 'A'", "assert_facts_find_their_dimensions"),
        ("delete from marts.dim_dates where date = '2011-01-04'", "continuous_days_dim_dates_date"),
        ("update marts.customer_rfm set rfm_segment = 'Whales'", "assert_segments_are_known"),
        ("insert into marts.segment_moves values (current_date, 'Lost', 'Whales', 1, 1, 0, 0, 1, 1, true)",
         "assert_segments_are_known"),
        ("insert into marts.segment_moves values (current_date, 'New customer', 'Lost', 1, 0, 0, 0, 1, 0, false)",
         "assert_segments_are_known"),
        ("insert into marts.fct_invoice_lines from marts.fct_invoice_lines limit 1",
         "unique_fct_invoice_lines_line_id"),
        ("update seeds.rfm_segments set rfm_segment = 'Champion' where r_score = 5",
         "assert_segments_cover_every_score_once"),
        ("delete from seeds.rfm_segments where r_score = 5", "assert_segments_cover_every_score_once"),
        ("insert into seeds.countries values ('france', 'Gaul', null, null)", "assert_seed_keys_are_unique"),
    ],
)  # fmt: skip
def test_damage_is_found_by_the_test_made_for_it(dbt: Dbt, shop: Path, tmp_path: Path, damage: str, test: str) -> None:
    warehouse = damaged_copy(shop, tmp_path, damage)
    result = dbt.run("test", warehouse, [test])
    assert not result.success, f"{test} did not notice: {damage}"


def month_end(snapshot: str = "2011-02-01", recency_days: int = 0, m_score: int = 1) -> str:
    return (
        f"insert into marts.customer_rfm_monthly values ('2011-01-31', 'A', '{snapshot}', {recency_days}, "
        f"1, 9, 9, 9, 1, 1, {m_score}, '111', 'Lost', null, null, null, 1, 1, 9, 0, false, 'one_time', true)"
    )


def test_a_sound_month_end_is_accepted(shop: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(shop.read_bytes())
    with duckdb.connect(str(warehouse)) as con:
        con.execute(month_end())


@pytest.mark.parametrize(
    "damage",
    [
        "update marts.fct_invoice_lines set line_type = 'gift'",
        "update marts.fct_invoice_lines set net_revenue = gross_revenue + 0.01 where quantity_units between 0 and 100",
        "update marts.fct_invoice_lines set returned_quantity = quantity_units + 1 where line_type = 'sale'",
        "update marts.fct_invoice_lines set matched_quantity = 1 - quantity_units where line_type = 'return'",
        "update marts.fct_daily_revenue set net_revenue_as_booked = null",
        "update marts.customer_rfm set r_score = 6",
        "update marts.customer_rfm set rfm_segment = null",
        "update marts.customer_rfm set frequency = 0",
        "update marts.customer_rfm set last_purchase_at = snapshot_date + interval 1 day",
        month_end(m_score=0),
        month_end(recency_days=-1),
        month_end(snapshot="2011-01-31"),
        "update marts.cohort_retention set age_months = 1, retention_pct = 100.1",
        "update marts.cohort_retention set retention_pct = 99 where age_months = 0",
        "update marts.fct_monthly_customers set existing_customers = existing_customers + 1",
        "update marts.fct_monthly_customers set one_time_customers = -1",
        "update marts.fct_monthly_customers set one_time_customers_so_far = customers_so_far + 1",
        "insert into marts.product_pairs values ('A', 'B', 0, 2, 2, 9, 0, 0, 0, 1)",
        "insert into marts.product_pairs values ('A', 'B', 2, 2, 10, 9, 22, 100, 20, 1)",
        "insert into marts.product_pairs values ('A', 'B', 2, 2, 2, 9, 22, 100, 100, 'nan')",
    ],
)
def test_a_table_refuses_a_row_that_breaks_its_contract(shop: Path, tmp_path: Path, damage: str) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(shop.read_bytes())
    with duckdb.connect(str(warehouse)) as con, pytest.raises(duckdb.ConstraintException):
        con.execute(damage)


def test_unit_tests_pass(dbt: Dbt, shop: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(shop.read_bytes())
    # dbt takes the types of what it makes up from the tables that are there
    result = dbt.run("run", declare_model_tables(dbt, warehouse), REPORTING)
    assert result.success, explain(result)
    result = dbt.run("test", warehouse, ["test_type:unit"])
    assert result.success, explain(result)
    assert len(result.result) >= 118


def test_customer_360_joins_what_the_models_found(dbt: Dbt, shop: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(shop.read_bytes())
    declare_model_tables(dbt, warehouse)
    with duckdb.connect(str(warehouse)) as con:
        con.execute(
            """
            insert into ml.customer_segments by name
            select
                'A' as customer_id, 0 as kmeans_label, 'Regulars' as kmeans_segment,
                'Regulars' as hierarchical_segment, 'Regulars' as mixture_segment, 0.5 as distance,
                true as has_positive_monetary, false as is_outlier_excluded
            """
        )
        con.execute("insert into ml.customer_clv by name select 'A' as customer_id, 12.5 as clv, 0.75 as p_alive")
    result = dbt.run("build", warehouse, REPORTING)
    assert result.success, explain(result)
    assert ask(
        warehouse,
        """
        select
            customer_id, country, monetary_net, kmeans_segment, audience_segment = rfm_segment, clv, p_alive,
            customer_type
        from reporting.customer_360 order by 1
        """,
    ) == [
        ("A", "United Kingdom", Decimal("19.5000"), "Regulars", True, 12.5, 0.75, "one_time"),
        ("B", "France", Decimal("-16.0000"), None, True, None, None, "one_time"),
    ]
