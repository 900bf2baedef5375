"""Columns of states, currencies, kinds and refunds that nothing reads: what stops, what is said, what is typed."""

from __future__ import annotations

import tomllib

import pytest

from expectations.results import CheckResult
from tests.expectations.conftest import DELIVERY, Judge
from warehouse.settings import Settings


def unread(header: str, role: str, *values: tuple[str | None, int], load_id: int = 1) -> list[str]:
    file_name = "2011-03-04.csv" if load_id == 1 else f"{load_id}.csv"
    return [
        f"insert into raw.unused_columns values ({load_id}, '{file_name}', '{header}', '{role}', "
        f"{'null' if value is None else repr(value)}, {lines})"
        for value, lines in values
    ]


def delivered(load_id: int) -> list[str]:
    return [
        DELIVERY.format(load_id=load_id, file_name=f"{load_id}.csv"),
        "insert into quality.load_ledger (load_id, file_name, recorded_at, status, kind, layout, delivered_lines) "
        f"values ({load_id}, '{load_id}.csv', timestamp '2011-12-10', 'loaded', 'transactions', 'invoice_lines', 7)",
    ]


def answer_of(result: CheckResult) -> dict:
    """What the settings hold once the lines below the message were pasted."""
    return tomllib.loads(result.message[result.message.index("\n[") :])


def test_a_status_with_cancelled_orders_stops_with_file_column_words_and_lines(judge: Judge) -> None:
    statuses = unread("Order Status", "status", ("completed", 2), ("cancelled", 2), ("Pending ", 1))

    result = judge("columns_that_matter_are_read", *statuses)

    assert result.is_blocking
    assert result.message.splitlines() == [
        "staging.stg_transactions: a column that nothing reads says that amounts don't count as they stand: "
        '2011-03-04.csv: column "Order Status" has "cancelled" on 2 lines, "Pending" on 1 line of 5, '
        "and these count as sales. Say in regulars.toml what the column is, or that it does not matter; the files are "
        "then read again",
        "[[landing.sources]]",
        'name = "2011-03-04"',
        'files = "2011-03-04.csv"',
        'columns = { status = "Order Status" }',
        "# these words, and others of the kind, are then no sale; to name all that are: "
        'not_sales = ["cancelled", "pending"]',
        '# or, if it does not matter: ignore = ["Order Status"]',
    ]
    assert answer_of(result) == {
        "landing": {
            "sources": [{"name": "2011-03-04", "files": "2011-03-04.csv", "columns": {"status": "Order Status"}}]
        }
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("2.00", "3.50"), None),
        (("0.47", "0,1"), "share"),
        (("10 %", "5 %"), None),
        (("£2.00", "0.50"), None),
    ],
)
def test_a_discount_beside_quantity_times_price_stops_with_how_to_take_it_off(
    judge: Judge, values: tuple[str, str], said: str | None
) -> None:
    told = unread("Discount", "discount", ("0.00", 2), (values[0], 2), (values[1], 1))

    result = judge("columns_that_matter_are_read", *told)

    assert result.is_blocking
    assert (
        f'column "Discount" has "{values[0]}" on 2 lines, "{values[1]}" on 1 line of 5, '
        "and nothing takes that off quantity times price."
    ) in result.message
    (source,) = answer_of(result)["landing"]["sources"]
    assert (source["columns"], source.get("discount_is")) == ({"discount_amount": "Discount"}, said)
    assert '# or, if it does not matter: ignore = ["Discount"]' in result.message


def test_what_a_line_came_to_stops_where_quantity_times_price_is_more(judge: Judge) -> None:
    told = unread("Line Total", "amount", ("25.00 for 3 × 10.00", 2)) + unread("Discount", "discount", ("5.00", 2))

    result = judge("columns_that_matter_are_read", *told)

    assert result.is_blocking
    assert (
        'column "Line Total" has "25.00 for 3 × 10.00" on 2 lines of 5, and quantity times price, which counts, is more'
    ) in result.message
    # the discount is in it
    assert answer_of(result)["landing"]["sources"][0]["columns"] == {"line_amount": "Line Total"}


def test_a_discount_that_may_be_the_whole_orders_is_for_a_person_to_judge(judge: Judge) -> None:
    result = judge(
        "columns_that_matter_are_read", *unread("Order Discount", "order_discount", ("0.00", 2), ("2.80", 3))
    )

    assert result.is_blocking
    assert (
        'column "Order Discount" has "2.80" on 3 lines of 5, the same on all lines of an order, and nothing takes that '
        "off them"
    ) in result.message
    (source,) = answer_of(result)["landing"]["sources"]
    assert (source["columns"], source["discount_is"]) == ({"discount_amount": "Order Discount"}, "whole_order")
    assert 'if each of them has it: "amount", or "per_cent"' in result.message
    assert '# or, if it does not matter: ignore = ["Order Discount"]' in result.message


