"""Tables that people try first: public data sets and reports of tills, by what their refusal says to paste.

All lie in one landing folder and are refused together. The mappings are pasted as they are told, and nothing is
changed in them; then each comes to its figures. Headers are those of the sets, lines and customers are made up.
"""

from dataclasses import dataclass
from decimal import Decimal

import duckdb
import pytest

from tests.cases.shop import Case, Published, refreshed
from tests.cases.test_refusals import _block
from warehouse.home import Home


@dataclass(frozen=True)
class Table:
    """A file, and what each of its customers brought, on how many days all of them bought or brought back."""

    file: str
    text: str
    net: dict[str, str]
    days: int


def _table(file: str, text: str, net: dict[str, str], days: int) -> Table:
    return Table(file, "\n".join(line.strip() for line in text.strip().splitlines()) + "\n", net, days)


TABLES = (
    _table(
        "retail_sales_dataset.csv",
        """Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount
        1,2023-11-24,CUST001,Male,34,Beauty,3,50,150
        2,2023-02-27,CUST002,Female,26,Clothing,2,500,1000""",
        {"CUST001": "150.00", "CUST002": "1000.00"},
        2,
    ),
    # the price is that of the line: three pieces cost three times one
    _table(
        "customer_shopping_data.csv",
        """invoice_no,customer_id,gender,age,category,quantity,price,payment_method,invoice_date,shopping_mall
        I138884,C241288,Female,28,Clothing,5,1500.40,Credit Card,5/8/2022,Kanyon
        I127801,C266599,Male,20,Clothing,1,300.08,Cash,16/5/2021,Metrocity
        I317333,C111565,Male,21,Shoes,3,1800.51,Debit Card,12/12/2021,Forum
        I173702,C988172,Female,66,Shoes,5,3000.85,Credit Card,24/10/2021,Metropol
        I337046,C189076,Female,53,Books,4,60.60,Cash,24/5/2022,Kanyon
        I121056,C151197,Female,49,Books,1,15.15,Cash,13/3/2022,Istinye""",
        {"C241288": "1500.40", "C266599": "300.08", "C189076": "60.60"},
        3,
    ),
    # the amount of pieces goes by the name of an amount
    _table(
        "ta_feng_all_months_merged.csv",
        """TRANSACTION_DT,CUSTOMER_ID,AGE_GROUP,PIN_CODE,PRODUCT_SUBCLASS,PRODUCT_ID,AMOUNT,ASSET,SALES_PRICE
        11/1/2000,01104905,45-49,115,110411,4710199010372,2,24,30
        11/13/2000,00418683,45-49,115,120107,4710857472535,1,48,46
        11/14/2000,01104905,35-39,115,100407,4710043654103,2,142,166""",
        {"01104905": "196.00", "00418683": "46.00"},
        3,
    ),
    # two equal lines are two pieces
    _table(
        "transactions_train.csv",
        """t_dat,customer_id,article_id,price,sales_channel_id
        2018-09-20,a1b2c3,0663713001,0.0508,2
        2018-09-20,a1b2c3,0541518023,0.0304,2
        2018-09-20,a1b2c3,0541518023,0.0304,2
        2018-09-24,d4e5f6,0685687003,0.0169,1""",
        {"a1b2c3": "0.1116", "d4e5f6": "0.0169"},
        2,
    ),
    _table(
        "transactions_of_households.csv",
        """household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,week,transaction_timestamp
        9900,330,31198570044,1095275,1,0.5,0.0,1,2017-01-01 11:53:26
        9901,406,31198655051,1041453,2,2.43,0.15,1,2017-01-02 12:26:30""",
        {"9900": "0.50", "9901": "2.43"},
        2,
    ),
    # sales are after the discount
    _table(
        "Superstore.csv",
        """Order ID,Order Date,Ship Date,Customer ID,Customer Name,Product ID,Product Name,Sales,Quantity,Discount
        CA-152156,11/18/2016,11/21/2016,CG-12520,Claire,F-1,Bookcase,261.96,2,0
        CA-152156,11/18/2016,11/21/2016,CG-12520,Claire,F-2,Chairs,731.94,3,0.2
        US-108966,10/11/2015,10/18/2015,SO-20335,Sean,F-3,Table,957.57,5,0.45""",
        {"CG-12520": "993.90", "SO-20335": "957.57"},
        2,
    ),
    # what was looked at or put into the cart is no sale
    _table(
        "2019-Oct.csv",
        """event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
        2019-10-01 00:00:00 UTC,cart,5773203,1487,,runail,2.62,463240011,26dd
        2019-10-01 00:00:03 UTC,purchase,5773353,1487,,runail,2.62,463240011,26dd
        2019-10-01 00:00:03 UTC,purchase,5773353,1487,,runail,2.62,463240011,26dd
        2019-10-02 00:00:07 UTC,view,5881589,2151,,lovely,13.48,429681830,49e8
        2019-10-13 12:00:07 UTC,purchase,5881589,2151,,lovely,13.48,429681830,59e8""",
        {"463240011": "5.24", "429681830": "13.48"},
        2,
    ),
    _table(
        "Retail_Data_Transactions.csv",
        """customer_id,trans_date,tran_amount
        CS5295,11-Feb-13,35
        CS4768,15-Mar-15,39
        CS5295,16-Nov-11,99""",
        {"CS5295": "134.00", "CS4768": "39.00"},
        3,
    ),
    # a supplier who was paid, hosting, a deposit and what is pending are no sales; Bea's purchase came back
    _table(
        "Download.csv",
        """Date,Time,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,Transaction ID
        01/03/2026,09:15:00,Amy A,Express Checkout Payment,Completed,GBP,20.00,-0.88,19.12,amy@example.org,T1
        02/03/2026,10:15:00,Bea B,Website Payment,Completed,GBP,30.00,-1.22,28.78,bea@example.org,T2
        14/03/2026,11:00:00,Potters Ltd,General Payment,Completed,GBP,-150.00,0.00,-150.00,me@example.org,T3
        15/03/2026,11:05:00,Host Inc,PreApproved Payment Bill User Payment,Completed,GBP,-9.99,0,-9.99,me@example.org,T4
        16/03/2026,12:00:00,Bea B,Payment Refund,Completed,GBP,-30.00,1.22,-28.78,me@example.org,T5
        17/03/2026,12:00:00,,Bank Deposit to PP Account,Completed,GBP,200.00,0.00,200.00,,T6
        18/03/2026,09:15:00,Amy A,Express Checkout Payment,Pending,GBP,15.00,-0.74,14.26,amy@example.org,T7""",
        {"Amy A": "20.00", "Bea B": "0.00"},
        3,
    ),
    # what came back is a line of its own, and stands in the column of returns as well
    _table(
        "sales_by_order.csv",
        """Day,Order name,Product title,Customer email,Net items sold,Gross sales,Discounts,Returns,Net sales
        2026-03-01,#1001,Mug,ann@example.org,2,20.00,-2.00,0.00,18.00
        2026-03-05,#1001,Mug,ann@example.org,-1,0.00,0.00,-9.00,-9.00
        2026-03-13,#1002,Mug,bob@example.org,1,10.00,0.00,0.00,10.00""",
        {"ann@example.org": "9.00", "bob@example.org": "10.00"},
        3,
    ),
    # a quotation is no order
    _table(
        "sale_order.csv",
        """Order Reference,Creation Date,Customer,Invoice Status,Status,Order Lines/Product,Order Lines/Subtotal
        S00001,2026-03-13 10:00:00,Ada Ltd,Fully Invoiced,Sales Order,[MUG-1] Mug,20.00
        ,,,,,[TP-1] Tea pot,30.00
        S00002,2026-03-14 11:00:00,Bow Ltd,Nothing to Invoice,Quotation,[BB-1] Bowl,8.00
        S00003,2026-03-15 11:00:00,Bow Ltd,To Invoice,Sales Order,[BB-1] Bowl,9.00""",
        {"Ada Ltd": "50.00", "Bow Ltd": "9.00"},
        2,
    ),
    # an invoice is a sale before it is paid, a draft is none
    _table(
        "account_move.csv",
        """Number,Invoice/Bill Date,Partner,Payment Status,Status,Invoice lines/Product,Invoice lines/Subtotal
        INV/1,2026-03-13,Cox Ltd,Not Paid,Posted,[MUG-1] Mug,20.00
        ,,,,,[TP-1] Tea pot,30.00
        INV/2,2026-03-14,Dee Ltd,Paid,Posted,[BB-1] Bowl,8.00
        /,2026-03-17,Dee Ltd,Not Paid,Draft,[BB-1] Bowl,9.00""",
        {"Cox Ltd": "50.00", "Dee Ltd": "8.00"},
        2,
    ),
)


