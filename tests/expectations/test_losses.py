"""What was set aside: habits and reasons that take too much, orders told twice, customers who are none.

The fixture's source sells 20.00, 2.00, 30.00 and 1.00 of postage: 53.00 came in. Customers
17850 and 13047 bought.
"""

from __future__ import annotations

import tomllib

import pytest

from expectations.results import CheckResult
from tests.expectations.conftest import Judge

POSTAGE = "where stock_code = 'POST'"


def costs(amount: str) -> list[str]:
    """Postage of so much, on the one line that is no product."""
    return [
        f"update staging.stg_transactions set signed_amount = {amount} {POSTAGE}",
        f"update intermediate.int_line_dispositions set signed_amount = {amount} {POSTAGE}",
    ]


def undescribed() -> str:
    return f"update intermediate.int_line_dispositions set description = null {POSTAGE}"


def adjustment() -> str:
    return (
        "update intermediate.int_line_dispositions "
        f"set rule = 'prefix_a', disposition = 'adjustment', invoice_no = 'A1' {POSTAGE}"
    )


def answer_of(result: CheckResult) -> dict:
    return tomllib.loads(result.message.partition("\n")[2])


class TestHabits:
    def test_a_code_that_nothing_describes_stops_above_a_twentieth_of_the_money(self, judge: Judge) -> None:
        result = judge("habits_cost_little", *costs("3.00"), undescribed())

        # 3.00 of 20 + 2 + 30 + 3
        assert result.is_blocking
        assert (
            'invoice_lines: code "POST", which no line describes, is taken for no product (postage), '
            "1 line with 3.00 of 55.00 (5.5%), e.g. 2011-03-04.csv line 6"
        ) in result.message
        assert "exclude_non_product = false" in result.message
        assert answer_of(result) == {"cleaning": {"product_codes": ["POST"]}}

    def test_just_below_it_passes(self, judge: Judge) -> None:
        # 2.70 of 54.70 is 4.9 %
        assert judge("habits_cost_little", *costs("2.70"), undescribed()).status == "passed"

    def test_a_code_that_some_line_describes_stops_nothing(self, judge: Judge) -> None:
        """Its share is told among the reasons."""
        assert judge("habits_cost_little", *costs("50.00")).status == "passed"

    def test_adjustments_stop_with_the_profile_to_set(self, judge: Judge) -> None:
        result = judge("habits_cost_little", *costs("3.00"), adjustment())

        assert result.is_blocking
        assert "invoice_lines: numbers that begin with A are taken for adjustments, 1 line with 3.00" in result.message
        assert answer_of(result) == {
            "landing": {"sources": [{"name": "2011-03-04", "files": "2011-03-04.csv", "profile": "plain"}]}
        }

    def test_whoever_set_the_profile_is_not_stopped(self, judge: Judge) -> None:
        said = "update raw.deliveries set _profile = 'uci'"

        assert judge("habits_cost_little", *costs("3.00"), adjustment(), said).status == "passed"

    def test_what_goes_out_is_not_set_against_what_comes_in(self, judge: Judge) -> None:
        """Fees of a marketplace are large and negative, and nobody's sales."""
        assert judge("habits_cost_little", *costs("-50.00"), undescribed()).status == "passed"

    def test_a_twentieth_of_the_customers_stops_too(self, judge: Judge) -> None:
        only_postage = f"update intermediate.int_line_dispositions set customer_id = 'only postage' {POSTAGE}"

        result = judge("habits_cost_little", *costs("0.10"), undescribed(), only_postage)

        assert result.is_blocking
        assert "and all that 1 customer of 2 bought" in result.message


