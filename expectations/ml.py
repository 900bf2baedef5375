"""What must hold of the models' answers before they are shown beside the figures.

Belongs here: coverage, ranges that the maths promise, agreement between the models'
tables. Does not belong here: whether a model is good, which its own figures say, and
the maths, which the tests of `ml` cover.
"""

from __future__ import annotations

from expectations.checks import Circumstances, Suite, finds_no_rows, has_rows, is_filled, is_one_of, lies_between

SAME_MONEY = 0.005
"""Models count in floating point; half a penny is the most that rounding may differ."""


def suites(circumstances: Circumstances) -> tuple[Suite, ...]:
    """List the suites of the ml layer."""
    return (
        Suite(
            layer="ml",
            table="ml.customer_segments",
            noun="customers",
            keys=("customer_id",),
            checks=(
                finds_no_rows(
                    "every_customer_is_labelled_once",
                    """
                    select
                        coalesce(rfm.customer_id, labelled.customer_id) as customer_id,
                        coalesce(labelled.labels, 0) as labels,
                        rfm.customer_id is not null as is_in_customer_rfm
                    from marts.customer_rfm as rfm
                    full join (
                        select customer_id, count(*) as labels from this_table group by customer_id
                    ) as labelled on rfm.customer_id = labelled.customer_id
                    where rfm.customer_id is null or coalesce(labelled.labels, 0) <> 1
                    """,
                    column="customer_id",
                    claim="every customer of customer_rfm has exactly one label, and nobody else has",
                    fault="customers without a label, or with several",
                    reason="A customer without a segment is left out of every audience.",
                ),
                is_filled("segment_name", reason="A cluster without a name can't be talked about."),
                finds_no_rows(
                    "labels_are_within_chosen_k",
                    """
                    select this_table.customer_id, this_table.kmeans_label, chosen.k
                    from this_table
                    cross join (select k from ml.cluster_selection where algorithm = 'kmeans' and is_chosen) as chosen
                    where this_table.kmeans_label is null
                        or this_table.kmeans_label not between 0 and chosen.k - 1
                        or this_table.cluster_id is distinct from this_table.kmeans_label
                    """,
                    column="kmeans_label",
                    claim="labels run from 0 to one below the chosen k",
                    fault="labels outside the chosen k",
                    reason="Labels of another fit than the one whose evidence is kept can't be defended.",
                ),
                finds_no_rows(
                    "distances_are_finite",
                    """
                    select customer_id, distance
                    from this_table
                    where distance is null or not isfinite(distance) or distance < 0
                    """,
                    column="distance",
                    claim="distances are finite and not negative",
                    fault="distances missing, infinite or negative",
                    reason="A distance that is no number comes of a feature that was none.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.cluster_selection",
            noun="values of k",
            keys=("algorithm", "k"),
            checks=(
                has_rows("values of k", reason="The choice of k is to be seen with its evidence."),
                lies_between("silhouette", -1, 1, reason="Outside this range it is not a silhouette."),
                lies_between("inertia", 0, reason="A sum of squares can't be negative."),
                finds_no_rows(
                    "one_k_is_chosen",
                    """
                    select algorithm, count(*) filter (where is_chosen) as chosen
                    from this_table
                    group by algorithm
                    having count(*) filter (where is_chosen) <> 1
                    """,
                    column="is_chosen",
                    claim="one k is chosen per algorithm",
                    fault="not exactly one k is chosen",
                    noun="algorithms",
                    reason="Labels belong to one fit.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.segment_profiles",
            noun="segments",
            keys=("algorithm", "cluster_id"),
            checks=(
                finds_no_rows(
                    "names_are_unique",
                    """
                    select algorithm, segment_name, count(*) as clusters
                    from this_table
                    group by algorithm, segment_name
                    having count(*) > 1 or segment_name is null
                    """,
                    column="segment_name",
                    claim="every segment of a model has a name of its own",
                    fault="segments share a name or have none",
                    reason="Two segments of one name become one in every chart.",
                ),
                finds_no_rows(
                    "profiles_agree_with_labels",
                    """
                    select
                        coalesce(profiles.cluster_id, labels.cluster_id) as cluster_id,
                        profiles.segment_name,
                        coalesce(profiles.customers, 0) as customers_in_profile,
                        coalesce(labels.customers, 0) as customers_labelled
                    from (select * from this_table where algorithm = 'kmeans') as profiles
                    full join (
                        select cluster_id, segment_name, count(*) as customers
                        from ml.customer_segments
                        group by cluster_id, segment_name
                    ) as labels
                        on profiles.cluster_id = labels.cluster_id and profiles.segment_name = labels.segment_name
                    where coalesce(profiles.customers, 0) <> coalesce(labels.customers, 0)
                    """,
                    column="customers",
                    claim="a profile counts the customers that have its label",
                    fault="profiles and labels disagree on customers",
                    reason="A segment's size is the first number that people read.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.revenue_anomalies",
            noun="anomalies",
            keys=("series", "date"),
            checks=(
                is_one_of("direction", ("spike", "drop"), reason="Readers filter by it."),
                finds_no_rows(
                    "scores_are_finite",
                    f"""
                    select series, date, score
                    from this_table
                    where score is null or not isfinite(score)
                        or abs(score) < {circumstances.settings.anomalies.threshold}
                        or (direction = 'spike') <> (score > 0)
                    """,
                    column="score",
                    claim="scores are finite, at or above the threshold, and of their direction's sign",
                    fault="scores not finite, below the threshold or of the wrong sign",
                    reason="A day that is listed without having earned it is a false alarm.",
                ),
                finds_no_rows(
                    "anomalies_are_on_trading_days",
                    """
                    select this_table.series, this_table.date
                    from this_table
                    left join marts.dim_dates as days on this_table.date::date = days.date
                    where not coalesce(days.is_trading_day, false)
                    """,
                    column="date",
                    claim="anomalies are on trading days",
                    fault="anomalies on days that are no trading days",
                    reason="A closed day sells nothing, and that is no news.",
                ),
                finds_no_rows(
                    "actual_is_booked_revenue",
                    f"""
                    select this_table.date, this_table.actual, daily.net_revenue_as_booked
                    from this_table
                    left join marts.fct_daily_revenue as daily on this_table.date::date = daily.date
                    where this_table.series = 'total'
                        and not coalesce(
                            abs(this_table.actual - daily.net_revenue_as_booked::double) < {SAME_MONEY}, false
                        )
                    """,
                    column="actual",
                    claim="the total series is the daily revenue as booked",
                    fault="actual differs from the daily revenue as booked",
                    reason="An anomaly in figures that the marts don't show can't be looked into.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.model_runs",
            noun="fits",
            keys=("model", "algorithm"),
            checks=(
                has_rows("fits", reason="Every answer has to say which fit it came from."),
                finds_no_rows(
                    "fits_have_no_warnings",
                    "select model, algorithm, warnings from this_table where warnings is not null",
                    column="warnings",
                    claim="no fit warned",
                    fault="fits warned",
                    severity="warning",
                    reason="A model that doubts itself says so here; its answers stand, with this caveat.",
                ),
            ),
        ),
    )