def test_a_whole_number_on_all_lines_of_an_order_may_be_a_rate_and_nothing_is_chosen(judge: Judge) -> None:
    told = unread("Discount", "order_discount", ("0", 2), ("10", 3))

    result = judge("columns_that_matter_are_read", *told)

    (source,) = answer_of(result)["landing"]["sources"]
    assert source.keys() == {"name", "files"}
    assert '# columns = { discount_amount = "Discount" }\n# discount_is = "whole_order"' in result.message


@pytest.mark.parametrize("values", [[("0.00", 5)], [("0 %", 3), (None, 2)], [("SUMMER10", 5)], [("True", 5)]])
def test_a_discount_of_nothing_is_left_alone(judge: Judge, values: list[tuple[str | None, int]]) -> None:
    assert judge("columns_that_matter_are_read", *unread("Discount", "discount", *values)).status == "passed"


@pytest.mark.parametrize("word", ["cancelled", " CANCELLED ", "Can-celled", "annulée", "Annulee", "pending"])
def test_a_word_is_known_whatever_its_letters_blanks_and_accents(judge: Judge, word: str) -> None:
    assert judge("columns_that_matter_are_read", *unread("Statut", "status", (word, 5))).is_blocking


@pytest.mark.parametrize(
    "values",
    [[("completed", 4), ("shipped", 1)], [(None, 5)], [("not cancelled", 5)], [("guest", 3), ("refund", 2)]],
    ids=["good states", "blank", "longer text", "words of other meanings"],
)
def test_a_status_without_such_a_word_is_left_alone(judge: Judge, values: list[tuple[str | None, int]]) -> None:
    assert judge("columns_that_matter_are_read", *unread("Order Status", "status", *values)).status == "passed"


@pytest.mark.parametrize("yes", ["TRUE", "yes", "1", "Ja"])
def test_a_column_called_cancelled_speaks_by_yes_and_no(judge: Judge, yes: str) -> None:
    result = judge("columns_that_matter_are_read", *unread("Cancelled", "status", (yes, 1), ("no", 4)))

    assert result.is_blocking
    # no word of the seed's, so the settings have to name it
    assert answer_of(result)["landing"]["sources"][0]["not_sales"] == [yes.lower()]


@pytest.mark.parametrize("header", ["Void?", "is_void", "Deleted", "is_deleted", "isDeleted"])
def test_what_no_longer_holds_by_its_header_speaks_by_yes_and_no(judge: Judge, header: str) -> None:
    result = judge("columns_that_matter_are_read", *unread(header, "status", ("true", 1), ("false", 4)))

    assert result.is_blocking
    (source,) = answer_of(result)["landing"]["sources"]
    assert (source["columns"], source["not_sales"]) == ({"status": header}, ["true"])


def test_a_yes_to_whether_it_came_back_stops_where_no_minus_says_it(judge: Judge) -> None:
    flags = unread("is_returned", "refund", ("true", 2), ("false", 3))

    result = judge("columns_that_matter_are_read", *flags)

    assert result.is_blocking
    assert 'column "is_returned" has "true" on 2 lines of 5, and these count as sales' in result.message
    (source,) = answer_of(result)["landing"]["sources"]
    assert (source["columns"], source["not_sales"]) == ({"status": "is_returned"}, ["true"])
    minus = "update staging.stg_transactions set signed_amount = -1 where delivered_line_id in "
    two = "(select delivered_line_id from staging.stg_transactions order by 1 limit 2)"
    assert judge("columns_that_matter_are_read", *flags, minus + two).status == "passed"


def test_yes_in_another_status_is_no_cancellation(judge: Judge) -> None:
    assert judge("columns_that_matter_are_read", *unread("Paid status", "status", ("yes", 1))).status == "passed"


@pytest.mark.parametrize(
    ("header", "unpaid", "paid"), [("Paid", "No", "Yes"), ("Bezahlt", "nein", "ja"), ("is_paid", "0", "1")]
)
def test_a_no_to_whether_it_was_paid_stops_with_the_word(judge: Judge, header: str, unpaid: str, paid: str) -> None:
    result = judge("columns_that_matter_are_read", *unread(header, "status", (unpaid, 1), (paid, 4)))

    assert result.is_blocking
    (source,) = answer_of(result)["landing"]["sources"]
    assert (source["columns"], source["not_sales"]) == ({"status": header}, [unpaid.lower()])


def test_a_yes_to_whether_it_is_unpaid_stops(judge: Judge) -> None:
    assert judge("columns_that_matter_are_read", *unread("Unpaid", "status", ("yes", 1), ("no", 4))).is_blocking