def _told_of_each_file(home: Home) -> str:
    """The entry of the settings that is told of each file; a summary names the first few alone."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        problems = connection.execute("select problem from quality.load_ledger where status = 'rejected'").fetchall()
    assert len(problems) == len(TABLES)
    return "\n".join(_block(problem) for (problem,) in problems)


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> Published:
    home = Home(tmp_path_factory.mktemp("public") / "home")
    for table in TABLES:
        Case("sets", {table.file: table.text}).put(home.landing, folder="")
    refused = refreshed(home)
    assert not refused.outcome.succeeded
    published = refreshed(home, f'{_told_of_each_file(home)}\n[shop]\ncustomer_ids = "plain"\n')
    assert published.outcome.succeeded, published.outcome.problems
    return published


@pytest.mark.parametrize("table", TABLES, ids=[table.file for table in TABLES])
def test_a_table_comes_to_its_figures_by_the_mapping_that_its_refusal_says(pasted: Published, table: Table) -> None:
    lines = "marts.fct_invoice_lines where customer_id in (select unnest(?))"
    customers = list(table.net)
    found = pasted.rows(f"select customer_id, sum(net_revenue) from {lines} group by all", customers)
    assert dict(found) == {customer: Decimal(net) for customer, net in table.net.items()}
    assert pasted.rows(f"select count(distinct invoice_date) from {lines}", customers) == [(table.days,)]