class TestReasons:
    def reason(self, **values: object) -> str:
        set_to = {"disposition": "unreadable", "rule": None, "reason": "unit price is missing", **values}
        shares = dict.fromkeys(("line_pct", "amount_pct", "lost_customer_pct"), 0.0)
        pairs = ", ".join(
            f"{name} = {'null' if value is None else repr(value)}" for name, value in {**shares, **set_to}.items()
        )
        return f"update marts.set_aside_reasons set {pairs}"

    @pytest.mark.parametrize(
        ("share", "just_enough", "too_much"),
        [("line_pct", 2.0, 2.01), ("amount_pct", 5.0, 5.01), ("lost_customer_pct", 2.0, 2.01)],
    )
    def test_a_reason_warns_above_its_share(
        self, judge: Judge, share: str, just_enough: float, too_much: float
    ) -> None:
        assert judge("reasons_cost_little", self.reason(**{share: just_enough})).status == "passed"
        result = judge("reasons_cost_little", self.reason(**{share: too_much}))
        assert (result.status, result.is_blocking) == ("failed", False)

    def test_blank_amounts_warn_although_their_money_is_unknown(self, judge: Judge) -> None:
        blank = self.reason(line_pct=12.0, line_count=24, lines_without_amount=24, amount=0, lost_customer_count=2)

        result = judge("reasons_cost_little", blank)

        assert (
            "unit price is missing: 24 lines (12.0% of all), amounts unknown, all that 2 customers bought, "
            "e.g. 2011-03-04.csv line 6"
        ) in result.message
        assert "0.00" not in result.message

    def test_amounts_that_could_not_be_read_are_told_as_text(self, judge: Judge) -> None:
        partly = self.reason(
            line_pct=3.0,
            line_count=3,
            lines_without_amount=1,
            amount=12.5,
            amount_pct=1.25,
            example_amount_text="1_000",
        )

        message = judge("reasons_cost_little", partly).message

        # 1.25 % to one decimal; halves go to the even one
        assert '12.50 (1.2% of the money) and amounts unknown on 1 (as text: "1_000")' in message

    def test_postage_is_judged_by_its_money_not_by_its_lines(self, judge: Judge) -> None:
        postage = {"disposition": "non_product", "rule": "postage", "reason": "No product, by code or name: postage"}

        many_lines = self.reason(**postage, line_pct=30.0, amount_pct=5.0)
        assert judge("reasons_cost_little", many_lines).status == "passed"
        result = judge("reasons_cost_little", self.reason(**postage, amount_pct=9.95))
        assert (result.status, result.is_blocking) == ("failed", False)
        assert "product_codes under [cleaning]" in result.message

    @pytest.mark.parametrize("disposition", ["duplicate", "after_as_of"])
    def test_what_is_meant_to_be_set_aside_or_told_elsewhere_is_quiet(self, judge: Judge, disposition: str) -> None:
        reason = self.reason(disposition=disposition, line_pct=60.0, amount_pct=60.0)

        assert judge("reasons_cost_little", reason).status == "passed"

    @pytest.mark.parametrize(("share", "status"), [(25.0, "passed"), (25.1, "failed")])
    def test_a_status_that_was_mapped_warns_above_a_quarter(self, judge: Judge, share: float, status: str) -> None:
        reason = self.reason(disposition="not_a_sale", amount_pct=share, line_pct=10.0)

        assert judge("reasons_cost_little", reason).status == status

    @pytest.mark.parametrize("spoil", ["line_count = 2", "amount = 1.01", "disposition = 'adjustment'"])
    def test_reasons_hold_what_was_set_aside(self, judge: Judge, spoil: str) -> None:
        assert judge("reasons_add_up").status == "passed"
        assert judge("reasons_add_up", f"update marts.set_aside_reasons set {spoil}").is_blocking


REASONS = "marts.set_aside_reasons"


def copied(count: int, of_lines: int, load_id: int = 1) -> list[str]:
    """The last line so many times more, dropped as repeats; the source has so many lines."""
    return [
        "insert into staging.stg_transactions select staged.* "
        f"replace (100 + i as delivered_line_id, {load_id} as load_id, 100 + i as row_number) "
        f"from (from staging.stg_transactions where row_number = 4) as staged, range({count}) as t (i)",
        "insert into intermediate.int_line_dispositions select lines.* replace (100 + i as delivered_line_id, "
        "'repeated_line' as rule, 'duplicate' as disposition, false as is_kept) "
        "from (from intermediate.int_line_dispositions where delivered_line_id = (1::bigint << 32) + 4) as lines, "
        f"range({count}) as t (i)",
        f"update marts.source_profiles set line_count = {of_lines}",
    ]


class TestRepeats:
    def test_many_equal_lines_of_one_file_warn(self, judge: Judge) -> None:
        result = judge("repeats_within_a_file_are_few", *copied(3, 149))

        # three times 30.00 of 149 lines is 2.01 %
        assert (result.status, result.is_blocking) == ("failed", False)
        assert "invoice_lines: 3 lines (2.0%) with 90.00, e.g. 2011-03-04.csv line 102" in result.message
        assert answer_of(result) == {"cleaning": {"exact_duplicates": "overlap"}}

    def test_a_fiftieth_passes(self, judge: Judge) -> None:
        assert judge("repeats_within_a_file_are_few", *copied(3, 150)).status == "passed"

    def test_one_copy_in_each_of_two_files_is_an_overlap(self, judge: Judge) -> None:
        assert judge("repeats_within_a_file_are_few", *copied(1, 10, load_id=2)).status == "passed"

    def test_where_repeats_of_a_file_count_nothing_is_lost(self, judge: Judge) -> None:
        overlap = "update marts.source_profiles set exact_duplicates = 'overlap'"

        assert judge("repeats_within_a_file_are_few", *copied(3, 10), overlap).status == "passed"


