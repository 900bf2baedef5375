"""What a line means, in shops of other habits than those that were reported: twenty-odd in one landing folder.

Each shop is the one of ``shop.py`` (201 lines, 88 orders, 30 customers, 4,992.60) written in its
own way, or with some lines of its own, whose figures were worked out by hand beside them.
"""

from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.cases.shop import (
    NOBODY,
    SHOP_CUSTOMERS,
    SHOP_LINES,
    SHOP_MONEY,
    SHOP_ORDERS,
    Case,
    Published,
    Row,
    Totals,
    apart,
    csv_text,
    every,
    line,
    published_together,
    renamed,
    shop,
)

THE_SHOP = Totals(SHOP_LINES, SHOP_ORDERS, SHOP_CUSTOMERS, SHOP_MONEY)
NOTHING = Decimal("0.00")

GIFT_SHOP = [
    # bought and cancelled
    line("540001", "P07", "CAKE STAND", 2, "2024-03-04 10:00:00", "14.00", 9001),
    line("C540002", "P07", "CAKE STAND", -2, "2024-03-05 10:00:00", "14.00", 9001),
    # 18.00 of goods, 5.00 of postage
    line("540003", "P09", "DOOR MAT", 1, "2024-03-06 10:00:00", "18.00", 9002),
    line("540003", "POST", "POSTAGE", 1, "2024-03-06 10:00:00", "5.00", 9002),
    # a slip of the till: the same line twice
    line("540004", "P07", "CAKE STAND", 1, "2024-03-07 10:00:00", "14.00", 9003),
    line("540004", "P07", "CAKE STAND", 1, "2024-03-07 10:00:00", "14.00", 9003),
    # returns what it never bought, 11.50, after a purchase of 18.00
    line("540005", "P09", "DOOR MAT", 1, "2024-03-08 10:00:00", "18.00", 9004),
    line("C540006", "P10", "PHOTO FRAME", -1, "2024-03-09 10:00:00", "11.50", 9004),
    line("A540007", "B", "Adjust bad debt", 1, "2024-03-10 10:00:00", "-11.00", ""),
    line("C540008", "D", "Discount", -1, "2024-03-11 10:00:00", "27.50", 9002),
]
"""What the gift shop of 2011 wrote: C cancels, A adjusts, POST and D are no products, repeats are slips."""


def _numbered(rows: list[Row], number: str) -> list[Row]:
    return [{**row, "InvoiceNo": number.format(row["InvoiceNo"])} for row in rows]


def _restarting_daily() -> list[Row]:
    """The shop with order numbers that begin at 1 every morning."""
    numbers: dict[str, str] = {}
    seen: dict[str, int] = {}
    rows = []
    for row in shop():
        day = row["InvoiceDate"][:10]
        if row["InvoiceNo"] not in numbers:
            seen[day] = seen.get(day, 0) + 1
            numbers[row["InvoiceNo"]] = str(seen[day])
        rows.append({**row, "InvoiceNo": numbers[row["InvoiceNo"]]})
    return rows


