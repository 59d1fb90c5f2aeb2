-- Models of which a version was ever given a role.
select distinct model_name
from operations.fct_model_promotions
order by model_name
