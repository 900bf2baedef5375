"""Orders against their files' own totals, and files against their own counts of records."""

from tests.expectations.conftest import Judge
from warehouse.settings import Settings

ORDERS = """
    insert into intermediate.int_order_totals values
        ('shopify_orders', 1, 'a.csv', 2, '#1', 'Subtotal', 45.00, 45.00, true),
        ('shopify_orders', 1, 'a.csv', 5, '#2', 'Subtotal', 45.00, 30.00, false),
        ('shopify_orders', 1, 'a.csv', 9, '#3', 'Subtotal', 1.00, 2.00, false)
"""


def tolerating(orders: dict[str, int]) -> Settings:
    return Settings.model_validate({"cleaning": {"unreconciled_orders": orders}})


def test_orders_that_differ_from_their_file_stop_and_are_named(judge: Judge) -> None:
    result = judge("orders_add_up", ORDERS)
    assert result.is_blocking
    assert "shopify_orders, 2 of 3 orders" in result.message
    assert "order #2 (a.csv line 5): Subtotal 45.00, read 30.00" in result.message
    # what to paste where the system itself is wrong
    assert '[cleaning.unreconciled_orders]\n"shopify_orders" = 2' in result.message


def test_as_many_as_the_settings_allow_may_differ(judge: Judge) -> None:
    assert judge("orders_add_up", ORDERS, settings=tolerating({"shopify_orders": 2})).status == "passed"
    assert judge("orders_add_up", ORDERS, settings=tolerating({"shopify_orders": 1})).is_blocking
    assert judge("orders_add_up", ORDERS, settings=tolerating({"ebay_orders": 5})).is_blocking


def test_a_file_with_fewer_records_than_it_says_stops(judge: Judge) -> None:
    delivered = """
        insert into raw.deliveries (
            _load_id, _file_name, _source, _layout, _is_export, _told_records, _records_of, _loaded_at,
            _quantity_mark, _unit_price_mark, _line_amount_mark, _discount_amount_mark, _tax_amount_mark
        )
        values (
            77, 'e.csv', 'ebay_orders', 'ebay_orders', true, 2, 'sales_record_number', timestamp '2011-12-10',
            '.', '.', '.', '.', '.'
        )
    """
    rows = """
        insert into raw.ebay_orders (_line_id, _load_id, _file_name, _row_number, sales_record_number)
        values (1, 77, 'e.csv', 2, '5001'), (2, 77, 'e.csv', 3, '5001')
    """
    another = "insert into raw.ebay_orders (_line_id, _load_id, _file_name, _row_number, sales_record_number) " + (
        "values (3, 77, 'e.csv', 4, '5002')"
    )
    result = judge("records_are_complete", delivered, rows)
    assert result.is_blocking
    assert "says that it holds 2 records and holds 1" in result.message
    assert judge("records_are_complete", delivered, rows, another).status == "passed"
