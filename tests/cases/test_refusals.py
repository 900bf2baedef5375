"""Runs that must stop: what a person is told, what they type, and that it helps.

Every file lies alone in landing, as somebody first delivers it. A refusal names the file, what
is the matter with it and the line for the settings; the figures after that answer are right.
"""

import io
import tomllib
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
import xlsxwriter

from tests.cases import reported
from tests.cases.shop import Case, Published, Row, csv_text, every, line, shop
from tests.command import regulars

Alone = Callable[..., Published]


def _refusal(published: Published) -> str:
    """What stopped the run, all problems in one text."""
    assert not published.outcome.succeeded
    assert not published.home.published.exists()
    return "\n".join(published.outcome.problems)


def _says(text: str, *words: str) -> None:
    missing = [word for word in words if word.casefold() not in text.casefold()]
    assert not missing, f"{missing} is not in: {text}"


def _block(text: str) -> str:
    """The part of a refusal to paste into the settings: as many lines from the first section on as are TOML."""
    lines = text[text.index("\n[") + 1 :].splitlines()
    for end in range(len(lines), 0, -1):
        pasted = "\n".join(lines[:end])
        try:
            tomllib.loads(pasted)
        except tomllib.TOMLDecodeError:
            continue
        return pasted
    raise AssertionError(f"nothing to paste is in: {text}")


def _with_status(header: str, usual: str, *words: str) -> str:
    rows = shop(lambda row: {**row, header: usual})
    off = [
        {**line(640001 + n, "P07", "CAKE STAND", 50, at, "14.00", 9001), header: word}
        for n, (word, at) in enumerate(zip(words, every(20, "2024-02-01 09:00:00", len(words)), strict=True))
    ]
    return csv_text(rows + off)


class TestStatus:
    def test_a_status_that_nobody_mapped_stops_the_run_with_the_line_to_add(self, alone: Alone) -> None:
        told = _refusal(alone(reported.cancelled_status()))
        _says(told, "orders.csv", "Order Status", "cancelled", "failed", "refunded", "pending", "trash")
        _says(told, "[[landing.sources]]", 'status = "Order Status"')
        # and how to say that the column does not matter
        _says(told, 'ignore = ["Order Status"]')
        (source,) = tomllib.loads(_block(told))["landing"]["sources"]
        assert (source["files"], source["columns"]) == ("orders.csv", {"status": "Order Status"})

    def test_whatever_the_language_and_the_letters(self, alone: Alone) -> None:
        statuses = {
            "verkauf.csv": ("Bestellstatus", "abgeschlossen", ("storniert", "fehlgeschlagen")),
            "ventes.csv": ("Statut", "terminée", ("annulée", "en attente")),
            "ventas.csv": ("Estado", "completado", ("cancelado", "reembolsado")),
            "sales.csv": ("Payment State", "PAID", ("VOIDED", "Unpaid")),
        }
        files = {name: _with_status(header, usual, *words) for name, (header, usual, words) in statuses.items()}
        told = _refusal(alone(Case("statuses", files)))
        for name, (header, _, words) in statuses.items():
            _says(told, name, header, *words, f'status = "{header}"')


class TestCurrency:
    def test_two_currencies_stop_the_run_with_the_line_to_add(self, alone: Alone) -> None:
        told = _refusal(alone(reported.two_currencies()))
        _says(told, "orders.csv", "Currency", "GBP", "201", "JPY", "8")
        _says(told, "[[landing.sources]]", 'currency = "Currency"')
        (source,) = tomllib.loads(_block(told))["landing"]["sources"]
        assert (source["files"], source["columns"]) == ("orders.csv", {"currency": "Currency"})

    def test_whatever_the_column_is_called(self, alone: Alone) -> None:
        currencies = {
            "ventes.csv": ("Devise", "GBP", "CHF"),
            "verkauf.csv": ("Währung", "GBP", "EUR"),
            "sales.csv": ("currency_code", "gbp", "usd"),
        }
        files: dict[str, str | bytes] = {}
        for name, (header, usual, other) in currencies.items():
            rows = shop(lambda row, header=header, usual=usual: {**row, header: usual})
            for row in rows[::10]:
                row[header] = other
            files[name] = csv_text(rows)
        told = _refusal(alone(Case("currencies", files)))
        for name, (header, usual, other) in currencies.items():
            _says(told, name, header, usual, other, f'currency = "{header}"')


