"""What typing lost, guessed or took for nobody, told file by file."""

from __future__ import annotations

import pytest

from tests.expectations.conftest import DELIVERY, Judge
from warehouse.settings import Settings, Shop


def file_of(lines: int, lost: int, change: str, name: str = "b.csv") -> list[str]:
    """A second file of so many lines, of which the first ones are changed."""
    return [
        "insert into quality.load_ledger (load_id, file_name, recorded_at, status, kind, layout, delivered_lines) "
        f"values (2, '{name}', timestamp '2011-12-10', 'loaded', 'transactions', 'invoice_lines', {lines})",
        "insert into staging.stg_transactions "
        "select staged.* replace ((2::bigint << 32) + i as delivered_line_id, 2 as load_id, "
        f"'{name}' as file_name, i as row_number) "
        f"from (from staging.stg_transactions limit 1) as staged, range(2, {lines + 2}) as t (i)",
        f"update staging.stg_transactions set {change} where load_id = 2 and row_number < {lost + 2}",
        "insert into staging.stg_delivered_text "
        "select delivered_line_id, '4,99' from staging.stg_transactions where load_id = 2",
    ]


PRICE_LOST = (
    "is_readable = false, is_unit_price_lost = true, unit_price = null, signed_amount = null, "
    """unreadable_reason = 'unit price "4,99" is not an amount that fits'"""
)


class TestLostValues:
    def test_many_of_a_file_stop_the_run_with_the_line_to_add(self, judge: Judge) -> None:
        result = judge("values_survive_typing", *file_of(400, 22, PRICE_LOST))

        assert result.is_blocking
        assert (
            'b.csv: 22 amounts (as text: "4,99") on 22 of 400 lines (5.5%), e.g. line 2: unit price "4,99" is not an '
            "amount that fits. "
        ) in result.message
        assert result.message.splitlines()[1:] == [
            "[[landing.sources]]",
            'name = "b"',
            'files = "b.csv"',
            'decimal_mark = ","  # or "."',
        ]

    @pytest.mark.parametrize(("lines", "lost"), [(420, 21), (100, 20)], ids=["exactly a twentieth", "20 lines"])
    def test_fewer_are_told_with_their_text_and_stop_nothing(self, judge: Judge, lines: int, lost: int) -> None:
        spoil = file_of(lines, lost, PRICE_LOST)

        assert judge("values_survive_typing", *spoil).status == "passed"
        told = judge("lost_values_are_told", *spoil)
        assert not told.is_blocking
        assert f'{lost} amounts (as text: "4,99") on {lost} of {lines} lines' in told.message

    def test_one_line_of_many_is_told(self, judge: Judge) -> None:
        assert judge("lost_values_are_told", *file_of(10_000, 1, PRICE_LOST)).status == "failed"
        assert judge("lost_values_are_told", *file_of(10_000, 0, PRICE_LOST)).status == "passed"

    def test_what_stops_the_run_is_not_told_twice(self, judge: Judge) -> None:
        assert judge("lost_values_are_told", *file_of(400, 21, PRICE_LOST)).status == "passed"

    def test_a_discount_that_cannot_be_read_is_a_lost_amount(self, judge: Judge) -> None:
        reason = """is_readable = false, unreadable_reason = 'discount "a fifth" is not an amount that fits'"""

        told = judge("lost_values_are_told", *file_of(10, 2, reason))

        assert '2 amounts (as text: "4,99") on 2 of 10 lines' in told.message
        # no decimal mark makes an amount of it
        assert "decimal_mark" not in told.message

    @pytest.mark.parametrize(
        ("reason", "answer"),
        [
            ('invoice date "45300.5" cannot be read', "date_format = "),
            ("date 2026-12-11 lies after the delivery", 'date_order = "day_first"'),
        ],
    )
    def test_the_answer_fits_what_was_lost(self, judge: Judge, reason: str, answer: str) -> None:
        lost = f"is_readable = false, is_invoice_date_lost = true, invoiced_at = null, unreadable_reason = '{reason}'"

        assert answer in judge("values_survive_typing", *file_of(30, 30, lost)).message.splitlines()[-1]

    def test_dates_that_most_lines_write_otherwise_are_told_with_their_money(self, judge: Judge) -> None:
        """No date_format is right for both; 2 lines of 7.00 each are left out."""
        lost = (
            "is_readable = false, is_invoice_date_lost = true, invoiced_at = null, signed_amount = 7.00, "
            "unreadable_reason = 'invoice date \"03/16/2026\" cannot be read'"
        )

        told = judge("lost_values_are_told", *file_of(10, 2, lost))

        assert (
            'b.csv: 2 dates on 2 of 10 lines (20.0%) with 14.00, e.g. line 2: invoice date "03/16/2026" cannot be read'
            "; the other lines write their dates in another way: write all of them in one. "
            "Of a line that is written like this one, a day up to the 12th was taken for the month"
        ) in told.message
        assert "date_format" not in told.message

    def test_a_number_of_a_day_is_told_to_be_no_date(self, judge: Judge) -> None:
        lost = (
            "is_readable = false, is_invoice_date_lost = true, "
            "unreadable_reason = 'invoice date \"711\" cannot be read'"
        )

        result = judge("values_survive_typing", *file_of(30, 30, lost))

        assert result.is_blocking
        assert (
            "numbers that count days or weeks tell no date: put the date of each line in their place" in result.message
        )
        assert "date_format" not in result.message

    def test_a_workbook_whose_dates_were_not_read_says_why_and_gives_no_useless_answer(self, judge: Judge) -> None:
        lost = (
            "is_readable = false, is_invoice_date_lost = true, unreadable_reason = 'invoice date \"4\" cannot be read'"
        )
        evidence = "update quality.load_ledger set date_style_evidence = 'not read: days and months are mixed up'"

        result = judge("values_survive_typing", *file_of(30, 30, lost), evidence)

        assert "dates were not read: days and months are mixed up" in result.message
        assert "\n" not in result.message


