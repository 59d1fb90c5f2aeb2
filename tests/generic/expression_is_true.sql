{#
    The expression is true in every row; unknown is not enough. A returned row is one in which it is false or unknown.

    `expression`: SQL over the columns of the model.
#}
{% test expression_is_true(model, expression) %}

select *
from {{ model }}
where ({{ expression }}) is not true

{% endtest %}