class TestDiscount:
    def test_a_discount_that_nobody_mapped_stops_the_run_and_comes_off_once_it_is(self, alone: Alone) -> None:
        """Of 201 lines one has 2.00 off: 12 x 14.00 came to 166.00."""
        rows = shop(lambda row: {**row, "Discount": "0.00"})
        rows.append(line("640001", "P07", "CAKE STAND", 12, "2024-02-01 09:00:00", "14.00", 9001, Discount="2.00"))
        told = _refusal(alone(Case("discounts", {"orders.csv": csv_text(rows)})))
        _says(told, "orders.csv", 'column "Discount" has "2.00" on 1 line of 202', 'ignore = ["Discount"]')
        answered = alone(settings=_block(told))
        assert answered.outcome.succeeded, answered.outcome.problems
        assert answered.customer("9001")[1] == Decimal("166.00")

    def test_a_discount_of_the_whole_order_comes_off_once(self, alone: Alone) -> None:
        """12 x 14.00 and 1 x 18.00 are 186.00, less 4.50, which stands on both lines, are 181.50."""
        rows = shop(lambda row: {**row, "Discount": "0.00"})
        for code, name, units, price in (("P07", "CAKE STAND", 12, "14.00"), ("P09", "DOOR MAT", 1, "18.00")):
            rows.append(line("640001", code, name, units, "2024-02-01 09:00:00", price, 9001, Discount="4.50"))
        told = _refusal(alone(Case("discounts", {"orders.csv": csv_text(rows)})))
        _says(told, "orders.csv", 'column "Discount" has "4.50" on 2 lines of 203, the same on all lines of an order')
        answered = alone(settings=_block(told))
        assert answered.outcome.succeeded, answered.outcome.problems
        assert answered.customer("9001") == (1, Decimal("181.50"))

    def test_what_a_line_came_to_counts_once_it_is_mapped(self, alone: Alone) -> None:
        """Nothing says what came off but the amount: 12 x 14.00 came to 166.00."""
        rows = shop(lambda row: {**row, "Line Total": f"{int(row['Quantity']) * Decimal(row['UnitPrice']):.2f}"})
        sale = line("640001", "P07", "CAKE STAND", 12, "2024-02-01 09:00:00", "14.00", 9001)
        told = _refusal(alone(Case("totals", {"orders.csv": csv_text([*rows, {**sale, "Line Total": "166.00"}])})))
        _says(told, "orders.csv", 'column "Line Total" has "166.00 for 12 × 14.00" on 1 line of 202')
        answered = alone(settings=_block(told))
        assert answered.outcome.succeeded, answered.outcome.problems
        assert answered.customer("9001")[1] == Decimal("166.00")


