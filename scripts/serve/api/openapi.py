"""The description of the endpoints in OpenAPI 3.1, from the declarations.

Usage:
    app.add_api_route(path, endpoint, openapi_extra=rows_operation(resource, limits))
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from scripts.metrics.definitions import Metric
from scripts.serve.api import formats, problems
from scripts.serve.api.kinds import LONGEST_FILTER, Kind
from scripts.serve.api.limits import RoleLimits
from scripts.serve.api.problems import Type
from scripts.serve.api.questions import FILTERS_OF_A_COLUMN
from scripts.serve.api.resources import Column, Resource

DESCRIPTION = """\
Tables and metrics of the brokerage warehouse, as they were published last.

**Key.** Send `Authorization: Bearer <key>`. A key has a role; personal columns are masked unless the role may see them.

**Filters.** `column=operator.value`, such as `status=eq.Completed` or `trade_price=gte.10`. Operators: `eq`, `neq`, `gt`, `gte`, `lt`, `lte`, `in.(a,b)`, `is.null`,
`is.not_null`; for text also `like.Comp*` and `ilike`. Several filters hold together; a comparison with NULL never holds.

**Pages.** An answer has `limit` rows at most. If there are more, `next` (and the header `Link`) leads to the next page: give it as `after`. All pages are of one version,
whatever is published meanwhile. `/v1/downloads/...` streams all rows instead.

**Formats.** By `Accept`: JSON, CSV, Arrow (stream), Parquet. **Versions.** `ETag` and `If-None-Match`: nothing is sent again until something is published.

**Problems** are `application/problem+json` (RFC 9457): `detail` says what is wrong, `fix` what to do.
"""
_SECURITY: list[dict[str, list[str]]] = [{"key": []}]
_PROBLEMS = (problems.UNAUTHORIZED, problems.TOO_MANY_REQUESTS, problems.UNAVAILABLE)
_VERSION_PROPERTIES: dict[str, Any] = {
    "version": {"type": "string", "description": "The published version."},
    "batch_id": {"type": "integer", "description": "The last batch that it holds."},
    "published_at": {"type": "string", "format": "date-time"},
}
_HEADERS: dict[str, Any] = {
    "ETag": {"schema": {"type": "string"}, "description": "Identifies version, role and question."},
    "X-Version": {"schema": {"type": "string"}, "description": "The published version."},
    "X-Request-Id": {
        "schema": {"type": "string"},
        "description": "As in the log of who read what.",
    },
}
_METRIC: dict[str, Any] = {
    "type": "object",
    "required": [field.name for field in fields(Metric)],
    "properties": {field.name: {"type": "string"} for field in fields(Metric)},
}
_BINARY = {"type": "string", "format": "binary"}


def complete(document: dict[str, Any], resources: Mapping[str, Resource]) -> None:
    """Add what all operations refer to."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key that was issued to you."}
    }
    schemas = {name: _row_schema(resource) for name, resource in resources.items()}
    components["schemas"] = {"problem": problems.SCHEMA, **schemas}
    for operations in document["paths"].values():
        for operation in operations.values():
            # The framework adds an answer of its own to each operation.
            success = operation["responses"].get("200", {})
            if not success.get("content", {}).get("application/json", {"schema": 1}).get("schema"):
                success["content"].pop("application/json")


def index_operation() -> dict[str, Any]:
    """The list of what there is."""
    resource = _object({"name": {}, "path": {}, "description": {}}, {"type": "string"})
    resource["properties"]["key"] = {"type": "array", "items": {"type": "string"}}
    schema = _object(
        {
            **_VERSION_PROPERTIES,
            "role": {"type": "string"},
            "resources": {"type": "array", "items": resource},
        }
    )
    return _operation("What the role of the key may read", "start", [], _json(schema))