class TestGuessedMonths:
    def guessed(self, lines: int, style: str = "month/day/year") -> list[str]:
        return [
            f"update quality.load_ledger set assumed_lines = {lines}, date_style = '{style}', "
            "date_style_evidence = 'assumed: both fit'",
            "update raw.transactions set invoice_date = '03/04/2011', invoiced_at = timestamp '2011-03-04'",
        ]

    def test_more_than_twenty_lines_stop_for_one_word(self, judge: Judge) -> None:
        result = judge("months_are_certain", *self.guessed(21))

        # all lines of the fixture: 20.00 + 2.00 + 30.00 + 10.00 back + 1.00, whatever their sign
        assert result.is_blocking
        assert (
            '2011-03-04.csv: "03/04/2011" in line 2 was read as 4 Mar 2011 and may as well be 3 Apr 2011; 21 of 5 '
            "lines, 63.00 in money, would fall in another month"
        ) in result.message
        assert result.message.splitlines()[1:] == [
            "[landing]",
            'date_order = "month_first"  # as now; or "day_first"',
        ]

    def test_twenty_lines_warn(self, judge: Judge) -> None:
        assert judge("months_are_certain", *self.guessed(20)).status == "passed"
        result = judge("few_months_are_uncertain", *self.guessed(20, "day-month-year"))
        assert not result.is_blocking
        assert 'date_order = "day_first"  # as now; or "month_first"' in result.message

    @pytest.mark.parametrize(
        "spoil",
        [
            "assumed_lines = 0",
            "assumed_lines = 21, status = 'superseded'",
            # expiries of overrides have a check of their own, and no month of sales hangs on them
            "assumed_lines = 21, kind = 'segment_overrides'",
        ],
    )
    def test_what_is_certain_or_no_longer_counts_is_no_trouble(self, judge: Judge, spoil: str) -> None:
        for check in ("months_are_certain", "few_months_are_uncertain"):
            assert judge(check, f"update quality.load_ledger set {spoil}").status == "passed"


class TestPrices:
    BLANK = "unit_price = null, signed_amount = null, is_readable = false, unreadable_reason = 'unit price is missing'"
    FREE = "unit_price = 0, signed_amount = 0"

    @pytest.mark.parametrize("change", [BLANK, FREE])
    def test_a_file_without_any_price_stops_the_run(self, judge: Judge, change: str) -> None:
        result = judge("files_have_prices", *file_of(21, 21, change))

        assert result.is_blocking
        empty, zero = (21, 0) if change == self.BLANK else (0, 21)
        assert f"b.csv: the price is empty on {empty} and 0 on {zero} of 21 lines" in result.message
        assert "formulas" in result.message

    def test_one_price_is_enough(self, judge: Judge) -> None:
        assert judge("files_have_prices", *file_of(30, 29, self.FREE)).status == "passed"

    def test_a_price_that_could_not_be_read_is_a_price(self, judge: Judge) -> None:
        assert judge("files_have_prices", *file_of(30, 30, PRICE_LOST)).status == "passed"

    def test_a_few_gifts_warn(self, judge: Judge) -> None:
        spoil = file_of(20, 20, self.FREE)

        assert judge("files_have_prices", *spoil).status == "passed"
        result = judge("small_files_have_prices", *spoil)
        assert result.status == "failed"
        assert not result.is_blocking

    def test_lines_that_lack_a_value_warn_above_a_twentieth(self, judge: Judge) -> None:
        result = judge("lines_are_complete", *file_of(100, 6, self.BLANK))

        assert not result.is_blocking
        assert "b.csv: 6 of 100 lines, e.g. line 2: unit price is missing" in result.message
        assert judge("lines_are_complete", *file_of(100, 5, self.BLANK)).status == "passed"


