"""What can go wrong with a request, as problem details (RFC 9457).

Usage:
    raise Problem(INVALID_PARAMETER, "limit is 0", parameter="limit", fix="write a number from 1 to 10000")
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Type:
    """A type of problems.

    Attributes:
        name: the last part of its address.
        status: of the answer.
        title: what it is, in general.
        advice: what to do, if the problem itself does not say.
    """

    name: str
    status: int
    title: str
    advice: str


INVALID_PARAMETER = Type(
    "invalid-parameter",
    400,
    "A parameter cannot be understood",
    "correct it as `fix` says; /openapi.json has all parameters",
)
UNAUTHORIZED = Type(
    "unauthorized",
    401,
    "A valid key is needed",
    "send `Authorization: Bearer <key>`; whoever runs the server issues keys",
)
FORBIDDEN = Type(
    "forbidden",
    403,
    "The role of the key may not read this",
    "ask whoever runs the server for a key of another role",
)
NOT_FOUND = Type("not-found", 404, "There is no such thing", "GET /v1 lists what there is")
NO_SUCH_PAGE = Type(
    "no-such-page",
    404,
    "There is no such page",
    "take `next` of the page before as it is, or begin again without `after`",
)
METHOD_NOT_ALLOWED = Type(
    "method-not-allowed", 405, "Everything here is only read", "use GET; a model is asked by POST"
)
NOT_ACCEPTABLE = Type(
    "not-acceptable",
    406,
    "There is no such format",
    "accept application/json, text/csv, application/vnd.apache.arrow.stream or application/vnd.apache.parquet",
)
VERSION_GONE = Type(
    "version-gone",
    410,
    "The version that the page belongs to has been removed",
    "begin again without `after`",
)
TOO_EXPENSIVE = Type(
    "too-expensive",
    422,
    "The answer takes more time, memory or rows than the role may use",
    "filter, ask for fewer columns, or go page by page",
)
TOO_MANY_REQUESTS = Type(
    "too-many-requests",
    429,
    "Too many requests with this key",
    "wait as long as Retry-After says",
)
INTERNAL = Type("internal", 500, "The server has made a mistake", "tell whoever runs the server")
UNAVAILABLE = Type(
    "unavailable",
    503,
    "There is nothing to read now",
    "try again after as many seconds as Retry-After says",
)
TYPES = (
    INVALID_PARAMETER,
    UNAUTHORIZED,
    FORBIDDEN,
    NOT_FOUND,
    NO_SUCH_PAGE,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    VERSION_GONE,
    TOO_EXPENSIVE,
    TOO_MANY_REQUESTS,
    INTERNAL,
    UNAVAILABLE,
)


@dataclass
class Problem(Exception):
    """A problem with a request.

    Attributes:
        type: of the problem.
        detail: what is wrong this time.
        parameter: the parameter that is wrong; None if it is none.
        fix: what to do; None for the advice of the type.
        headers: of the answer.
    """

    type: Type
    detail: str
    parameter: str | None = None
    fix: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        content = {
            "type": f"/docs#problem-{self.type.name}",
            "title": self.type.title,
            "status": self.type.status,
            "detail": self.detail,
            "fix": self.fix or self.type.advice,
        }
        return content | ({"parameter": self.parameter} if self.parameter else {})


# The schema of the body, as in OpenAPI.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "fix"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string", "description": "What it is, in general."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong this time."},
        "fix": {"type": "string", "description": "What to do."},
        "parameter": {"type": "string", "description": "The parameter that is wrong."},
    },
}