def test_what_was_paid_is_no_answer_to_whether_it_was(judge: Judge) -> None:
    amounts = unread("Paid", "status", ("20.00", 3), ("0", 1), ("1", 1))

    assert judge("columns_that_matter_are_read", *amounts).status == "passed"
    assert judge("columns_that_matter_are_read", *unread("Paid", "status", ("yes", 5))).status == "passed"


def test_what_stands_beside_sales_stops_where_sales_are_named(judge: Judge) -> None:
    papers = unread("Document Type", "kind", ("Invoice", 4), ("Delivery Note", 1))
    result = judge("columns_that_matter_are_read", *papers)

    assert result.is_blocking
    assert 'column "Document Type" has "Delivery Note" on 1 line of 5, and these count as sales' in result.message
    assert answer_of(result)["landing"]["sources"][0]["columns"] == {"kind": "Document Type"}
    # who has nothing but delivery notes sold by them
    alone = unread("Document Type", "kind", ("Delivery Note", 5))
    assert judge("columns_that_matter_are_read", *alone).status == "passed"


def test_days_of_cancellation_warn_since_no_setting_can_leave_them_out(judge: Judge) -> None:
    days = unread("Cancelled at", "status", ("2011-03-05 10:00", 2), ("2011-03-06 10:00", 1))

    assert judge("columns_that_matter_are_read", *days).status == "passed"
    result = judge("cancelled_orders_are_left_out", *days)
    assert not result.is_blocking
    assert '2011-03-04.csv: column "Cancelled at" is filled on 3 lines, e.g. "2011-03-05 10:00"' in result.message
    assert judge("cancelled_orders_are_left_out", *unread("Status at", "status", ("2011-03-05", 2))).status == "passed"


def test_two_currencies_stop_with_the_lines_of_each(judge: Judge) -> None:
    result = judge("columns_that_matter_are_read", *unread("Currency", "currency", ("GBP", 4), ("JPY", 1)))

    assert result.is_blocking
    assert 'column "Currency" has "GBP" on 4 lines, "JPY" on 1 line of 5, and the amounts were added up as GBP' in (
        result.message
    )
    assert answer_of(result)["landing"]["sources"][0]["columns"] == {"currency": "Currency"}


def test_one_currency_that_is_not_the_shops_stops_and_may_be_the_shops(judge: Judge) -> None:
    result = judge("columns_that_matter_are_read", *unread("Currency", "currency", ("eur", 5)))

    assert result.is_blocking
    assert '# or, if the shop counts in it: currency = "EUR" under [shop]' in result.message.splitlines()


@pytest.mark.parametrize(("shop", "written"), [("GBP", "gbp"), ("GBP", " £"), ("EUR", "€"), ("USD", "$"), ("JPY", "¥")])
def test_the_shops_own_currency_is_no_trouble_however_it_is_written(judge: Judge, shop: str, written: str) -> None:
    values = unread("Currency", "currency", (written, 3), (shop, 1), (None, 1))

    settings = Settings.model_validate({"shop": {"currency": shop}})
    assert judge("columns_that_matter_are_read", *values, settings=settings).status == "passed"


def test_a_column_of_amounts_or_of_one_name_is_no_currency(judge: Judge) -> None:
    amounts = unread("Currency rate", "currency", ("1.25", 3), ("1.3", 2))
    name = unread("Currency name", "currency", ("Pound sterling", 5))

    assert judge("columns_that_matter_are_read", *amounts, *name).status == "passed"


def test_one_answer_holds_all_columns_of_a_file(judge: Judge) -> None:
    """Of two mappings that fit a file only the first is used."""
    result = judge(
        "columns_that_matter_are_read",
        *unread("Currency", "currency", ("EUR", 5)),
        *unread("Financial Status", "status", ("pending", 1), ("paid", 4)),
        *unread("Fulfillment Status", "status", ("cancelled", 1), ("shipped", 4)),
    )

    (source,) = answer_of(result)["landing"]["sources"]
    assert source["columns"] == {"status": "Financial Status", "currency": "Currency"}
    assert '# only one column can be the status; of the others: ignore = ["Fulfillment Status"]' in result.message
    assert '"Fulfillment Status" has "cancelled" on 1 line' in result.message


def test_files_alike_are_told_together_and_others_apart(judge: Judge) -> None:
    result = judge(
        "columns_that_matter_are_read",
        *delivered(2),
        *delivered(3),
        *unread("Status", "status", ("cancelled", 1)),
        *unread("Status", "status", ("cancelled", 2), load_id=2),
        *unread("Storno", "status", ("ja", 1), load_id=3),
    )

    # 5 lines and 7
    assert (
        '2 groups of files:\n  2.csv and one more file: column "Status" has "cancelled" on 3 lines of 12, and these '
        'count as sales\n  3.csv: column "Storno" has "ja" on 1 line of 7'
    ) in result.message
    assert [source["files"] for source in answer_of(result)["landing"]["sources"]] == ["*", "3.csv"]