class TestPricesOfOneUnit:
    """Socks at 2.50, mugs at 4.00 and bags at 6.00 a piece, each sold once alone and once by three."""

    PIECES = (("SOCKS", "2.50"), ("MUG", "4.00"), ("BAG", "6.00"))

    def sales(self, *, price_of_three: str, products: int = 3) -> list[str]:
        """The lines of a second source; ``price_of_three`` is SQL from the price of one piece, ``p``."""
        sold = ", ".join(f"('{code}', {price}::decimal(18, 4))" for code, price in self.PIECES[:products])
        return [
            "insert into staging.stg_transactions "
            "select staged.* replace ((2::bigint << 32) + place * 2 + q as delivered_line_id, 2 as load_id, "
            "'till' as source, "
            f"code as stock_code, q as quantity_units, case q when 3 then {price_of_three} else p end as unit_price) "
            "from (from staging.stg_transactions where quantity_units > 0 and is_readable limit 1) as staged, "
            f"(select *, row_number() over () as place from (values {sold}) as goods (code, p)), "
            "(values (1), (3)) as quantities (q)",
        ]

    def test_prices_that_grow_with_the_quantity_are_told(self, judge: Judge) -> None:
        result = judge("prices_are_of_one_unit", *self.sales(price_of_three="p * 3"))

        assert result.status == "failed"
        assert not result.is_blocking
        assert "till: of 3 products the price grows with the quantity, of 0 it stays" in result.message
        assert "line_amount" in result.message

    def test_prices_of_a_unit_are_as_they_should_be(self, judge: Judge) -> None:
        assert judge("prices_are_of_one_unit", *self.sales(price_of_three="p")).status == "passed"

    def test_three_at_a_lower_price_are_no_sign(self, judge: Judge) -> None:
        assert judge("prices_are_of_one_unit", *self.sales(price_of_three="p * 0.9")).status == "passed"

    def test_two_products_say_too_little(self, judge: Judge) -> None:
        assert judge("prices_are_of_one_unit", *self.sales(price_of_three="p * 3", products=2)).status == "passed"


class TestLinesOfASource:
    """Three orders of a till, each a mug at 4.00 and a bag at 6.00, as often as is said."""

    def orders(self, *, mugs: int, bags: int, sign: int = 1) -> list[str]:
        goods = ", ".join(["('MUG', 4.00)"] * mugs + ["('BAG', 6.00)"] * bags)
        return [
            "insert into staging.stg_transactions "
            "select staged.* replace ((2::bigint << 32) + row_number() over () as delivered_line_id, 2 as load_id, "
            "'till' as source, 'b.csv' as file_name, row_number() over () + 1 as row_number, n::varchar as invoice_no, "
            f"code as stock_code, md5(n || code) as content_key, {sign} * price as signed_amount) "
            "from (from staging.stg_transactions where quantity_units > 0 and is_readable limit 1) as staged, "
            f"(values (1), (2), (3)) as numbers (n), (values {goods}) as goods (code, price)",
        ]

    def test_orders_that_are_repeated_as_wholes_are_told(self, judge: Judge) -> None:
        result = judge("orders_stand_once", *self.orders(mugs=2, bags=2))

        assert not result.is_blocking
        # each of three orders came to 10.00
        assert (
            "till: 3 orders with all lines, 0 with some; counted once they would bring 30.00 less, e.g. b.csv line "
            in (result.message)
        )

    @pytest.mark.parametrize(("mugs", "bags"), [(1, 1), (2, 1), (2, 0)], ids=["once", "two mugs", "nothing else"])
    def test_two_of_a_kind_are_no_such_sign(self, judge: Judge, mugs: int, bags: int) -> None:
        assert judge("orders_stand_once", *self.orders(mugs=mugs, bags=bags)).status == "passed"

    def test_sales_with_a_minus_are_told(self, judge: Judge) -> None:
        result = judge("sources_sell_more_than_they_take_back", *self.orders(mugs=1, bags=1, sign=-1))

        assert not result.is_blocking
        assert "till: 6 lines with −30.00 against 0 lines with 0.00, e.g. b.csv line 2" in result.message
        assert "line_amount" in result.message

    def test_a_source_that_sells_takes_back_what_it_will(self, judge: Judge) -> None:
        assert judge("sources_sell_more_than_they_take_back", *self.orders(mugs=1, bags=1)).status == "passed"