class TestUnknownFiles:
    def test_a_header_that_nobody_knows_is_told_whole_with_what_to_type(self, alone: Alone) -> None:
        told = _refusal(alone(reported.unknown_header()))
        _says(told, "orders_1.csv", "Item price", "[[landing.sources]]")

    def test_what_it_says_to_type_can_be_pasted_and_is_right(self, alone: Alone) -> None:
        told = _refusal(alone(reported.unknown_header()))
        answered = alone(settings=_block(told))
        assert answered.outcome.succeeded, answered.outcome.problems
        assert answered.rows(
            "select count(*), count(distinct invoice_no), count(distinct customer_id), sum(net_revenue)"
            " from marts.fct_invoice_lines"
        ) == [(76, 41, 20, Decimal("1222.35"))]

    def test_the_headers_of_a_known_system_need_no_answer(self, alone: Alone) -> None:
        loaded = alone(reported.shopify())
        assert loaded.outcome.succeeded, loaded.outcome.problems
        assert loaded.rows(
            "select count(*), count(distinct invoice_no), count(distinct customer_id), sum(net_revenue)"
            " from marts.fct_invoice_lines"
        ) == [(76, 41, 20, Decimal("1222.35"))]

    def test_the_command_ends_with_1_and_says_so(self, alone: Alone) -> None:
        home = alone(reported.unknown_header()).home
        done = regulars("refresh", home=home.root)
        assert done.returncode == 1
        _says(done.stdout, "Not published", "orders_1.csv", "Item price", "[[landing.sources]]")

    @pytest.mark.parametrize(
        ("header", "missing"),
        [
            ("InvoiceNo,StockCode,Quantity,When,UnitPrice,CustomerID", "invoice_date"),
            ("Slip,StockCode,Description,Quantity,InvoiceDate,UnitPrice", "invoice"),
            ("InvoiceNo,StockCode,Quantity,InvoiceDate,Amt,CustomerID", "unit_price"),
        ],
    )
    def test_a_header_that_lacks_one_column_names_it(self, alone: Alone, header: str, missing: str) -> None:
        case = Case("lacks", {"tills.csv": f"{header}\n1,P07,2,2024-03-01 10:00:00,14.00,9001\n"})
        _says(_refusal(alone(case)), "tills.csv", missing, header.split(",")[-1], "[[landing.sources]]")


class TestEmptyValues:
    def test_a_file_whose_every_price_is_missing_is_refused(self, alone: Alone) -> None:
        prices = {"blank.csv": "", "nought.csv": "0", "pennies.csv": "0.00"}
        files = {
            name: csv_text(shop(lambda row, price=price: {**row, "UnitPrice": price})) for name, price in prices.items()
        }
        told = _refusal(alone(Case("unpriced", {**files, "priced.csv": csv_text(shop())})))
        _says(told, *prices, "price")
        assert "priced.csv" not in told

    def test_formulas_that_were_never_calculated_are_told_as_that(self, alone: Alone) -> None:
        written = io.BytesIO()
        with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
            sheet = book.add_worksheet("Sales")
            rows = shop()
            sheet.write_row(0, 0, list(rows[0]))
            for number, row in enumerate(rows, start=1):
                for position, (header, value) in enumerate(row.items()):
                    if header == "UnitPrice":
                        sheet.write_formula(number, position, f"=10*{value}/10", None, "")
                    elif header == "Quantity":
                        sheet.write_number(number, position, int(value))
                    else:
                        sheet.write_string(number, position, value)
        case = Case("formulas", {"formulas.xlsx": written.getvalue()})
        _says(_refusal(alone(case)), "formulas.xlsx", "price")


def _on(day: str, count: int) -> list[Row]:
    return [line(670000 + n, "P07", "CAKE STAND", 1, f"{day} 09:15", "14.00", 9000 + n) for n in range(1, count + 1)]