def test_a_file_with_a_mapping_is_answered_in_that_mapping(judge: Judge) -> None:
    result = judge(
        "columns_that_matter_are_read",
        "update quality.load_ledger set source_mapping = 'web \"shop\"'",
        *unread("Status", "status", ("cancelled", 1)),
    )

    assert result.message.splitlines()[1:4] == [
        '# in the entry of [[landing.sources]] with name = "web \\"shop\\"":',
        "# into the braces of its columns:",
        'status = "Status"',
    ]


def test_a_header_with_quotes_in_it_is_pasted_whole(judge: Judge) -> None:
    result = judge("columns_that_matter_are_read", *unread('Order "Status" \\ now', "status", ("cancelled", 1)))

    assert answer_of(result)["landing"]["sources"][0]["columns"] == {"status": 'Order "Status" \\ now'}


def test_plain_transactions_say_so_in_the_answer(judge: Judge) -> None:
    result = judge(
        "columns_that_matter_are_read",
        "update raw.deliveries set _layout = 'transactions'",
        *unread("Status", "status", ("cancelled", 1)),
    )

    assert answer_of(result)["landing"]["sources"][0]["layout"] == "transactions"


@pytest.mark.parametrize("amount", ["10.00", "-10,00 €", "$1,250.00", "EUR 5", "2"])
def test_refunds_beside_the_sales_stop_since_nothing_takes_them_off(judge: Judge, amount: str) -> None:
    result = judge("columns_that_matter_are_read", *unread("Amount Refunded", "refund", (amount, 1), ("0.00", 4)))

    assert result.is_blocking
    assert (
        f'column "Amount Refunded" has "{amount}" on 1 line of 5, and nothing takes that off the sales'
        in result.message
    )
    assert answer_of(result) == {
        "landing": {"sources": [{"name": "2011-03-04", "files": "2011-03-04.csv", "ignore": ["Amount Refunded"]}]}
    }


@pytest.mark.parametrize("value", ["0.00", "€0,00", "-", "no", "2011-03-05", "see order 12 of May"])
def test_a_column_of_refunds_that_has_none_is_left_alone(judge: Judge, value: str) -> None:
    assert judge("columns_that_matter_are_read", *unread("Refunds", "refund", (value, 5))).status == "passed"


def test_a_kind_that_says_return_stops_where_no_minus_says_it(judge: Judge) -> None:
    kinds = unread("Belegart", "kind", ("Rechnung", 3), ("Refund", 2))

    result = judge("columns_that_matter_are_read", *kinds)
    assert result.is_blocking
    assert 'column "Belegart" has "Refund" on 2 lines of 5, and these count as sales' in result.message
    assert answer_of(result)["landing"]["sources"][0]["columns"] == {"kind": "Belegart"}
    # both lines are negative already
    minus = "update staging.stg_transactions set signed_amount = -1 where delivered_line_id in "
    two = "(select delivered_line_id from staging.stg_transactions order by 1 limit 2)"
    assert judge("columns_that_matter_are_read", *kinds, minus + two).status == "passed"


def test_a_word_of_both_meanings_is_a_return_among_kinds(judge: Judge) -> None:
    result = judge("columns_that_matter_are_read", *unread("Belegart", "kind", ("Rechnung", 3), ("Storno", 2)))

    assert answer_of(result)["landing"]["sources"][0]["columns"] == {"kind": "Belegart"}


def test_a_kind_that_is_no_sale_is_told_as_a_kind(judge: Judge) -> None:
    result = judge("columns_that_matter_are_read", *unread("Event Type", "kind", ("sale", 3), ("cancelled", 2)))

    # a kind's words for no sale count as a state's do
    assert answer_of(result)["landing"]["sources"][0]["columns"] == {"kind": "Event Type"}


def test_words_of_kinds_and_states_that_nobody_knows_are_told_with_their_money(judge: Judge) -> None:
    kinds = "update raw.transactions set line_kind = case when _row_number = 3 then 'Gift Voucher' else 'Invoice' end"
    result = judge("words_are_known", kinds, "update raw.transactions set status = 'Completed'")

    assert (result.status, result.is_blocking) == ("failed", False)
    assert '2011-03-04.csv: kind "Gift Voucher" on 1 line with 2.00' in result.message
    assert "Invoice" not in result.message and "Completed" not in result.message
    # who lists the words has said what they are
    listed = "update raw.deliveries set _return_words = ['refund']"
    assert judge("words_are_known", kinds, listed).status == "passed"