class TestCurrency:
    FOREIGN = (
        "update staging.stg_transactions set is_readable = false, signed_amount = null, "
        "unreadable_reason = 'the amount is in EUR, the shop counts in GBP'"
    )

    DOLLARS = "update raw.transactions set unit_price = '$' || unit_price"
    # the same lines once more, in a second file
    EUROS = (
        DELIVERY.format(load_id=2, file_name="b.csv"),
        "insert into raw.transactions select * replace (2 as _load_id, 'b.csv' as _file_name, "
        "replace(unit_price, '$', '') || ' €' as unit_price) from raw.transactions",
    )

    def test_the_one_sign_of_a_file_is_told_where_it_is_not_the_shops(self, judge: Judge) -> None:
        result = judge("amounts_have_the_shops_sign", self.DOLLARS)

        assert (result.status, result.is_blocking) == ("failed", False)
        assert '"2011-03-04.csv": 5 amounts with "$" count as GBP' in result.message
        assert judge("amounts_have_the_shops_sign", self.DOLLARS.replace("$", "£")).status == "passed"
        # who said it has such lines set aside instead
        said = Settings(shop=Shop(currency="GBP"))
        assert judge("amounts_have_the_shops_sign", self.DOLLARS, settings=said).status == "passed"

    def test_files_with_signs_of_different_currencies_stop(self, judge: Judge) -> None:
        result = judge("files_have_one_sign", self.DOLLARS, *self.EUROS)

        assert result.is_blocking
        assert '"2011-03-04.csv" has "$", "b.csv" has "€"' in result.message
        assert "Say in regulars.toml in which currency the shop counts" in result.message
        assert judge("files_have_one_sign", self.DOLLARS).status == "passed"

    def test_a_shop_whose_every_amount_is_in_another_currency_stops_with_the_line_to_add(self, judge: Judge) -> None:
        result = judge("the_shops_currency_is_among_them", self.FOREIGN)

        assert result.is_blocking
        assert "all 5 lines that could be read are in EUR, the shop counts in GBP" in result.message
        assert result.message.endswith('[shop]\ncurrency = "EUR"')

    @pytest.mark.parametrize("spoil", [" where row_number > 2", " where false"], ids=["some", "none"])
    def test_lines_in_another_currency_beside_others_do_not_stop_it(self, judge: Judge, spoil: str) -> None:
        assert judge("the_shops_currency_is_among_them", self.FOREIGN + spoil).status == "passed"


class TestIds:
    def test_shortened_ids_are_told_by_file_and_column_with_count_and_example(self, judge: Judge) -> None:
        result = judge(
            "ids_are_whole",
            "update raw.transactions set customer_id = '7.12346E+12' where _row_number in (2, 3)",
            "update raw.transactions set invoice = '5.40E+05', stock_code = '2.20E+02' where _row_number = 4",
            "update staging.stg_transactions set customer_id = null, customer_id_doubt = 'shortened' "
            "where row_number in (2, 3)",
            "update staging.stg_transactions set is_invoice_no_shortened = true, is_stock_code_shortened = true "
            "where row_number = 4",
        )

        assert not result.is_blocking
        assert (
            "2011-03-04.csv: the customer on 2 lines, e.g. 7.12346E+12; the order on 1 line, e.g. 5.40E+05; "
            "the product on 1 line, e.g. 2.20E+02"
        ) in result.message

    @pytest.mark.parametrize(("doubt", "status"), [("not_an_id", "failed"), ("placeholder", "passed")])
    def test_true_and_false_are_told_and_guests_are_not(self, judge: Judge, doubt: str, status: str) -> None:
        doubted = f"update staging.stg_transactions set customer_id_doubt = '{doubt}' where row_number in (3, 5)"

        result = judge("ids_are_ids", doubted)

        assert result.status == status
        assert not result.is_blocking
        assert ("2011-03-04.csv: 2 lines, the first is line 3" in result.message) == (status == "failed")