def rows_operation(resource: Resource, limits: RoleLimits) -> dict[str, Any]:
    """Rows of a table."""
    parameters = [
        *_of_all_rows(resource, f"usually `{','.join(each.text for each in resource.order)}`"),
        _parameter(
            "limit",
            {
                "type": "integer",
                "minimum": 1,
                "maximum": limits.rows_of_page,
                "default": resource.page_size,
            },
            "Rows of the page.",
        ),
        _parameter(
            "after",
            {"type": "string", "format": "cursor"},
            "Where the page begins: `next` of the page before.",
        ),
        _parameter(
            "count", {"type": "boolean", "default": False}, "Whether to count all rows, too."
        ),
    ]
    schema = _object(
        {
            "data": {"type": "array", "items": _reference(resource.name)},
            **_VERSION_PROPERTIES,
            "next": {"type": ["string", "null"], "description": "Cursor of the next page."},
        }
    )
    schema["properties"]["count"] = {"type": "integer", "description": "Number of all rows."}
    headers = {
        **_HEADERS,
        "Link": {"schema": {"type": "string"}, "description": "The next page."},
        "X-Total-Count": {"schema": {"type": "integer"}, "description": "Number of all rows."},
    }
    return _operation(
        f"Rows of {resource.name}",
        resource.name,
        parameters,
        _all_formats(schema, headers),
        resource.description,
        (
            problems.INVALID_PARAMETER,
            problems.FORBIDDEN,
            problems.NO_SUCH_PAGE,
            problems.NOT_ACCEPTABLE,
            problems.VERSION_GONE,
            problems.TOO_EXPENSIVE,
        ),
    )


def download_operation(resource: Resource) -> dict[str, Any]:
    """All rows of a table at once."""
    schema = _object(
        {
            "data": {"type": "array", "items": _reference(resource.name)},
            **_VERSION_PROPERTIES,
            "count": {"type": "integer", "description": "Number of all rows."},
        }
    )
    headers = {
        **_HEADERS,
        "X-Total-Count": {"schema": {"type": "integer"}, "description": "Number of all rows."},
    }
    return _operation(
        f"All rows of {resource.name}",
        resource.name,
        _of_all_rows(
            resource, "not sorted if it is missing, because that takes all rows into memory"
        ),
        _all_formats(schema, headers),
        f"Streamed while they are read: a connection that is cut has not sent all of them. {resource.description}",
        (
            problems.INVALID_PARAMETER,
            problems.FORBIDDEN,
            problems.NOT_ACCEPTABLE,
            problems.TOO_EXPENSIVE,
        ),
    )


def row_operation(resource: Resource) -> dict[str, Any]:
    """One row of a table."""
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": resource.columns[name].description,
            "schema": _key_schema(resource.columns[name].kind),
        }
        for name in resource.key
    ]
    parameters.append(
        _list("select", list(resource.columns), "Columns of the answer; all if it is missing.")
    )
    return _operation(
        f"One row of {resource.name}",
        resource.name,
        parameters,
        _all_formats(_reference(resource.name), _HEADERS),
        resource.description,
        (
            problems.INVALID_PARAMETER,
            problems.FORBIDDEN,
            problems.NOT_FOUND,
            problems.NOT_ACCEPTABLE,
            problems.TOO_EXPENSIVE,
        ),
    )


def metrics_operation() -> dict[str, Any]:
    """The list of metrics."""
    schema = _object({"data": {"type": "array", "items": _METRIC}})
    return _operation("All metrics", "metrics", [], _json(schema))


