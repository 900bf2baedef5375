{{ config(meta={'dagster': {'ref': {'name': 'product_categories'}}}) }}
-- A keyword that is no one to three words in capitals would never be found, in silence.
select
    keyword,
    category
from {{ ref('product_categories') }}
where
    keyword is distinct from {{ words_of('keyword') }}
    or length(keyword) - length(replace(keyword, ' ', '')) > 2
    or category is null
