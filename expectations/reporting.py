"""What must hold of the wide tables, the last before people see them.

Belongs here: nobody lost and no money changed on the way into reporting. Does not
belong here: what the columns mean (see `expectations.marts`, `expectations.ml`).
"""

from __future__ import annotations

from expectations.checks import Circumstances, Suite, finds_no_rows, has_rows


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
                finds_no_rows(
                    "values_equal_the_model",
                    """
                    select wide.customer_id, wide.clv, valued.clv as clv_of_model
                    from this_table as wide
                    full join ml.customer_clv as valued on wide.customer_id = valued.customer_id
                    where
                        wide.clv is distinct from valued.clv
                        or wide.clv_low is distinct from valued.clv_low
                        or wide.clv_high is distinct from valued.clv_high
                    """,
                    column="clv",
                    claim="every customer's value is the model's",
                    fault="values differ from the model's",
                    reason="Two answers to one question are worse than none.",
                ),
                finds_no_rows(
                    "audiences_equal_segments_but_for_overrides",
                    """
                    select wide.customer_id, wide.audience_segment, wide.segment_name, active.segment_name as override
                    from this_table as wide
                    left join (
                        select * from reporting.segment_overrides where status = 'active'
                    ) as active on wide.customer_id = active.customer_id
                    where
                        wide.is_overridden is distinct from (active.customer_id is not null)
                        or wide.audience_segment is distinct from coalesce(active.segment_name, wide.segment_name)
                    """,
                    column="audience_segment",
                    claim="audiences are the model's segments, but for active overrides",
                    fault="audiences follow neither the model nor an override",
                    reason="A campaign would reach people whom nobody chose.",
                ),
            ),
        ),
        Suite(
            layer="reporting",
            table="reporting.segment_overrides",
            noun="overrides",
            keys=("file_name", "row_number"),
            checks=(
                finds_no_rows(
                    "overrides_find_customer_and_segment",
                    """
                    select file_name, row_number, problem
                    from this_table
                    where status in ('unknown_customer', 'unknown_segment')
                    """,
                    claim="every override names a customer and a segment that exist",
                    fault="overrides name a customer or a segment that does not exist",
                    severity="warning",
                    reason="Such an override does not count, while its author thinks that it does.",
                    remedy="Correct the line and deliver the file again under the same name. Segments are those of "
                    "ml.segment_profiles and seeds.rfm_segments.",
                ),
            ),
        ),
        Suite(
            layer="reporting",
            table="reporting.segment_playbooks",
            noun="segments",
            keys=("method", "segment_name"),
            checks=(
                has_rows("playbooks", reason="Without one, nobody is told what to do with the segments."),
                finds_no_rows(
                    "sizes_and_money_are_those_of_the_members",
                    """
                    with members as (
                        unpivot (
                            select
                                monetary,
                                kmeans_segment as kmeans,
                                hierarchical_segment as hierarchical,
                                mixture_segment as mixture,
                                rfm_segment as rfm,
                                audience_segment as audience
                            from reporting.customer_360
                            where recency_days is not null
                        )
                        on kmeans, hierarchical, mixture, rfm, audience into name method value segment_name
                    ),
                    counted as (
                        select method, segment_name, count(*) as customers, sum(monetary) as monetary_sum
                        from members
                        group by method, segment_name
                    )
                    select
                        coalesce(told.method, counted.method) as method,
                        coalesce(told.segment_name, counted.segment_name) as segment_name,
                        told.customers,
                        counted.customers as customers_counted,
                        told.monetary_sum,
                        counted.monetary_sum as monetary_counted
                    from this_table as told
                    full join counted on told.method = counted.method and told.segment_name = counted.segment_name
                    where
                        told.customers is distinct from counted.customers
                        or told.monetary_sum is distinct from counted.monetary_sum
                    """,
                    claim="every segment that has customers has one playbook, with its size and money",
                    fault="playbooks and customers disagree",
                    reason="A plan would be made for a group that is not there.",
                ),
            ),
        ),
        Suite(
            layer="reporting",
            table="reporting.segment_emails",
            noun="drafts",
            keys=("method", "segment_name"),
            checks=(
                finds_no_rows(
                    "drafts_are_those_of_the_playbooks",
                    """
                    select
                        coalesce(drafts.method, playbooks.method) as method,
                        coalesce(drafts.segment_name, playbooks.segment_name) as segment_name
                    from this_table as drafts
                    full join reporting.segment_playbooks as playbooks
                        on drafts.method = playbooks.method and drafts.segment_name = playbooks.segment_name
                    where drafts.method is null or playbooks.method is null
                    """,
                    claim="every playbook has its draft",
                    fault="playbooks without a draft, or drafts without a playbook",
                    reason="A page that shows one and not the other looks broken.",
                ),
                finds_no_rows(
                    "drafts_have_no_placeholder_left",
                    """
                    select method, segment_name, subject
                    from this_table
                    where contains(subject || preheader || body || note_to_marketer, '{')
                    """,
                    claim="every placeholder is filled",
                    fault="drafts have a placeholder that nobody filled",
                    reason="Customers would read the brace.",
                    remedy="Placeholders that are known stand in the description of seed segment_playbook_texts.",
                ),
            ),
        ),
        Suite(
            layer="reporting",
            table="reporting.audience_changes",
            noun="changes",
            keys=("customer_id", "method"),
            checks=(
                finds_no_rows(
                    "customers_before_and_changes_add_up_to_customers_now",
                    """
                    with before as (
                        unpivot (
                            select
                                kmeans_segment as kmeans,
                                hierarchical_segment as hierarchical,
                                mixture_segment as mixture,
                                rfm_segment as rfm,
                                audience_segment as audience
                            from previous.customer_segments
                        )
                        on kmeans, hierarchical, mixture, rfm, audience into name method value segment_name
                    ),
                    now as (
                        unpivot (
                            select
                                kmeans_segment as kmeans,
                                hierarchical_segment as hierarchical,
                                mixture_segment as mixture,
                                rfm_segment as rfm,
                                audience_segment as audience
                            from reporting.customer_360
                        )
                        on kmeans, hierarchical, mixture, rfm, audience into name method value segment_name
                    ),
                    counted as (
                        select method, segment_name, 1 as difference from before
                        union all
                        select method, to_segment, 1 from this_table
                        union all
                        select method, from_segment, -1 from this_table
                        union all
                        select method, segment_name, -1 from now
                    )
                    select method, segment_name, sum(difference) as difference
                    from counted
                    -- a method that is new since then has nothing to be compared with
                    where segment_name is not null and method in (select method from before)
                    group by method, segment_name
                    having sum(difference) <> 0
                    """,
                    claim="customers before, plus entered, less left, are customers now",
                    fault="segments whose changes do not add up",
                    noun="segments",
                    reason="Somebody would be written to as new who is not, or not at all.",
                ),
            ),
        ),
        Suite(
            layer="reporting",
            table="reporting.model_notes",
            noun="models",
            keys=("model", "algorithm"),
            checks=(
                finds_no_rows(
                    "warnings_are_those_of_the_models",
                    """
                    select runs.model, runs.algorithm, runs.warnings
                    from ml.model_runs as runs
                    left join this_table as notes
                        on runs.model = notes.model and runs.algorithm = notes.algorithm
                    where notes.model is null or runs.warnings is distinct from notes.warnings
                    """,
                    claim="no model's warning is lost",
                    fault="warnings of models are lost",
                    reason="A figure without its caveat is read as certain.",
                ),
            ),
        ),
    )
