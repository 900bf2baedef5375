{# One row per customer and algorithm. #}
select customer_id, 'kmeans' as algorithm, kmeans_label as cluster_id, kmeans_segment as segment_name
from ml.customer_segments
union all
select customer_id, 'hierarchical', hierarchical_label, hierarchical_segment from ml.customer_segments
union all
select customer_id, 'mixture', mixture_label, mixture_segment from ml.customer_segments