def metric_operation(metrics: Mapping[str, Metric], limits: RoleLimits) -> dict[str, Any]:
    """The values of a metric."""
    parameters = [
        _metric_name(metrics),
        _parameter(
            "group_by",
            {"type": "array", "items": {"type": "string", "pattern": "^[a-z_]+$"}},
            "Dimensions; a time may be followed by its grain: `metric_time__month`.",
            **{"style": "form", "explode": False},
        ),
        _parameter(
            "where",
            {"type": "array", "items": {"type": "string"}},
            "Conditions that all hold, such as `customer__tier = 1` or `broker__branch in North, South`.",
            **{"style": "form", "explode": True},
        ),
        _parameter(
            "order",
            {"type": "array", "items": {"type": "string", "pattern": "^-?[a-z_]+$"}},
            "Columns of the answer to sort by, descending after a minus.",
            **{"style": "form", "explode": False},
        ),
        _parameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": limits.rows_of_page},
            "Rows of the answer.",
        ),
    ]
    value = {"type": ["string", "number", "boolean", "null"]}
    row = {"type": "object", "additionalProperties": value}
    schema = _object(
        {
            "data": {"type": "array", "items": row},
            **_VERSION_PROPERTIES,
            "metric": _METRIC,
        }
    )
    return _operation(
        "Values of a metric",
        "metrics",
        parameters,
        _all_formats(schema, _HEADERS),
        "One row for each group. What it can be grouped by: `/v1/metrics/{name}/dimensions`.",
        (
            problems.INVALID_PARAMETER,
            problems.FORBIDDEN,
            problems.NOT_FOUND,
            problems.NOT_ACCEPTABLE,
            problems.TOO_EXPENSIVE,
        ),
    )


def model_operation(names: Sequence[str]) -> dict[str, Any]:
    """What a model takes and gives."""
    tensor = _object(
        {
            "name": {"type": "string"},
            "datatype": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
        }
    )
    schema = _object(
        {
            "name": {"type": "string"},
            "versions": {"type": "array", "items": {"type": "string"}},
            "platform": {"type": "string"},
            "inputs": {"type": "array", "items": tensor},
            "outputs": {"type": "array", "items": tensor},
            "parameters": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    )
    return _operation(
        "What a model takes and gives, and which version answers",
        "models",
        [_model_name(names)],
        _json(schema),
        problem_types=(problems.FORBIDDEN, problems.NOT_FOUND),
    )


def infer_operation(
    names: Sequence[str], tensors: Mapping[str, str], most_keys: int
) -> dict[str, Any]:
    """How likely it happens to some."""
    asked = _object(
        {
            "name": {"type": "string", "enum": list(tensors)},
            "datatype": {"type": "string", "enum": sorted(set(tensors.values()))},
            "shape": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 1},
            "data": {
                "type": "array",
                "items": {"type": ["integer", "string"]},
                "minItems": 1,
                "maxItems": most_keys,
            },
        }
    )
    body = _object({"inputs": {"type": "array", "items": asked, "minItems": 1, "maxItems": 1}})
    body["properties"]["id"] = {"type": "string"}
    answered = _object(
        {
            "name": {"type": "string"},
            "datatype": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "data": {
                "type": "array",
                "items": {"type": ["integer", "number", "boolean", "string"]},
            },
        }
    )
    answer = _object(
        {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "outputs": {"type": "array", "items": answered},
            "parameters": {"type": "object"},
        }
    )
    answer["properties"]["id"] = {"type": "string"}
    operation = _operation(
        "How likely it happens to some customers or prospects, by the champion",
        "models",
        [_model_name(names)],
        _json(answer),
        "The Open Inference Protocol, version 2: one tensor with keys, of customers or prospects as the model asks for. Their features are looked up in the published version.",
        (problems.INVALID_PARAMETER, problems.FORBIDDEN, problems.NOT_FOUND),
    )
    operation["responses"].pop("304")
    operation["requestBody"] = {"required": True, "content": {formats.JSON: {"schema": body}}}
    return operation