def _halves(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    return rows[0::2], rows[1::2]


_CODES = ("S", "M", "D", "B", "C2", "C3", "L", "XL", "POST", "ADJUST")
SIZES = dict(zip((f"P{n:02d}" for n in range(1, 11)), _CODES, strict=True))


def _habits() -> list[Case]:
    sized = [{**row, "StockCode": SIZES[row["StockCode"]]} for row in shop()]
    gift_shop = shop() + GIFT_SHOP
    toy = line("540003", "POST", "POST OFFICE TOY", 1, "2024-03-06 10:00:00", "5.00", 9002)
    without_habits = shop() + [row for row in GIFT_SHOP if row["CustomerID"] != "9002"] + [toy]
    return [
        Case("chelsea", {"c.csv": csv_text(apart(_numbered(shop(), "C{}"), "11"))}),
        Case("amazon", {"a.csv": csv_text(apart(_numbered(shop(), "A{}"), "12"))}),
        Case("sizes", {"s.csv": csv_text(apart(sized, "13"))}),
        Case("gift-shop", {"g.csv": csv_text(apart(gift_shop, "14"))}),
        Case("gift-shop-plain", {"g.csv": csv_text(apart(without_habits, "15"))}, 'profile = "plain"'),
    ]


def _returns() -> list[Case]:
    bought = [
        line("700001", "P07", "CAKE STAND", 2, "2024-04-02 10:00:00", "14.00", 9001),
        line("700002", "P09", "DOOR MAT", 3, "2024-04-03 10:00:00", "18.00", 9002),
    ]
    by_price = [
        line("700003", "P07", "CAKE STAND", 2, "2024-04-09 10:00:00", "-14.00", 9001),
        line("700004", "P09", "DOOR MAT", 1, "2024-04-10 10:00:00", "-18.00", 9002),
    ]

    def total(row: Row) -> Row:
        amount = int(row["Quantity"]) * Decimal(row["UnitPrice"])
        kept = {header: value for header, value in row.items() if header != "UnitPrice"}
        return {**kept, "Line Total": f"{amount:.2f}"}

    def of_type(rows: list[Row], header: str, word: str) -> list[Row]:
        return [{**row, header: word} for row in rows]

    positive = [{**row, "UnitPrice": row["UnitPrice"].lstrip("-")} for row in by_price]
    totals = [total(row) for row in [*shop(), *bought, *by_price]]
    notes = of_type(shop() + bought, "Document", "Invoice") + of_type(positive, "Document", "CR/N")
    german = of_type(shop() + bought, "Belegart", "Rechnung") + of_type(positive, "Belegart", "Gutschrift")
    discounted = [
        line("700001", "P07", "CAKE STAND", 2, "2024-04-02 10:00:00", "14.00", 9001),
        line("700001", "DISC10", "Regular's discount", 1, "2024-04-02 10:00:00", "-5.00", 9001),
        # the fee for taking it back is kept: 100.00 - 92.50
        line("700002", "P11", "ARMCHAIR", 1, "2024-04-03 10:00:00", "100.00", 9002),
        line("700003", "P11", "ARMCHAIR", 1, "2024-04-09 10:00:00", "-92.50", 9002),
        # given back before anything was bought, and more than was bought: 10.00 - 25.00
        line("700004", "P12", "VASE", -1, "2024-04-09 10:00:00", "25.00", 9003),
        line("700005", "P13", "BOWL", 1, "2024-05-09 10:00:00", "10.00", 9003),
    ]
    return [
        Case("price-sign", {"r.csv": csv_text(apart(shop() + bought + by_price, "21"))}),
        Case("amount-sign", {"r.csv": csv_text(apart(totals, "22"))}, 'columns = { line_amount = "Line Total" }'),
        Case(
            "credit-notes",
            {"r.csv": csv_text(apart(notes, "23"))},
            'columns = { kind = "Document" }\nreturns = ["CR/N"]',
        ),
        Case("gutschriften", {"r.csv": csv_text(apart(german, "24"))}, 'columns = { kind = "Belegart" }'),
        Case("discounts", {"r.csv": csv_text(apart(shop() + discounted, "25"))}),
    ]


def _customers() -> list[Case]:
    nobody = [
        line(710001 + number, "P07", "CAKE STAND", 1, at, "14.00", word)
        for number, (word, at) in enumerate(zip(NOBODY, every(3, "2024-03-01 10:00:00", len(NOBODY)), strict=True))
    ]
    spellings = [
        line(3271000 + number, "P07", "CAKE STAND", 1, at, "14.00", spelling)
        for number, (spelling, at) in enumerate(
            zip(
                ("32-c-0042", "32-C-0042", " 32-C-0042", "32-C-0042\u202f", "\t32-c-0042\t"),
                every(3, "2024-03-01 10:00:00", 5),
                strict=True,
            )
        )
    ]
    german = [
        line(f"7300{number:02d}", "P07", "CAKE STAND", 1, at, "14,00", "7,12346E+12")
        for number, at in enumerate(every(5, "2024-02-01 10:00:00", 9))
    ]
    german = shop(lambda row: {**row, "UnitPrice": row["UnitPrice"].replace(".", ",")}) + german
    return [
        Case("nobody", {"n.csv": csv_text(apart(shop(), "31") + nobody)}),
        Case("spellings", {"n.csv": csv_text(apart(shop(), "32") + spellings)}),
        Case("german-cut", {"n.csv": csv_text(apart(german, "34"), delimiter=";")}),
    ]


def _orders() -> list[Case]:
    tills = [
        line(number, "TILLMUG", "TILL MUG", 1, at, "2.00", "")
        for number, at in enumerate(every(1, "2024-05-01 11:00:00", 10), start=1)
    ]
    tills = [{**row, "Shop": name} for row in tills for name in ("North", "South")]
    counters = [{**row, "StockCode": "COUNTERMUG"} for row in tills[::2]]
    for row in counters:
        del row["Shop"]
    another = {**counters[0], "InvoiceNo": "11"}
    floats, whole = _halves(apart(shop(), "43"))
    floats = [{**row, "InvoiceNo": row["InvoiceNo"] + ".0", "CustomerID": row["CustomerID"] + ".0"} for row in floats]
    day_by_day = apart(
        [
            *shop(),
            line("700001", "P07", "CAKE STAND", 1, "2024-04-02 23:58:00", "14.00", 9001),
            line("700001", "P09", "DOOR MAT", 1, "2024-04-03 00:03:00", "18.00", 9001),
        ],
        "44",
    )
    days: dict[str, list[Row]] = {}
    for row in day_by_day:
        days.setdefault(row["InvoiceDate"][:10], []).append(row)
    return [
        Case("daily-numbers", {"o.csv": csv_text(apart(_restarting_daily(), "41"))}),
        Case(
            "two-shops",
            {"o.csv": csv_text([{**row, "Shop": "North"} for row in apart(shop(), "42")] + tills)},
            'columns = { store = "Shop" }',
        ),
        Case("counter-a", {"o.csv": csv_text(counters)}, 'constants = { store = "A" }'),
        Case("counter-b", {"o.csv": csv_text([*counters, another])}, 'constants = { store = "B" }'),
        Case("floats", {"a.csv": csv_text(floats), "b.csv": csv_text(whole)}),
        Case("day-by-day", {f"{day}.csv": csv_text(rows) for day, rows in days.items()}),
    ]


def _repeats() -> list[Case]:
    three = [line("700001", "P07", "CAKE STAND", 1, "2024-03-15 10:00:00", "14.00", 9001)] * 3
    rows = sorted(apart(shop() + three, "51"), key=lambda row: row["InvoiceDate"])
    overlapping = {
        f"{first}.csv": csv_text([row for row in rows if first <= row["InvoiceDate"] < last])
        for first, last in (("2024-01", "2024-05"), ("2024-03", "2024-07"), ("2024-04", "2024-09"))
    }
    stand, mat = ("P07", "CAKE STAND"), ("P09", "DOOR MAT")
    at = "2024-04-02 10:00:00"
    # 28.00 + 18.00, then 42.00, then 14.00 + 18.00
    edits = [
        [line("700001", *stand, 2, at, "14.00", 9001), line("700001", *mat, 1, at, "18.00", 9001)],
        [line("700001", *stand, 3, at, "14.00", 9001)],
        [line("700001", *stand, 1, at, "14.00", 9001), line("700001", *mat, 1, at, "18.00", 9001)],
    ]
    later = [
        line(f"70000{month}", *stand, 1, f"2024-{month:02d}-02 10:00:00", "14.00", 9000 + month) for month in (9, 10)
    ]
    names = ("orders (2).csv", "orders.csv", "final orders.csv")
    exports = {
        name: csv_text(apart(shop() + edit + later[:step], "52"))
        for step, (name, edit) in enumerate(zip(names, edits, strict=True))
    }
    delivered = {name: datetime(2024, 9 + step, 1, 4) for step, name in enumerate(names)}
    return [
        Case("overlapping", overlapping),
        Case("three-edits", exports, delivered=delivered),
    ]


def _numbers() -> list[Case]:
    def priced(written: str, **changes: str) -> list[Row]:
        rows = []
        for row in shop():
            whole, cents = row["UnitPrice"].split(".")
            rows.append({**row, "UnitPrice": written.format(whole=whole, cents=cents), **changes})
        return rows

    sofa = ("SOFA", "SOFA")
    swiss = [
        line("750001", *sofa, 1, "2024-03-01 09:00:00", "1'249.90", 9001),
        line("750002", *sofa, 1, "2024-03-02 09:00:00", "1’249.90", 9001),
        line("750003", *sofa, 2, "2024-03-03 09:00:00", "12’000.05", 9002),
    ]
    german = [
        line("750001", *sofa, 1, "2024-03-01 09:00:00", "1.249,90", 9001),
        line("750002", "CHEESE", "CHEESE", "0,250", "2024-03-02 09:00:00", "32,00", 9002),
    ]
    french = [
        line("750001", *sofa, 1, "2024-03-01 09:00:00", "1\u00a0249,90 £", 9001),
        line("750002", *sofa, 1, "2024-03-02 09:00:00", "12 000,05 £", 9002),
    ]
    signed = [
        line("750001", "P07", "CAKE STAND", "+2", "2024-03-01 09:00:00", "+14.00", 9001),
        line("750002", "P07", "CAKE STAND", "\u22122", "2024-03-02 09:00:00", "14.00", 9001),
        line("750003", "P09", "DOOR MAT", "3", "2024-03-03 09:00:00", "18.00", 9002),
        line("750004", "P09", "DOOR MAT", "1", "2024-03-04 09:00:00", "\u221218.00", 9002),
        line("750005", "P09", "DOOR MAT", "1", "2024-03-05 09:00:00", "(18.00)", 9002),
        # an eighth of a pound each: 1.00
        line("750006", "PIN", "PIN", "8", "2024-03-05 09:00:00", "0.125", 9003),
    ]
    unread = [
        line("750001", "P07", "CAKE STAND", "1_000", "2024-03-01 09:00:00", "14.00", 9001),
        line("750002", "P07", "CAKE STAND", "1", "2024-03-02 09:00:00", "fourteen", 9001),
    ]
    return [
        Case("swiss", {"n.csv": csv_text(apart(shop() + swiss, "61"))}),
        Case("german", {"n.csv": csv_text(apart(priced("{whole},{cents}") + german, "62"), delimiter=";")}),
        Case("french", {"n.csv": csv_text(apart(priced("{whole},{cents} £") + french, "63"), delimiter="\t")}),
        Case("pounds", {"n.csv": csv_text(apart(priced("£{whole}.{cents}"), "64"))}),
        Case("signed", {"n.csv": csv_text(apart(shop() + signed, "65"))}),
        Case("unread", {"n.csv": csv_text(apart(shop() + unread, "66"))}),
    ]


def _countries() -> list[Case]:
    def bought(number: int, customer: int, *countries: str) -> list[Row]:
        at = every(7, f"2024-03-01 10:00:0{customer % 10}", len(countries))
        return [
            line(760000 + number + n, "P07", "CAKE STAND", 1, at[n], "14.00", customer, country)
            for n, country in enumerate(countries)
        ]

    basket = [
        line("769001", "P07", "CAKE STAND", 1, "2024-05-01 10:00:00", "14.00", 9003, "Germany"),
        line("769001", "P09", "DOOR MAT", 1, "2024-05-01 10:00:00", "18.00", 9003, ""),
        line("769001", "P02", "TEA TOWEL", 1, "2024-05-01 10:00:00", "4.25", 9003, ""),
    ]
    rows = [
        *shop(),
        *bought(0, 9001, "Unspecified", "Unspecified", "France", "Unspecified"),
        *bought(10, 9002, "GB", "UK", "United Kingdom", "gb"),
        *basket,
        *bought(20, 9004, "DE", "Deutschland"),
    ]
    return [Case("countries", {"c.csv": csv_text(apart(rows, "71"))})]


def _statuses() -> list[Case]:
    fine = shop(lambda row: {**row, "Bestellstatus": "abgeschlossen"})
    off = [
        line(770001 + n, "P07", "CAKE STAND", 50, at, "14.00", 9001, Bestellstatus=word)
        for n, (word, at) in enumerate(
            zip(("storniert", "Storniert ", "fehlgeschlagen", "unbezahlt"), every(9, "2024-02-01", 4), strict=True)
        )
    ]
    unwanted = [
        line("770001", "P07", "CAKE STAND", 1, "2024-02-01 09:00:00", "14.00", 9001, Payment_status="pending"),
        *shop(lambda row: {**row, "Payment status": "paid"}),
    ]
    return [
        Case("bestellstatus", {"s.csv": csv_text(apart(fine + off, "81"))}, 'columns = { status = "Bestellstatus" }'),
        Case("not-wanted", {"s.csv": csv_text(apart(unwanted, "82"))}, 'ignore = ["Payment status"]'),
    ]


def _mapped() -> list[Case]:
    """Columns that a mapping can name: several to try in turn, filled down, constant."""
    tried = []
    for number, row in enumerate(shop()):
        customer = row.pop("CustomerID")
        # half of the customers are known by the member card, half by the account
        member = int(customer) % 2 == 0
        tried.append({**row, "Member": customer if member else "", "Account": "" if member else customer})
        tried[-1]["Country"] = "" if number % 3 else row["Country"]
    for row in tried:
        for header in ("Member", "Account"):
            row[header] = row[header] and f"91{row[header]}"
        row["InvoiceNo"] = f"91{row['InvoiceNo']}"
    filled = apart(shop(), "92")
    for above, row in list(pairwise(filled))[::-1]:
        if above["InvoiceNo"] == row["InvoiceNo"]:
            row["InvoiceNo"] = row["CustomerID"] = row["InvoiceDate"] = ""
    rebate = shop(lambda row: {**row, "Rabatt": ""})
    money = [line("780001", "P07", "CAKE STAND", 2, "2024-03-01 10:00:00", "14.00", 9001, Rabatt="3,00")]
    per_cent = [line("780001", "P07", "CAKE STAND", 2, "2024-03-01 10:00:00", "14.00", 9001, Rabatt="10 %")]
    headers = {"InvoiceNo": "Beleg", "StockCode": "Artikel", "Quantity": "Menge", "UnitPrice": "Preis"}
    constant = renamed(apart(shop(), "93"), headers)
    for row in constant:
        del row["Country"]
    return [
        Case("tried", {"m.csv": csv_text(tried)}, 'columns = { customer_id = ["Member", "Account"] }'),
        Case("filled", {"m.csv": csv_text(filled)}, 'fill_down = ["invoice", "customer_id", "invoice_date"]'),
        Case(
            "constant",
            {"m.csv": csv_text(constant)},
            'columns = { invoice = "Beleg", stock_code = "Artikel", quantity = "Menge", unit_price = "Preis" }\n'
            'constants = { country = "Ireland" }',
        ),
        Case(
            "rebate-money",
            {"m.csv": csv_text(apart(rebate + money, "94"))},
            'columns = { discount_amount = "Rabatt" }\nprices_include_tax = true',
        ),
        Case(
            "rebate-per-cent",
            {"m.csv": csv_text(apart(rebate + per_cent, "95"))},
            'columns = { discount_amount = "Rabatt" }\nprices_include_tax = false',
        ),
    ]


CASES = [
    *_habits(),
    *_returns(),
    *_customers(),
    *_orders(),
    *_repeats(),
    *_numbers(),
    *_countries(),
    *_statuses(),
    *_mapped(),
]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return published_together(tmp_path_factory.mktemp("variants"), CASES)


class TestHabits:
    @pytest.mark.parametrize("place", ["11", "12", "13"])
    def test_no_letter_and_no_code_means_anything_by_itself(self, shops: Published, place: str) -> None:
        assert shops.totals(place) == THE_SHOP

    def test_where_cancellations_are_negative_the_gift_shops_habits_hold(self, shops: Published) -> None:
        assert shops.customers("149") == {
            "149001": (1, NOTHING),
            "149002": (1, Decimal("18.00")),
            "149003": (1, Decimal("14.00")),
            "149004": (1, Decimal("6.50")),
        }
        assert shops.set_aside("gift-shop/") == {"non_product": 2, "adjustment": 1, "duplicate": 1}

    def test_the_settings_can_say_that_a_source_has_no_such_habits(self, shops: Published) -> None:
        # what is called POST is sold, and two equal lines of one order are two
        assert shops.customers("159") == {
            "159001": (1, NOTHING),
            "159002": (1, Decimal("5.00")),
            "159003": (1, Decimal("28.00")),
            "159004": (1, Decimal("6.50")),
        }

    def test_every_source_tells_its_habits_and_the_evidence(self, shops: Published) -> None:
        told = {
            source: (profile, evidence)
            for source, profile, evidence in shops.rows("select source, profile, evidence from marts.source_profiles")
        }
        assert set(told) == {case.name for case in CASES}
        assert all(evidence for _, evidence in told.values())
        assert {source for source, (profile, _) in told.items() if profile == "uci"} == {"gift-shop"}
        ledger = dict(shops.rows("select distinct source, profile from quality.load_ledger"))
        assert ledger["gift-shop"] == "uci"
        assert ledger["chelsea"] == ledger["gift-shop-plain"] == "plain"


class TestReturns:
    @pytest.mark.parametrize("place", ["21", "22", "23", "24"])
    def test_a_return_takes_back_however_it_is_written(self, shops: Published, place: str) -> None:
        # 2 x 14.00 and back; 3 x 18.00 and one back
        assert shops.customers(place + "9") == {place + "9001": (1, NOTHING), place + "9002": (1, Decimal("36.00"))}
        assert shops.totals(place) == Totals(203, 90, 32, Decimal("5028.60"))

    def test_discounts_fees_and_early_returns_come_off_their_customer(self, shops: Published) -> None:
        assert shops.customers("259") == {
            "259001": (1, Decimal("23.00")),
            "259002": (1, Decimal("7.50")),
            "259003": (1, Decimal("-15.00")),
        }

    def test_a_return_that_nothing_matches_is_flagged_and_comes_off_all_the_same(self, shops: Published) -> None:
        assert shops.rows(
            "select stock_code, return_amount, is_matched from marts.fct_invoice_lines"
            " where customer_id in ('149001', '149004') and line_type = 'return' order by 1"
        ) == [("P07", Decimal("-28.00"), True), ("P10", Decimal("-11.50"), False)]


class TestCustomers:
    def test_a_placeholder_is_nobody_in_any_common_language(self, shops: Published) -> None:
        assert shops.totals("31") == THE_SHOP
        known = shops.rows(
            "select customer_id from marts.dim_customers where not regexp_matches(customer_id, '^[0-9]{2}')"
        )
        assert known == []
        # what they bought is sold all the same: 29 times 14.00, each an order
        assert shops.rows(
            "select count(*), sum(net_revenue) from marts.fct_invoices"
            " where customer_id is null and regexp_matches(invoice_no, '^7100[0-9]{2}')"
        ) == [(len(NOBODY), 14 * len(NOBODY))]

    def test_case_and_blanks_make_no_other_customer(self, shops: Published) -> None:
        assert [value for _, value in shops.customers("32-").items()] == [(5, Decimal("70.00"))]

    def test_an_id_cut_short_with_a_decimal_comma_is_nobody_too(self, shops: Published) -> None:
        assert shops.totals("34") == THE_SHOP
        assert shops.is_told("german-cut/n.csv", "customer", "9")


class TestOrders:
    def test_numbers_may_begin_anew_every_day(self, shops: Published) -> None:
        assert shops.totals("41") == THE_SHOP
        assert sum(frequency for frequency, _ in shops.customers("41").values()) == SHOP_ORDERS

    def test_two_shops_may_share_their_numbers(self, shops: Published) -> None:
        for mug, orders in (("TILLMUG", 20), ("COUNTERMUG", 21)):
            assert shops.rows(
                "select count(distinct invoice_no), sum(net_revenue) from marts.fct_invoice_lines where stock_code = ?",
                mug,
            ) == [(orders, 2 * orders)], mug
        assert shops.totals("42") == THE_SHOP

    def test_a_number_is_the_same_with_and_without_a_decimal_nought(self, shops: Published) -> None:
        assert shops.totals("43") == THE_SHOP

    def test_an_order_past_midnight_may_come_in_two_files(self, shops: Published) -> None:
        assert shops.totals("44") == Totals(203, 89, 31, Decimal("5024.60"))
        assert shops.customer("449001") == (1, Decimal("32.00"))
        assert shops.rows("select invoice_date, net_revenue from marts.fct_invoices where customer_id = '449001'") == [
            (date(2024, 4, 2), Decimal("32.00"))
        ]

    def test_all_tables_count_the_same_orders(self, shops: Published) -> None:
        ((orders,),) = shops.rows(
            "select count(distinct invoice_no) from marts.fct_invoice_lines where line_type = 'sale'"
        )
        assert shops.rows("select count(*) from marts.fct_invoices where gross_revenue > 0") == [(orders,)]
        # the orders of nobody: placeholders, two shops, two counters, nine ids cut short
        ((nobodys,),) = shops.rows(
            "select count(distinct invoice_no) from marts.fct_invoice_lines"
            " where line_type = 'sale' and customer_id is null"
        )
        assert nobodys == len(NOBODY) + 20 + 21 + 9
        assert shops.rows("select sum(frequency) from marts.customer_rfm") == [(orders - nobodys,)]


class TestRepeats:
    def test_equal_lines_of_one_file_are_so_many_and_overlapping_files_count_once(self, shops: Published) -> None:
        assert shops.customer("519001") == (1, Decimal("42.00"))
        assert shops.totals("51") == Totals(204, 89, 31, Decimal("5034.60"))

    def test_the_newest_of_three_exports_counts(self, shops: Published) -> None:
        assert shops.customers("529") == {
            "529001": (1, Decimal("32.00")),
            "529009": (1, Decimal("14.00")),
            "529010": (1, Decimal("14.00")),
        }
        assert shops.totals("52").net == Decimal("5052.60")


class TestNumbers:
    @pytest.mark.parametrize(
        ("place", "more"),
        [
            ("61", {"9001": (2, Decimal("2499.80")), "9002": (1, Decimal("24000.10"))}),
            ("62", {"9001": (1, Decimal("1249.90")), "9002": (1, Decimal("8.00"))}),
            ("63", {"9001": (1, Decimal("1249.90")), "9002": (1, Decimal("12000.05"))}),
            ("64", {}),
            # 28.00 and back; 54.00 less 18.00 twice; 8 x 0.125
            ("65", {"9001": (1, NOTHING), "9002": (1, Decimal("18.00")), "9003": (1, Decimal("1.00"))}),
        ],
    )
    def test_an_amount_is_read_however_it_is_written(
        self, shops: Published, place: str, more: dict[str, tuple[int, Decimal]]
    ) -> None:
        assert shops.customers(place + "9") == {place + customer: told for customer, told in more.items()}
        assert shops.totals(place).net == SHOP_MONEY + sum(net for _, net in more.values())

    def test_what_is_no_number_is_set_aside_with_what_it_said(self, shops: Published) -> None:
        assert shops.totals("66") == THE_SHOP
        assert shops.set_aside("unread/") == {"unreadable": 2}
        said = [
            text
            for (text,) in shops.rows(
                "select concat_ws(' ', reason, line_text) from marts.set_aside_lines"
                " where starts_with(file_name, 'unread/')"
            )
        ]
        assert any("1_000" in text for text in said)
        assert any("fourteen" in text for text in said)
        texts = [
            text
            for (text,) in shops.rows(
                "select example_amount_text from marts.set_aside_reasons where example_amount_text is not null"
            )
        ]
        assert any("fourteen" in text for text in texts)


class TestCountries:
    def test_a_real_country_outbids_an_unknown_one_and_codes_are_names(self, shops: Published) -> None:
        assert dict(
            shops.rows("select customer_id, country from marts.dim_customers where starts_with(customer_id, '719')")
        ) == {
            "719001": "France",
            "719002": "United Kingdom",
            "719003": "Germany",
            "719004": "Germany",
        }
        assert shops.rows("select distinct country from marts.fct_invoice_lines where customer_id = '719003'") == [
            ("Germany",)
        ]


class TestColumns:
    def test_a_status_says_no_sale_in_the_shops_language(self, shops: Published) -> None:
        assert shops.totals("81") == THE_SHOP
        assert shops.set_aside("bestellstatus/") == {"not_a_sale": 4}

    def test_a_column_that_is_not_wanted_changes_nothing(self, shops: Published) -> None:
        assert shops.customer("829001") == (1, Decimal("14.00"))

    @pytest.mark.parametrize("place", ["91", "92", "93"])
    def test_a_mapping_may_try_columns_fill_them_down_and_set_them(self, shops: Published, place: str) -> None:
        assert shops.totals(place) == THE_SHOP

    def test_a_discount_is_taken_off_its_line_in_money_or_per_cent(self, shops: Published) -> None:
        # 28.00 less 3.00, and less a tenth
        assert shops.customer("949001") == (1, Decimal("25.00"))
        assert shops.customer("959001") == (1, Decimal("25.20"))

    def test_prices_with_tax_and_without_are_not_added_up_in_silence(self, shops: Published) -> None:
        assert shops.is_told("rebate-money", "rebate-per-cent", "tax")

    def test_a_constant_is_on_every_line(self, shops: Published) -> None:
        assert shops.rows(
            "select distinct country from marts.fct_invoice_lines where starts_with(customer_id, '93')"
        ) == [("Ireland",)]


def test_every_delivered_line_is_accounted_for(shops: Published) -> None:
    delivered = sum(
        content.count("\n") - 1 for case in CASES for content in case.files.values() if isinstance(content, str)
    )
    assert shops.rows("select sum(row_count) from marts.row_accounting") == [(delivered,)]
