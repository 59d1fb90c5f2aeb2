{# The hash key in the column is the hash of the business key beside it. A returned row is a key that was hashed in another way. #}
{% test hash_key_matches(model, column_name, business_key) %}

select
    {{ column_name }},
    {{ business_key }}
from {{ model }}
where {{ column_name }} is distinct from {{ hash_key([business_key]) }}

{% endtest %}
