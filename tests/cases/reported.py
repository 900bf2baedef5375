"""The inputs of cases that people who do this job have met, each a function of its place.

Belongs here: what is delivered. Does not belong here: the figures that are right for it
(``test_reported_*``). With an empty place a case is what was delivered there; with two digits
its customers and orders are its own, so that many cases share one landing folder.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from tests.cases.shop import Case, Row, apart, csv_text, every, line, rows_of, shop

_PLAIN = 'layout = "transactions"'


def _orders(name: str, rows: list[Row], place: str, *, mapping: str = "", delimiter: str = ",") -> Case:
    return Case(name, {"orders.csv": csv_text(apart(rows, place), delimiter=delimiter)}, mapping)


def prefix_a_b(place: str = "") -> Case:
    """Two web shops: odd order numbers begin with A, even ones with B."""

    def lettered(row: Row) -> Row:
        return {**row, "InvoiceNo": ("A" if int(row["InvoiceNo"]) % 2 else "B") + row["InvoiceNo"]}

    return _orders("prefix-a-b", shop(lettered), place)


def prefix_ca_us(place: str = "") -> Case:
    """Two markets: two thirds of the orders are CA-2024-…, one third US-2024-…."""

    def lettered(row: Row) -> Row:
        return {**row, "InvoiceNo": ("CA" if int(row["InvoiceNo"]) % 3 else "US") + "-2024-" + row["InvoiceNo"]}

    return _orders("prefix-ca-us", shop(lettered), place)


def short_codes(place: str = "") -> Case:
    """Ten products whose codes one gift shop used for postage, samples, vouchers and the like."""
    products = {
        "S": "SOCKS SMALL",
        "M": "SOCKS MEDIUM",
        "D": "DOG BOWL",
        "B": "BASKET",
        "C2": "CUP BLUE",
        "C3": "CUP RED",
        "ADJUSTABLE-STRAP": "ADJUSTABLE STRAP",
        "GIFT": "GIFT BOX",
        "POST": "WOODEN POST",
        "TEST01": "TEST TUBE VASE",
    }
    bought = [
        line(680001 + number, code, name, 1, at, "25.00", 9001)
        for number, ((code, name), at) in enumerate(
            zip(products.items(), every(5, "2024-02-01 09:00:00", 10), strict=True)
        )
    ]
    return _orders("short-codes", shop() + bought, place)


def gift_cards(place: str = "") -> Case:
    """Three gift cards of 50.00, sold but not redeemed."""
    cards = (("GC-50", "Gift Card £50"), ("GIFTCARD", "Gift card"), ("EVOUCHER50", "E-voucher 50"))
    bought = [
        line(690001 + number, code, name, 1, at, "50.00", 9001)
        for number, ((code, name), at) in enumerate(zip(cards, every(5, "2024-02-01 09:00:00", 3), strict=True))
    ]
    return _orders("gift-cards", shop() + bought, place)


def refund_negative_quantity(place: str = "") -> Case:
    """Returns by a negative quantity: under a number of their own, under the order's, under the order's with -R1."""
    lines = [
        line("700001", "P07", "CAKE STAND", 2, "2024-04-02 10:00:00", "14.00", 9001),
        line("700002", "P07", "CAKE STAND", -2, "2024-04-09 10:00:00", "14.00", 9001),
        line("700003", "P09", "DOOR MAT", 3, "2024-04-03 10:00:00", "18.00", 9002),
        line("700003", "P09", "DOOR MAT", -1, "2024-04-10 10:00:00", "18.00", 9002),
        line("R700004", "P09", "DOOR MAT", 4, "2024-04-03 10:00:00", "18.00", 9003),
        line("R700004-R1", "P09", "DOOR MAT", -4, "2024-04-10 10:00:00", "18.00", 9003),
    ]
    return _orders("refund-negative-quantity", shop() + lines, place)


def partial_refund(place: str = "") -> Case:
    """An armchair of 100.00: 95.00 back, 20.00 back, all back, and one given back that was never bought."""
    lines = [
        line("700001", "P11", "ARMCHAIR", 1, "2024-04-02 10:00:00", "100.00", 9001),
        line("C700002", "P11", "ARMCHAIR", -1, "2024-04-09 10:00:00", "95.00", 9001),
        line("700003", "P11", "ARMCHAIR", 1, "2024-04-03 10:00:00", "100.00", 9002),
        line("C700004", "P11", "ARMCHAIR", -1, "2024-04-10 10:00:00", "20.00", 9002),
        line("700005", "P11", "ARMCHAIR", 1, "2024-04-03 10:00:00", "100.00", 9003),
        line("C700006", "P11", "ARMCHAIR", -1, "2024-04-10 10:00:00", "100.00", 9003),
        line("C700008", "P11", "ARMCHAIR", -1, "2024-04-10 10:00:00", "100.00", 9004),
    ]
    return _orders("partial-refund", shop() + lines, place)


def guest_zero(place: str = "") -> Case:
    """25 orders of guests, who all carry customer number 0; 28.00 each."""
    guests = [
        line(600001 + number, "P07", "CAKE STAND", 2, at, "14.00", 0)
        for number, at in enumerate(every(7, "2024-02-01 10:00:00", 25))
    ]
    return _orders("guest-zero", shop() + guests, place)


def email_case(place: str = "") -> Case:
    """Customers by e-mail; one of them in two cases, with a blank, a no-break space and a tab."""

    def mailed(row: Row) -> Row:
        return {**row, "CustomerID": f"buyer{int(row['CustomerID']) - 1000:02d}@example.com"}

    spellings = (
        *("Jo.Smith@Example.com", "jo.smith@example.com", "jo.smith@example.com "),
        *("jo.smith@example.com\u00a0", "\tjo.smith@example.com"),
    )
    times = ("2024-04-02", "2024-05-02", "2024-06-02", "2024-07-02", "2024-07-12")
    jo = [
        line(650001 + number, "P07", "CAKE STAND", 1, f"{day} 10:00:00", "14.00", spelling)
        for number, (spelling, day) in enumerate(zip(spellings, times, strict=True))
    ]
    return _orders("email-case", shop(mailed) + jo, place)


def scientific_ids(place: str = "") -> Case:
    """Ids of customers, orders and products that a spreadsheet cut down to six digits or three."""
    cut = [
        line(660001 + number, "P07", "CAKE STAND", 1, at, "14.00", "7.12346E+12")
        for number, at in enumerate(every(10, "2024-02-01 09:00:00", 12))
    ]
    codes = [
        line("660101", "2.20E+02", "PART 22E1", 1, "2024-03-01 10:00:00", "14.00", 9001),
        line("660102", "5.40E+05", "x", 1, "2024-03-02 10:00:00", "14.00", 9002),
    ]
    products = ("BLUE MUG", "TEA TOWEL", "WOODEN SPOON", "GLASS JAR")
    orders = [
        line("5.40E+05", f"P0{number}", name, 1, at, "10.00", 9100 + number)
        for number, (name, at) in enumerate(zip(products, every(10, "2024-02-01 09:00:00", 4), strict=True), start=1)
    ]
    return _orders("scientific-ids", shop() + cut + codes + orders, place)


def past_midnight(place: str = "") -> Case:
    """One order with a line two minutes before midnight and one three minutes after."""
    lines = [
        line("700001", "P07", "CAKE STAND", 1, "2024-04-02 23:58:00", "14.00", 9001),
        line("700001", "P09", "DOOR MAT", 1, "2024-04-03 00:03:00", "18.00", 9001),
    ]
    return _orders("past-midnight", shop() + lines, place)


def numbers_restart(place: str = "") -> Case:
    """Order numbers that begin at 00001 every January."""
    return _orders("numbers-restart", rows_of("numbers-restart.csv"), place)


def edited_order(place: str = "") -> Case:
    """The whole history exported twice; order 700001 was edited in between. Both copied at the same moment."""
    before = [
        line("700001", "P07", "CAKE STAND", 2, "2024-04-02 10:00:00", "14.00", 9001),
        line("700001", "P09", "DOOR MAT", 1, "2024-04-02 10:00:00", "18.00", 9001),
    ]
    after = [
        line("700001", "P07", "CAKE STAND", 3, "2024-04-02 10:00:00", "14.00", 9001),
        line("700002", "P07", "CAKE STAND", 1, "2024-09-02 10:00:00", "14.00", 9002),
    ]
    return Case(
        "edited-order",
        {
            "export_2024-09-01.csv": csv_text(apart(shop() + before, place)),
            "export_2024-10-01.csv": csv_text(apart(shop() + after, place)),
        },
    )


def by_weight_few(place: str = "") -> Case:
    """Six pieces of cheese by the kilo."""
    cheese = [
        line(610001 + number, "CHEESE", "COMTE BY THE KG", f"0.{250 + 50 * number}", at, "32.00", 9001)
        for number, at in enumerate(every(20, "2024-03-01 10:00:00", 6))
    ]
    return _orders("by-weight-few", shop() + cheese, place)


def by_weight_many(place: str = "") -> Case:
    """Sixty pieces of cheese by the kilo, 0.200 to 0.495 kg."""
    cheese = [
        line(610001 + number, "CHEESE", "COMTE BY THE KG", f"0.{200 + 5 * number}", at, "32.00", 9000 + number % 6)
        for number, at in enumerate(every(2, "2024-03-01 10:00:00", 60))
    ]
    return _orders("by-weight-many", shop() + cheese, place)


def nbsp_thousands(place: str = "") -> Case:
    """French prices: a narrow no-break space before the last three digits of whole euros."""

    def french(row: Row) -> Row:
        return {**row, "UnitPrice": row["UnitPrice"].replace(".", ",")}

    sofas = [
        line(620001 + number, "SOFA", "CANAPE", 1, at, "1\u202f249,90", 9001 + number % 5, "France")
        for number, at in enumerate(every(5, "2024-02-01 09:00:00", 25))
    ]
    text = csv_text(apart(shop(french) + sofas, place), delimiter=";")
    return Case("nbsp-thousands", {"commandes.csv": text})


def accounting_negatives(place: str = "") -> Case:
    """Amounts with $; what was given back in brackets, or with a minus behind."""
    text = csv_text(apart(rows_of("accounting-negatives.csv"), place))
    return Case("accounting-negatives", {"transactions.csv": text}, _PLAIN)


def line_totals(place: str = "") -> Case:
    """The price column is the total of the line, as the settings say."""
    rows = [
        {
            "Row ID": str(number),
            "Order ID": f"US-2024-{row['InvoiceNo']}",
            "Order Date": f"{datetime.fromisoformat(row['InvoiceDate']):%m/%d/%Y}",
            "Customer ID": row["CustomerID"],
            "Country": "United States",
            "Product ID": row["StockCode"],
            "Product Name": row["Description"],
            "Sales": f"{int(row['Quantity']) * float(row['UnitPrice']):.2f}",
            "Quantity": row["Quantity"],
            "Discount": "0",
            "Profit": "0",
        }
        for number, row in enumerate(shop(), start=1)
    ]
    mapping = (
        'columns = { invoice = "Order ID", stock_code = "Product ID", description = "Product Name", '
        'quantity = "Quantity", invoice_date = "Order Date", line_amount = "Sales", customer_id = "Customer ID", '
        'country = "Country" }'
    )
    return Case("line-totals", {"superstore.csv": csv_text(apart(rows, place))}, mapping)


_SHOPIFY = """layout = "invoice_lines"
columns = { invoice = "Name", stock_code = "Lineitem sku", description = "Lineitem name", \
quantity = "Lineitem quantity", invoice_date = "Created at", unit_price = "Lineitem price", customer_id = "Email", \
country = "Billing Country" }"""


def _without_sku(names: set[str] | None, place: str) -> str:
    rows = [
        {**row, "Lineitem sku": "" if names is None or row["Lineitem name"] in names else row["Lineitem sku"]}
        for row in rows_of("shopify.csv")
    ]
    return csv_text(apart(rows, place))


def shopify_no_sku(place: str = "") -> Case:
    """A web shop's export in which no product has a code."""
    return Case("shopify-no-sku", {"orders_export_1.csv": _without_sku(None, place)}, _SHOPIFY)


