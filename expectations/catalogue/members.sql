{# One row per customer and method of making segments, of the table that `source` names. #}
unpivot (
    select
        monetary,
        kmeans_segment as kmeans,
        hierarchical_segment as hierarchical,
        mixture_segment as mixture,
        rfm_segment as rfm,
        audience_segment as audience,
        slipping_segment as slipping
    from {{ source }}
)
on kmeans, hierarchical, mixture, rfm, audience, slipping into name method value segment_name
