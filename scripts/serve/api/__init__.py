"""The data API: what is published, over HTTP, for programs. What it serves is declared in the YAML of the models.

    resources, kinds         what is served, from `meta.api` of a model; types of values
    questions                filters, columns, order and pages of a request, as SQL
    formats, streams         JSON, CSV, Arrow, Parquet; answers that are sent while they are read
    keys, limits, audit      who may read, how much, and who has
    problems, openapi        problem details, the description of all endpoints
    service, figures         what happens around each request; what /metrics says of it
    data, metric_routes, model_routes, share_routes, system_routes, app   the endpoints
    __main__                 the command: serve, keys

Needs the extra `api`, and `metrics` for metrics.
"""
