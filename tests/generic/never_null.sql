{#
    None of the columns is ever NULL: one scan and one test for all of them, where `not_null` needs one for each. A returned row
    has a NULL in at least one of the columns.

    `columns`: list of the columns.
#}
{% test never_null(model, columns) %}

select {{ columns | join(", ") }}
from {{ model }}
where {{ columns | join(" is null or ") }} is null

{% endtest %}