def shopify_some_skus(place: str = "") -> Case:
    """The same with codes on seven of ten products."""
    blank = {"Photo Frame", "Cake Stand", "Wooden Spoon"}
    return Case("shopify-some-skus", {"orders_export_1.csv": _without_sku(blank, place)}, _SHOPIFY)


def shopify(place: str = "") -> Case:
    """The same with all codes, and nothing in the settings."""
    return Case("shopify", {"orders_export_1.csv": csv_text(apart(rows_of("shopify.csv"), place))})


def unknown_header(place: str = "") -> Case:
    """The same as another system would write it, with nothing in the settings that says what its headers are."""
    rows = [
        {"Order No" if header == "Name" else header.replace("Lineitem", "Item"): value for header, value in row.items()}
        for row in apart(rows_of("shopify.csv"), place)
    ]
    return Case("unknown-header", {"orders_1.csv": csv_text(rows)})


def excel_serial_dates(place: str = "") -> Case:
    """Times as a spreadsheet counts them: days since the end of 1899."""

    def serial(row: Row) -> Row:
        days = (datetime.fromisoformat(row["InvoiceDate"]) - datetime(1899, 12, 30)) / timedelta(days=1)
        return {**row, "InvoiceDate": f"{days:.6f}"}

    return _orders("excel-serial-dates", shop(serial), place)