def second_version(amount: str, at: str, is_replaced: str = "false") -> list[str]:
    """Order 1 (22.00 in the first file) as another, newer file tells it: one line."""
    return [
        "insert into staging.stg_transactions select staged.* replace (7 as delivered_line_id, 2 as load_id, "
        f"'later.csv' as file_name, {amount} as signed_amount, timestamp '{at}' as invoiced_at) "
        "from (from staging.stg_transactions where row_number = 2) as staged",
        f"insert into intermediate.int_line_dispositions select lines.* replace (7 as delivered_line_id, {amount} as "
        "signed_amount) from (from intermediate.int_line_dispositions "
        "where delivered_line_id = (1::bigint << 32) + 2) as lines",
        f"insert into intermediate.int_order_versions values ('1', 1, 2, 2, 22.00, false, {is_replaced}, false), "
        f"('1', 2, 2, 1, {amount}, true, false, false)",
    ]


class TestVersions:
    def test_an_order_that_two_files_tell_differently_is_told_with_both(self, judge: Judge) -> None:
        result = judge("orders_are_told_once", *second_version("42.00", "2011-03-04 08:10:00"))

        assert (result.status, result.is_blocking) == ("failed", False)
        assert "order 1 is 22.00 in 2011-03-04.csv and 42.00 in later.csv, and 64.00 counts" in result.message

    def test_a_version_that_was_replaced_is_no_trouble(self, judge: Judge) -> None:
        assert judge("orders_are_told_once", *second_version("42.00", "2011-03-04 08:10:00", "true")).status == "passed"

    @pytest.mark.parametrize("at", ["2011-03-04 08:10:01", "2011-03-04 08:09:59"], ids=["after it", "before it"])
    def test_an_order_cut_in_two_between_files_is_whole(self, judge: Judge, at: str) -> None:
        assert judge("orders_are_told_once", *second_version("42.00", at)).status == "passed"

    def test_an_order_that_only_grew_counts_once(self, judge: Judge) -> None:
        """All that the older file has of it is in the newer one too, and dropped there."""
        grown = [
            *second_version("42.00", "2011-03-04 08:10:00"),
            "update intermediate.int_line_dispositions set disposition = 'duplicate' "
            "where invoice_no = '1' and delivered_line_id <> 7",
        ]

        assert judge("orders_are_told_once", *grown).status == "passed"


class TestNobody:
    def orders(self, first: int, *others: int) -> list[str]:
        rows = ", ".join(f"('c{place}', {count}, {count}.00)" for place, count in enumerate((first, *others)))
        return [
            "create or replace table marts.customer_rfm as "
            f"select * from (values {rows}) as t (customer_id, invoice_count, monetary_net)"
        ]

    @pytest.mark.parametrize(
        ("first", "others", "status"),
        [
            (20, (2, 1), "failed"),
            (19, (2, 1), "passed"),
            # four times as many as the next is not enough, one more is
            (40, (10,), "passed"),
            (41, (10,), "failed"),
            # a tenth of all and not more: 20 of 200
            (20, (3,) * 60, "passed"),
            (21, (3,) * 60, "failed"),
            (20, (), "failed"),
        ],
    )
    def test_one_id_with_most_orders_warns(
        self, judge: Judge, first: int, others: tuple[int, ...], status: str
    ) -> None:
        result = judge("nobody_has_most_orders", *self.orders(first, *others))

        assert (result.status, result.is_blocking) == (status, False)

    def test_it_is_told_with_orders_share_and_money(self, judge: Judge) -> None:
        result = judge("nobody_has_most_orders", *self.orders(90, 6, 4))

        assert "customer c0 has 90 of 100 orders (90.0%) with 90.00, the next customer 6" in result.message


def test_where_every_line_was_set_aside_it_is_not_the_money_that_does_not_add_up(judge: Judge) -> None:
    nothing = (
        "delete from marts.fct_invoice_lines",
        "update marts.row_accounting set row_count = 0, gross_amount = 0 where is_kept",
    )
    assert judge("net_adds_up", *nothing).status == "passed"