def dimensions_operation(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """What a metric can be grouped by."""
    schema = _object({"data": {"type": "array", "items": {"type": "string"}}})
    return _operation(
        "What a metric can be grouped by",
        "metrics",
        [_metric_name(metrics)],
        _json(schema),
        problem_types=(problems.INVALID_PARAMETER, problems.NOT_FOUND),
    )


def open_operation(summary: str, media_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Something that needs no key."""
    return {
        "summary": summary,
        "tags": ["server"],
        "security": [],
        "responses": {"200": {"description": summary, "content": {media_type: {"schema": schema}}}},
    }


def problems_of(*types: Type) -> dict[str, Any]:
    """The answers that tell problems, by status."""
    found: dict[str, Any] = {}
    for each in types:
        status = str(each.status)
        description = f"{each.title}: {each.advice}."
        if status in found:
            description = f"{found[status]['description']} {description}"
        found[status] = {
            "description": description,
            "content": {problems.MEDIA_TYPE: {"schema": _reference("problem")}},
        }
        if each in (problems.UNAVAILABLE, problems.TOO_MANY_REQUESTS):
            retry = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
            found[status]["headers"] = {"Retry-After": retry}
    return found


def _operation(
    summary: str,
    tag: str,
    parameters: list[dict[str, Any]],
    success: dict[str, Any],
    description: str = "",
    problem_types: Iterable[Type] = (problems.INVALID_PARAMETER,),
) -> dict[str, Any]:
    responses = {
        "200": success,
        "304": {"description": "The client has it already (If-None-Match)."},
        **problems_of(*problem_types, *_PROBLEMS),
    }
    return {
        "summary": summary,
        "description": description,
        "tags": [tag],
        "security": _SECURITY,
        "parameters": parameters,
        "responses": responses,
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "The answer.", "content": {formats.JSON: {"schema": schema}}}


def _all_formats(schema: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {
        media_type: {"schema": _BINARY} for media_type in formats.MEDIA_TYPES
    }
    content[formats.JSON] = {"schema": schema}
    content[formats.CSV] = {"schema": {"type": "string"}}
    return {"description": "The answer.", "headers": headers, "content": content}


def _parameter(
    name: str, schema: Mapping[str, Any], description: str, **style: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": description,
        **style,
    }


def _of_all_rows(resource: Resource, usual_order: str) -> list[dict[str, Any]]:
    """Filters, columns, order."""
    columns = resource.columns
    sortable = [sign + name for name in resource.filters for sign in ("", "-")]
    return [
        *(_filter(columns[name]) for name in resource.filters),
        _list("select", list(columns), "Columns of the answer; all if it is missing."),
        _list("order", sortable, f"Columns to sort by, descending after a minus; {usual_order}."),
    ]


def _filter(column: Column) -> dict[str, Any]:
    items = {
        "type": "string",
        "pattern": column.kind.filter_pattern,
        "maxLength": LONGEST_FILTER,
    }
    return _parameter(
        column.name,
        {"type": "array", "items": items, "maxItems": FILTERS_OF_A_COLUMN},
        f"Filter, such as `eq.{column.kind.example}`. {column.description}",
        style="form",
        explode=True,
    )


def _list(name: str, words: list[str], description: str) -> dict[str, Any]:
    schema = {
        "type": "array",
        "items": {"type": "string", "enum": words},
        "minItems": 1,
        "uniqueItems": True,
    }
    return _parameter(name, schema, description, style="form", explode=False)


def _metric_name(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    return {
        "name": "name",
        "in": "path",
        "required": True,
        "description": "The metric.",
        "schema": {"type": "string", "enum": list(metrics)},
    }


def _model_name(names: Sequence[str]) -> dict[str, Any]:
    return {
        "name": "name",
        "in": "path",
        "required": True,
        "description": "The model.",
        "schema": {"type": "string", "enum": list(names)},
    }


def _key_schema(kind: Kind) -> dict[str, Any]:
    if kind.schema == {"type": "integer"}:
        most = 10**18 - 1
        return {"type": "integer", "minimum": -most, "maximum": most}
    if kind.is_text:
        return {"type": "string", "pattern": "^[^\\x00/]+$", "maxLength": LONGEST_FILTER}
    return {"type": "string", "pattern": f"^(?:{kind.pattern})$"}


def _row_schema(resource: Resource) -> dict[str, Any]:
    properties = {}
    for name, column in resource.columns.items():
        schema = dict(column.kind.schema)
        if column.is_nullable:
            schema["type"] = [schema["type"], "null"]
        if column.description:
            schema["description"] = column.description
        properties[name] = schema
    return {
        "type": "object",
        "description": resource.description,
        "properties": properties,
        "additionalProperties": False,
    }


def _object(
    properties: Mapping[str, Any], usual: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An object that has all of its properties; those without a schema have the usual one."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": {name: dict(schema or usual or {}) for name, schema in properties.items()},
    }


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
