"""The least that the same answer could cost: one script, one process, no checks.

Loads one CSV with DuckDB, types and classifies its lines, aggregates RFM and daily
revenue, fits k-means for k = 2…8 with silhouettes and writes a DuckDB file.

    python -m benchmarks.floor lines.csv out.duckdb
"""

import sys

import duckdb
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler


def main(csv: str, out: str) -> None:
    con = duckdb.connect(out)
    con.execute("create table raw as select * from read_csv(?, all_varchar = true)", [csv])
    con.execute(
        """
        create table lines as
        select
            upper(trim(InvoiceNo)) as invoice_no, upper(trim(StockCode)) as stock_code,
            trim(Description) as description, try_cast(Quantity as integer) as quantity,
            try_cast(InvoiceDate as timestamp) as invoiced_at, try_cast(UnitPrice as decimal(18, 4)) as price,
            try_cast(try_cast(CustomerID as double) as integer) as customer_id, Country as country,
            case
                when InvoiceNo like 'A%' then 'adjustment'
                when not regexp_matches(upper(StockCode), '^([0-9]{5}.*|DCGS.*|PADS)$') then 'non_product'
                when InvoiceNo like 'C%' then 'return'
                when try_cast(Quantity as integer) <= 0 then 'non_positive_quantity'
                when try_cast(UnitPrice as double) <= 0 then 'non_positive_price'
                else 'sale'
            end as disposition
        from (select distinct * from raw)
        """
    )
    con.execute(
        """
        create table daily as
        select invoiced_at::date as day, sum(quantity * price) as net from lines
        where disposition in ('sale', 'return') group by 1
        """
    )
    con.execute(
        """
        create table rfm as
        select
            customer_id, date_diff('day', max(invoiced_at), (select max(invoiced_at) from lines)) + 1 as recency,
            count(distinct invoice_no) as frequency, sum(quantity * price)::double as monetary
        from lines where disposition = 'sale' and customer_id is not null group by 1 order by 1
        """
    )
    rfm = con.execute("select * from rfm").df()
    features = StandardScaler().fit_transform(np.log1p(rfm[["recency", "frequency", "monetary"]].to_numpy()))
    best = (-1.0, 0, None)
    for k in range(2, 9):
        labels = KMeans(k, n_init=10, random_state=42).fit_predict(features)
        best = max(best, (silhouette_score(features, labels), k, labels), key=lambda one: one[0])
    rfm["cluster"] = best[2]
    con.execute("create table segments as select * from rfm")
    con.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