def utc_times(place: str = "") -> Case:
    """A shop in Mexico City whose export writes UTC: six hours later than its own clock."""

    def in_utc(row: Row) -> Row:
        at = datetime.fromisoformat(row["InvoiceDate"]) + timedelta(hours=6)
        return {**row, "InvoiceDate": f"{at:%Y-%m-%dT%H:%M:%SZ}"}

    late = line("700001", "P09", "DOOR MAT", 1, "2024-09-11T03:30:00Z", "18.00", 9001, "Mexico")
    return _orders("utc-times", [*shop(in_utc), late], place)


def same_day_repeats(place: str = "") -> Case:
    """Purchases without order numbers; one customer bought the same for the same twice on three days."""
    text = csv_text(apart(rows_of("same-day-repeats.csv"), place))
    return Case("same-day-repeats", {"transactions.csv": text}, _PLAIN)


def closed_ten_weeks(place: str = "") -> Case:
    """A shop that sold nothing from 31 March to 9 June."""
    return _orders("closed-ten-weeks", rows_of("closed-ten-weeks.csv"), place)


def cancelled_status(place: str = "") -> Case:
    """Five orders of 700.00 that came to nothing, as a column says that nobody mapped."""
    completed = shop(lambda row: {**row, "Order Status": "completed"})
    words = ("cancelled", "failed", "refunded", "pending", "trash")
    lines = [
        line(640001 + number, "P07", "CAKE STAND", 50, at, "14.00", 9001, Order_Status=word)
        for number, (word, at) in enumerate(zip(words, every(20, "2024-02-01 09:00:00", 5), strict=True))
    ]
    return _orders("cancelled-status", completed + lines, place)


