"""What must hold of the wide tables, the last before people see them.

Belongs here: nobody lost and no money changed on the way into reporting. Does not
belong here: what the columns mean (see `expectations.marts`, `expectations.ml`).
"""

from __future__ import annotations

from expectations.checks import Circumstances, Suite, finds_no_rows, has_rows, is_unique


def suites(circumstances: Circumstances) -> tuple[Suite, ...]:
    """List the suites of the reporting layer."""
    del circumstances  # the identities hold under any settings
    return (
        Suite(
            layer="reporting",
            table="reporting.customer_360",
            noun="customers",
            keys=("customer_id",),
            checks=(
                has_rows("customers", reason="An empty table would be published as a shop without customers."),
                is_unique("customer_id", reason="One row per customer is what every reader takes for granted."),
                finds_no_rows(
                    "customers_are_those_of_the_dimension",
                    """
                    select
                        coalesce(wide.customer_id, dim.customer_id) as customer_id,
                        wide.customer_id is null as is_missing
                    from this_table as wide
                    full join marts.dim_customers as dim on wide.customer_id = dim.customer_id
                    where wide.customer_id is null or dim.customer_id is null
                    """,
                    column="customer_id",
                    claim="the customers are those of dim_customers",
                    fault="customers missing or too many",
                    reason="A customer who is not here is not seen by sales or service.",
                ),
                finds_no_rows(
                    "money_equals_rfm",
                    """
                    select wide.gross, rfm.gross as gross_of_rfm, wide.net, rfm.net as net_of_rfm
                    from (select sum(monetary_gross) as gross, sum(monetary_net) as net from this_table) as wide
                    cross join (
                        select sum(monetary_gross) as gross, sum(monetary_net) as net from marts.customer_rfm
                    ) as rfm
                    where wide.gross is distinct from rfm.gross or wide.net is distinct from rfm.net
                    """,
                    claim="money adds up to customer_rfm, to the penny",
                    fault="money differs from customer_rfm",
                    noun="tables",
                    reason="A join that repeats customers shows here first.",
                ),
                finds_no_rows(
                    "segments_equal_the_model",
                    """
                    select wide.customer_id, wide.segment_name, labelled.segment_name as segment_of_model
                    from this_table as wide
                    full join ml.customer_segments as labelled on wide.customer_id = labelled.customer_id
                    where wide.segment_name is distinct from labelled.segment_name
                    """,
                    column="segment_name",
                    claim="every customer's segment is the model's",
                    fault="segments differ from the model's",
                    reason="Two answers to one question are worse than none.",
                ),
            ),
        ),
    )