class TestDates:
    def test_a_day_that_nothing_tells_stops_for_one_word(self, alone: Alone) -> None:
        ambiguous = Case("ambiguous", {"sales.csv": csv_text(_on("05/04/2024", 30))})
        told = _refusal(alone(ambiguous))
        _says(told, "sales.csv", "05/04/2024", "date_order", "day_first", "month_first", "30")
        answered = alone(settings='[landing]\ndate_order = "month_first"\n')
        assert answered.outcome.succeeded, answered.outcome.problems
        assert answered.rows("select date, net_revenue from marts.fct_daily_revenue") == [
            (date(2024, 5, 4), Decimal("420.00"))
        ]

    def test_a_spreadsheet_that_swapped_days_and_months_is_mended_or_refused(self, alone: Alone) -> None:
        # all of June 2024, written with the day first into a spreadsheet that expects the month first:
        # the days up to the 12th became dates with day and month exchanged, the others stayed text
        written = io.BytesIO()
        with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
            sheet = book.add_worksheet("Sales")
            style = book.add_format({"num_format": "dd/mm/yyyy"})
            sheet.write_row(0, 0, list(_on("x", 1)[0]))
            number = 0
            for day in range(1, 31):
                for row in _on("x", 4):
                    number += 1
                    for position, (header, value) in enumerate(row.items()):
                        if header == "InvoiceNo":
                            sheet.write_string(number, position, f"{day}{value}")
                        elif header != "InvoiceDate":
                            sheet.write_string(number, position, value)
                        elif day <= 12:
                            sheet.write_datetime(number, position, datetime(2024, day, 6), style)
                        else:
                            sheet.write_string(number, position, f"{day}/06/2024")
        published = alone(Case("swapped", {"june.xlsx": written.getvalue()}))
        if published.outcome.succeeded:
            assert published.rows(
                "select min(date), max(date), count(*), sum(net_revenue) from marts.fct_daily_revenue"
            ) == [(date(2024, 6, 1), date(2024, 6, 30), 30, Decimal("1680.00"))]
            assert published.is_told("june.xlsx", "month")
        else:
            _says(_refusal(published), "june.xlsx", "day", "month")


CREDIT_NOTE = [
    line("540001", "P07", "CAKE STAND", 2, "2024-03-04 10:00:00", "14.00", 9001),
    line("C540002", "P07", "CAKE STAND", -2, "2024-03-05 10:00:00", "14.00", 9001),
]
"""What makes a source one with the habits of the gift shop: its numbers with C are negative."""


class TestHabits:
    def test_a_code_that_takes_more_than_a_twentieth_of_the_money_stops_the_run(self, alone: Alone) -> None:
        # nothing says what POST is here, but that it is a tenth of the money
        posts = line("540003", "POST", "", 1, "2024-03-06 10:00:00", "555.00", 9002)
        told = _refusal(alone(Case("post", {"orders.csv": csv_text([*shop(), *CREDIT_NOTE, posts])})))
        _says(told, "orders.csv", "POST", "555.00", 'product_codes = ["POST"]')
        answered = alone(settings=_block(told))
        assert answered.outcome.succeeded, answered.outcome.problems
        assert answered.customer("9002") == (1, Decimal("555.00"))

    def test_a_letter_that_takes_more_than_a_twentieth_of_the_money_stops_the_run(self, alone: Alone) -> None:
        # orders of a marketplace, which names no customers: 20 x 28.00 of 5,580.60
        market = [
            line(f"A{550001 + n}", "P07", "CAKE STAND", 2, at, "14.00", "")
            for n, at in enumerate(every(7, "2024-02-01 10:00:00", 20))
        ]
        told = _refusal(alone(Case("market", {"orders.csv": csv_text(shop() + CREDIT_NOTE + market)})))
        _says(told, "orders.csv", "begin with A", "20 lines", "560.00", 'profile = "plain"')


class TestLeaving:
    def test_a_bad_file_that_has_left_landing_blocks_nothing(self, alone: Alone) -> None:
        _refusal(alone(Case("bad", {"bad.csv": _with_status("Order Status", "completed", "cancelled")})))
        good = Case("good", {"good.csv": csv_text(shop())})
        blocked = alone(good)
        _says(_refusal(blocked), "bad.csv")
        (blocked.home.landing / "bad.csv").unlink()
        published = alone()
        assert published.outcome.succeeded, published.outcome.problems
        # the same 201 lines came in both; the 700.00 that were cancelled in one only
        assert published.rows("select sum(monetary_net), count(*) from marts.customer_rfm") == [
            (Decimal("4992.60"), 30)
        ]
