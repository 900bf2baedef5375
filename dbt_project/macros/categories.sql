{# Constants of the categories that products are put in; the keywords are in seed product_categories. #}

{# The category of what no keyword fits, and of codes that are no products. #}
{% macro uncategorised() -%} 'Other' {%- endmacro %}

{# Words of a description that are looked at. The longest on the public data has 8. #}
{% macro category_words() -%} {{ return(24) }} {%- endmacro %}
