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
                is_filled(
                    "hierarchical_segment", reason="Each clustering is a view of its own; a gap shows as nobody."
                ),
                is_filled("mixture_segment", reason="Each clustering is a view of its own; a gap shows as nobody."),
                finds_no_rows(
                    "labels_are_those_of_the_model",
                    """
                    with labels as (
                        select customer_id, 'kmeans' as algorithm, kmeans_label as label, kmeans_segment as name
                        from this_table
                        union all
                        select customer_id, 'hierarchical', hierarchical_label, hierarchical_segment from this_table
                        union all
                        select customer_id, 'mixture', mixture_label, mixture_segment from this_table
                    )
                    select labels.customer_id, labels.algorithm, labels.label, labels.name
                    from labels
                    left join (select distinct algorithm, cluster_id, segment_name from ml.segment_centroids) as model
                        on labels.algorithm = model.algorithm
                        and labels.label = model.cluster_id
                        and labels.name = model.segment_name
                    where model.cluster_id is null
                    """,
                    column="kmeans_label",
                    claim="every label and name is one of the stored model's",
                    fault="labels or names that the stored model does not have",
                    reason="A label of another fit than the one that is kept can't be explained.",
                ),
                finds_no_rows(
                    "the_segment_in_force_is_kmeans",
                    """
                    select customer_id, kmeans_label, cluster_id, kmeans_segment, segment_name
                    from this_table
                    where cluster_id is distinct from kmeans_label or segment_name is distinct from kmeans_segment
                    """,
                    column="cluster_id",
                    claim="cluster_id and segment_name are those of k-means",
                    fault="the segment in force is not that of k-means",
                    reason="Two answers to one question are worse than none.",
                ),
                lies_between("mixture_probability", 0, 1, reason="Outside this range it is not a probability."),
                lies_between("stability", 0, 1, reason="It is a share of refits."),
                finds_no_rows(
                    "positive_money_is_told_truly",
                    """
                    select this_table.customer_id, this_table.has_positive_monetary, rfm.monetary
                    from this_table
                    inner join marts.customer_rfm as rfm on this_table.customer_id = rfm.customer_id
                    where this_table.has_positive_monetary is distinct from (rfm.monetary > 0)
                    """,
                    column="has_positive_monetary",
                    claim="has_positive_monetary says whether the money in customer_rfm is above zero",
                    fault="has_positive_monetary contradicts customer_rfm",
                    reason="Who gave everything back must be recognisable before an offer goes out.",
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
                is_one_of("algorithm", ("kmeans", "hierarchical", "mixture"), reason="Readers filter by it."),
                lies_between("silhouette", -1, 1, reason="Outside this range it is not a silhouette."),
                lies_between("resample_silhouette", -1, 1, reason="Outside this range it is not a silhouette."),
                lies_between("inertia", 0, reason="A sum of squares can't be negative."),
                lies_between("davies_bouldin", 0, reason="A ratio of distances can't be negative."),
                lies_between("calinski_harabasz", 0, reason="A ratio of variances can't be negative."),
                finds_no_rows(
                    "share_in_range",
                    """
                    select algorithm, k, smallest_share_pct
                    from this_table
                    where smallest_share_pct < 0 or smallest_share_pct > 100.0 / k + 0.001
                    """,
                    column="smallest_share_pct",
                    claim="the smallest of k clusters holds at most 1/k of the customers",
                    fault="smallest clusters that are larger than the mean",
                    reason="What is larger than the mean is not the smallest. One customer is one cluster of 100 %.",
                ),
                lies_between("seed_stability", -1, 1, reason="An adjusted Rand index is at most 1."),
                lies_between("bootstrap_stability", -1, 1, reason="An adjusted Rand index is at most 1."),
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
                    with labels as (
                        select 'kmeans' as algorithm, kmeans_label as cluster_id, kmeans_segment as segment_name
                        from ml.customer_segments
                        union all
                        select 'hierarchical', hierarchical_label, hierarchical_segment from ml.customer_segments
                        union all
                        select 'mixture', mixture_label, mixture_segment from ml.customer_segments
                    ),
                    counted as (
                        select algorithm, cluster_id, segment_name, count(*) as customers
                        from labels
                        group by algorithm, cluster_id, segment_name
                    )
                    select
                        coalesce(profiles.algorithm, counted.algorithm) as algorithm,
                        coalesce(profiles.cluster_id, counted.cluster_id) as cluster_id,
                        profiles.segment_name,
                        coalesce(profiles.customers, 0) as customers_in_profile,
                        coalesce(counted.customers, 0) as customers_labelled
                    from this_table as profiles
                    full join counted
                        on profiles.algorithm = counted.algorithm
                        and profiles.cluster_id = counted.cluster_id
                        and profiles.segment_name = counted.segment_name
                    where coalesce(profiles.customers, 0) <> coalesce(counted.customers, 0)
                    """,
                    column="customers",
                    claim="a profile counts the customers that have its label",
                    fault="profiles and labels disagree on customers",
                    reason="A segment's size is the first number that people read.",
                ),
                finds_no_rows(
                    "shares_add_up",
                    """
                    select algorithm, sum(customers_pct) as customers_pct, sum(monetary_pct) as monetary_pct
                    from this_table
                    group by algorithm
                    having abs(sum(customers_pct) - 100) > 0.000001 or abs(sum(monetary_pct) - 100) > 0.000001
                    """,
                    column="customers_pct",
                    claim="shares of customers and of money add up to 100 per algorithm",
                    fault="shares do not add up to 100",
                    noun="algorithms",
                    reason="A pie that is not whole hides somebody.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.segment_scaler",
            noun="features",
            keys=("feature",),
            checks=(
                has_rows("features", reason="Without a scaler nobody new can be labelled."),
                is_one_of("method", ("log_standard", "standard", "minmax"), reason="SQL that scores knows these."),
                finds_no_rows(
                    "scales_are_above_zero",
                    """
                    select feature, center, scale
                    from this_table
                    where not coalesce(isfinite(center) and isfinite(scale) and scale > 0, false)
                    """,
                    column="scale",
                    claim="centres are finite and scales finite and above zero",
                    fault="centres or scales that nothing can be divided by",
                    reason="A scale of zero turns every customer into no number.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.segment_centroids",
            noun="centres",
            keys=("algorithm", "cluster_id", "feature"),
            checks=(
                has_rows("centres", reason="Without centres nobody new can be labelled."),
                finds_no_rows(
                    "every_centre_has_every_feature",
                    """
                    select clusters.algorithm, clusters.cluster_id, scaler.feature
                    from (select distinct algorithm, cluster_id from this_table) as clusters
                    cross join ml.segment_scaler as scaler
                    left join this_table as centres
                        on clusters.algorithm = centres.algorithm
                        and clusters.cluster_id = centres.cluster_id
                        and scaler.feature = centres.feature
                        and scaler.position = centres.position
                    where not coalesce(isfinite(centres.scaled_value), false)
                    """,
                    column="scaled_value",
                    claim="every centre has a finite value of every feature of the scaler",
                    fault="features missing from a centre",
                    reason="A distance over fewer features is another distance.",
                ),
                finds_no_rows(
                    "centres_are_those_of_the_chosen_k",
                    """
                    select chosen.algorithm, chosen.k, count(distinct centres.cluster_id) as clusters
                    from ml.cluster_selection as chosen
                    left join this_table as centres on chosen.algorithm = centres.algorithm
                    where chosen.is_chosen
                    group by chosen.algorithm, chosen.k
                    having count(distinct centres.cluster_id) <> chosen.k
                    """,
                    column="cluster_id",
                    claim="each algorithm has as many centres as the k that was chosen",
                    fault="centres are not as many as the chosen k",
                    noun="algorithms",
                    reason="Labels of another fit than the one whose evidence is kept can't be defended.",
                ),
                finds_no_rows(
                    "weights_add_up",
                    """
                    select algorithm, feature, sum(weight) as weight
                    from this_table
                    group by algorithm, feature
                    having abs(sum(weight) - 1) > 0.000001 or min(weight) < 0
                    """,
                    column="weight",
                    claim="weights add up to 1 per algorithm",
                    fault="weights do not add up to 1",
                    noun="algorithms",
                    reason="The mixture's probabilities are made with them.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.mixture_covariances",
            noun="covariances",
            keys=("cluster_id", "feature", "other_feature"),
            checks=(
                has_rows("covariances", reason="Without them the mixture can't label anyone new."),
                finds_no_rows(
                    "covariances_are_symmetric",
                    """
                    select this_table.cluster_id, this_table.feature, this_table.other_feature, this_table.covariance
                    from this_table
                    left join this_table as mirrored
                        on this_table.cluster_id = mirrored.cluster_id
                        and this_table.feature = mirrored.other_feature
                        and this_table.other_feature = mirrored.feature
                    where not coalesce(abs(this_table.covariance - mirrored.covariance) <= 0.000000001, false)
                        or (this_table.feature = this_table.other_feature and this_table.covariance <= 0)
                    """,
                    column="covariance",
                    claim="covariances are the same both ways round, and variances above zero",
                    fault="covariances that differ both ways round, or variances not above zero",
                    reason="Such a matrix has no inverse, or one of no distribution.",
                ),
                finds_no_rows(
                    "components_are_those_of_the_mixture",
                    """
                    select coalesce(spread.cluster_id, centres.cluster_id) as cluster_id
                    from (select distinct cluster_id from this_table) as spread
                    full join (
                        select distinct cluster_id from ml.segment_centroids where algorithm = 'mixture'
                    ) as centres on spread.cluster_id = centres.cluster_id
                    where spread.cluster_id is null or centres.cluster_id is null
                    """,
                    column="cluster_id",
                    claim="the components are those of the mixture's centres",
                    fault="components without a centre, or centres without covariances",
                    noun="components",
                    reason="Half a model labels nobody.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.customer_clv",
            noun="customers",
            keys=("customer_id",),
            checks=(
                finds_no_rows(
                    "every_customer_is_valued_once",
                    """
                    select
                        coalesce(rfm.customer_id, valued.customer_id) as customer_id,
                        coalesce(valued.values_given, 0) as values_given,
                        rfm.customer_id is not null as is_in_customer_rfm
                    from marts.customer_rfm as rfm
                    full join (
                        select customer_id, count(*) as values_given from this_table group by customer_id
                    ) as valued on rfm.customer_id = valued.customer_id
                    where rfm.customer_id is null or coalesce(valued.values_given, 0) <> 1
                    """,
                    column="customer_id",
                    claim="every customer of customer_rfm has exactly one value, and nobody else has",
                    fault="customers without a value, or with several",
                    reason="A customer without a value drops out of every list that is ordered by it.",
                ),
                is_one_of(
                    "model",
                    ("bg_nbd_gamma_gamma", "gradient_boosting", "past_spend", "same_rate", "zero"),
                    reason="A value has to say where it came from.",
                ),
                lies_between("p_alive", 0, 1, reason="Outside this range it is not a probability."),
                finds_no_rows(
                    "values_are_finite_and_within_their_intervals",
                    """
                    select customer_id, clv, clv_low, clv_high, expected_purchases, expected_purchase_value
                    from this_table
                    where not coalesce(isfinite(clv) and clv >= 0, false)
                        or not coalesce(isfinite(expected_purchases) and expected_purchases >= 0, false)
                        or not coalesce(isfinite(expected_purchase_value), true)
                        or (clv_low is null) <> (clv_high is null)
                        or not coalesce(clv_low <= clv and clv <= clv_high and isfinite(clv_high), true)
                        or not coalesce(
                            expected_purchases_low <= expected_purchases
                            and expected_purchases <= expected_purchases_high
                            and isfinite(expected_purchases_high),
                            true
                        )
                    """,
                    column="clv",
                    claim="values and purchases are finite, not negative and within their intervals",
                    fault="values or purchases infinite, negative or outside their intervals",
                    reason="One infinite value makes every sum infinite.",
                ),
                finds_no_rows(
                    "histories_are_possible",
                    """
                    select customer_id, repeat_purchase_days, days_to_last_purchase, observed_days
                    from this_table
                    where repeat_purchase_days < 0
                        or days_to_last_purchase not between 0 and observed_days
                        or (repeat_purchase_days = 0) <> (days_to_last_purchase = 0)
                    """,
                    column="repeat_purchase_days",
                    claim="purchase days and times fit together",
                    fault="purchase days and times contradict each other",
                    reason="The model's likelihood is of histories that can have happened.",
                ),
                finds_no_rows(
                    "values_come_from_the_winner",
                    """
                    select distinct this_table.model, winner.model as winner
                    from this_table
                    cross join (select distinct model from ml.clv_holdout where is_winner) as winner
                    where this_table.model <> winner.model
                    """,
                    column="model",
                    claim="every value comes from the winner of the hold-outs",
                    fault="values of another model than the winner",
                    noun="models",
                    reason="The errors that are shown have to be those of the values that are shown.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.clv_holdout",
            noun="hold-outs",
            keys=("cutoff_date", "model"),
            checks=(
                is_one_of("kind", ("model", "baseline"), reason="Readers filter by it."),
                lies_between("spearman", -1, 1, reason="Outside this range it is not a rank correlation."),
                lies_between("top_decile_capture_pct", 0, 100, reason="A share lies between nothing and all."),
                lies_between("interval_coverage_pct", 0, 100, reason="A share lies between nothing and all."),
                finds_no_rows(
                    "one_model_wins",
                    """
                    select count(distinct model) filter (where is_winner) as winners
                    from this_table
                    having count(*) > 0 and count(distinct model) filter (where is_winner) <> 1
                    """,
                    column="is_winner",
                    claim="one model wins, if there is a hold-out",
                    fault="not exactly one model wins",
                    noun="tables",
                    reason="Customers are valued by one model.",
                ),
                finds_no_rows(
                    "models_are_held_to_the_same_outcome",
                    """
                    select cutoff_date, count(distinct actual_value) as outcomes, count(distinct customers) as groups
                    from this_table
                    group by cutoff_date
                    having count(distinct actual_value) > 1 or count(distinct customers) > 1
                        or count(*) filter (where kind = 'baseline') < 3
                    """,
                    column="actual_value",
                    claim="all models and baselines of a date are held to the same customers and outcome",
                    fault="models of a date are held to different outcomes, or a baseline is missing",
                    noun="dates",
                    reason="Errors on different customers can't be compared.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.revenue_anomalies",
            noun="anomalies",
            keys=("series", "grain", "date"),
            checks=(
                is_one_of("direction", ("spike", "drop", "silence"), reason="Readers filter by it."),
                is_one_of("grain", ("day", "week"), reason="A date means the day or the week by it."),
                is_filled("cause", reason="A flag without a cause is an alarm that nobody can act on."),
                finds_no_rows(
                    "scores_are_finite",
                    f"""
                    select series, grain, date, score
                    from this_table
                    where score is null or not isfinite(score)
                        or direction <> 'silence' and abs(score) < {circumstances.settings.anomalies.threshold}
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
                    select this_table.series, this_table.date, this_table.direction
                    from this_table
                    left join marts.dim_dates as days on this_table.date::date = days.date
                    where this_table.grain = 'day'
                        and case
                            when this_table.direction <> 'silence' then not coalesce(days.is_trading_day, false)
                            when this_table.series = 'total' then coalesce(days.is_trading_day, true)
                            else days.date is null
                        end
                    """,
                    column="date",
                    claim="spikes and drops are on trading days, silences of the shop on others",
                    fault="spikes or drops on days that are no trading days, or silences on days that are",
                    reason="A closed day sells nothing, and only a silence may say so.",
                ),
                finds_no_rows(
                    "anomalies_are_over",
                    """
                    select this_table.series, this_table.grain, this_table.date
                    from this_table
                    cross join (select max(date) as last_date from marts.dim_dates) as days
                    where this_table.date::date + (
                        case when this_table.grain = 'week' then 6 when direction = 'silence' then 1 else 0 end
                    ) > days.last_date
                        or this_table.grain = 'week' and dayofweek(this_table.date) <> 1
                    """,
                    column="date",
                    claim="weeks are complete and start on a Monday, and silences lie before the last day of the data",
                    fault="periods that were not over",
                    reason="Half a week is always a drop, and a day whose file has not come is no silence.",
                ),
                finds_no_rows(
                    "actual_is_booked_revenue",
                    f"""
                    select this_table.date, this_table.grain, this_table.actual, booked.revenue
                    from this_table
                    left join (
                        select 'day' as grain, date, net_revenue_as_booked::double as revenue
                        from marts.fct_daily_revenue
                        union all
                        select 'week', date_trunc('week', date)::date, sum(net_revenue_as_booked)::double
                        from marts.fct_daily_revenue
                        group by 2
                    ) as booked on this_table.date::date = booked.date and this_table.grain = booked.grain
                    where this_table.series = 'total'
                        and not coalesce(abs(
                            this_table.actual
                            - case when direction = 'silence' then coalesce(booked.revenue, 0) else booked.revenue end
                        ) < {SAME_MONEY}, false)
                    """,
                    column="actual",
                    claim="the total series is the revenue as booked",
                    fault="actual differs from the revenue as booked",
                    reason="An anomaly in figures that the marts don't show can't be looked into.",
                ),
                finds_no_rows(
                    "difference_is_actual_less_expected",
                    f"""
                    select series, grain, date, difference, actual - expected as should_be
                    from this_table
                    where not coalesce(abs(difference - (actual - expected)) < {SAME_MONEY}, false)
                    """,
                    column="difference",
                    claim="the difference is actual less expected",
                    fault="difference is not actual less expected",
                    reason="The sentence and every share are made from it.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.revenue_expectations",
            noun="scored periods",
            keys=("series", "grain", "date"),
            checks=(
                finds_no_rows(
                    "bands_hold_what_is_expected",
                    """
                    select series, grain, date, lower, expected, upper
                    from this_table
                    where not coalesce(isfinite(lower) and isfinite(upper), false)
                        or lower > expected or expected > upper
                    """,
                    column="expected",
                    claim="what is expected lies within its band",
                    fault="expected lies outside its band, or the band is not finite",
                    reason="A chart draws the band, and readers judge a period by it.",
                ),
                finds_no_rows(
                    "odd_periods_are_the_flagged_ones",
                    f"""
                    select
                        coalesce(this_table.series, flags.series) as series,
                        coalesce(this_table.grain, flags.grain) as grain,
                        coalesce(this_table.date, flags.date) as date,
                        this_table.score, flags.direction
                    from this_table
                    full join ml.revenue_anomalies as flags
                        on this_table.series = flags.series and this_table.grain = flags.grain
                        and this_table.date = flags.date
                    where this_table.series is null
                        or flags.series is null
                        and abs(this_table.score) >= {circumstances.settings.anomalies.threshold}
                        or flags.series is not null and flags.score is distinct from this_table.score
                    """,
                    column="score",
                    claim="every scored period at or beyond the threshold is flagged, with the same score",
                    fault="scores and flags disagree",
                    reason="A point outside the band that is not marked makes people doubt both.",
                ),
                finds_no_rows(
                    "daily_actual_is_booked_revenue",
                    f"""
                    select this_table.date, this_table.actual, daily.net_revenue_as_booked
                    from this_table
                    left join marts.fct_daily_revenue as daily on this_table.date::date = daily.date
                    where this_table.series = 'total' and this_table.grain = 'day'
                        and not abs(this_table.actual - coalesce(daily.net_revenue_as_booked::double, 0)) < {SAME_MONEY}
                    """,
                    column="actual",
                    claim="the total series by day is the daily revenue as booked",
                    fault="actual differs from the daily revenue as booked",
                    reason="The chart of the series stands beside the marts' own.",
                ),
            ),
        ),
        Suite(
            layer="ml",
            table="ml.anomaly_drivers",
            noun="drivers",
            keys=("series", "grain", "date", "dimension", "rank"),
            checks=(
                is_one_of("dimension", ("invoice", "customer", "product", "country"), reason="Readers filter by it."),
                finds_no_rows(
                    "drivers_belong_to_a_flag",
                    """
                    select this_table.series, this_table.grain, this_table.date, this_table.member
                    from this_table
                    left join ml.revenue_anomalies as flags
                        on this_table.series = flags.series and this_table.grain = flags.grain
                        and this_table.date = flags.date
                    where flags.series is null
                    """,
                    column="date",
                    claim="every driver belongs to a flag",
                    fault="drivers without a flag",
                    reason="Drivers of another run than the flags explain nothing.",
                ),
                finds_no_rows(
                    "differences_and_shares_add_up",
                    f"""
                    select this_table.series, this_table.grain, this_table.date, this_table.member,
                        this_table.difference, this_table.share_pct
                    from this_table
                    inner join ml.revenue_anomalies as flags
                        on this_table.series = flags.series and this_table.grain = flags.grain
                        and this_table.date = flags.date
                    where not coalesce(
                        abs(this_table.difference - (this_table.actual - this_table.expected)) < {SAME_MONEY}
                        and abs(this_table.share_pct * flags.difference / 100 - this_table.difference) < {SAME_MONEY}
                        and this_table.share_pct > 0, false
                    )
                    """,
                    column="difference",
                    claim="a driver's difference is actual less expected, its share that of the flag, the same way",
                    fault="differences or shares that don't follow from the figures beside them",
                    reason="A share that can't be recomputed can't be defended.",
                ),
                finds_no_rows(
                    "ranks_follow_differences",
                    f"""
                    select series, grain, date, dimension, rank, difference
                    from this_table
                    qualify rank <> row_number() over (partition by series, grain, date, dimension order by rank)
                        or abs(difference) > {SAME_MONEY} + lag(abs(difference)) over (
                            partition by series, grain, date, dimension order by rank
                        )
                    """,
                    column="rank",
                    claim="ranks run from 1, the largest difference first",
                    fault="ranks with gaps, or not by difference",
                    reason="People read the first and stop.",
                ),
                finds_no_rows(
                    "country_drivers_are_booked_revenue",
                    f"""
                    select this_table.date, this_table.member, this_table.actual, lines.revenue
                    from this_table
                    left join (
                        select invoice_date, country, sum(gross_revenue + return_amount)::double as revenue
                        from marts.fct_invoice_lines
                        group by invoice_date, country
                    ) as lines on this_table.date::date = lines.invoice_date and this_table.member = lines.country
                    where this_table.dimension = 'country' and this_table.grain = 'day'
                        and not abs(this_table.actual - coalesce(lines.revenue, 0)) < {SAME_MONEY}
                    """,
                    column="actual",
                    claim="what a country brought on an odd day is its booked revenue",
                    fault="a country's figure differs from its lines",
                    reason="A cause in figures that the marts don't show can't be looked into.",
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
