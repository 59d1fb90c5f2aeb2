{#
    The hash key in the column is the hash of the business key in the same row. A returned row has another hash.

    `business_key`: column of the business key.
#}
{% test hash_key_matches(model, column_name, business_key) %}

select
    {{ column_name }},
    {{ business_key }}
from {{ model }}
where {{ column_name }} is distinct from {{ hash_key([business_key]) }}

{% endtest %}