def two_currencies(place: str = "") -> Case:
    """Eight orders of 1,950 yen in a shop that counts pounds, as a column says that nobody mapped."""
    pounds = shop(lambda row: {**row, "Currency": "GBP"})
    yen = [
        line(630001 + number, "P07", "CAKE STAND", 1, at, "1950.00", 9001, "Japan", Currency="JPY")
        for number, at in enumerate(every(20, "2024-02-01 09:00:00", 8))
    ]
    return _orders("two-currencies", pounds + yen, place)


def day_first(
    sold_on: date, delivered: datetime, place: str = "", *, history: bool = True, name: str = "sales.csv"
) -> Case:
    """A British shop: 30 orders of 14.00 on one day, written with the day first, delivered then.

    The shop behind it is moved to the months before, so that its days tell their order.
    """
    start = datetime.fromisoformat("2024-01-09 13:30:00")
    moved = datetime.combine(sold_on - timedelta(days=248), start.time()) - start

    def british(row: Row) -> Row:
        return {**row, "InvoiceDate": f"{datetime.fromisoformat(row['InvoiceDate']) + moved:%d/%m/%Y %H:%M}"}

    lines = [
        line(670000 + n, "P07", "CAKE STAND", 1, f"{sold_on:%d/%m/%Y} {9 + (n - 1) % 8:02d}:15", "14.00", 9000 + n)
        for n in range(1, 31)
    ]
    files: dict[str, str | bytes] = {name: csv_text(apart(lines, place))}
    if history:
        files["history.csv"] = csv_text(apart(shop(british), place))
    return Case("day-first-today", files, delivered=dict.fromkeys(files, delivered))
