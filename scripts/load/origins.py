"""Where a feed comes from, if not as a file that somebody delivers: the living system of its source, and its place there.

A source declares its system once (`config.meta.system`), and each of its feeds that is read from it where it is there (`config.meta.feed.origin`).
docs/extract.md describes the keys. What is secret, or differs from place to place, is in the environment: the contract names the variables.

Usage:
    system = read_system("brokerage", {"kind": "database_changes", "address": "BROKERAGE_DATABASE"})
    problems = origin_problems(system, {"table": "public.trade"})
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class _Kind:
    """What may be said of systems of a kind, and of their feeds: `?` marks what may be left out.

    Attributes:
        system: keys of the system besides `kind` and `address`.
        feed: keys of the origin of a feed.
        whole_files: it holds files as they are; otherwise it holds rows, which are written in the format of the feed.
    """

    system: tuple[str, ...]
    feed: tuple[str, ...]
    whole_files: bool = False


KINDS = {
    "api": _Kind(
        ("auth?", "seconds_to_answer?", "attempts?"),
        ("path", "pages", "items?", "total?", "next?", "parameters?", "page_size?", "key?"),
    ),
    "database_changes": _Kind(
        ("slot?", "publication?", "most_lag_mib?"), ("table", "change_flag?")
    ),
    "object_store": _Kind((), ("objects",), whole_files=True),
    "stream": _Kind(("settings?", "group?"), ("topic",)),
}
PAGES = ("link", "cursor", "offset")
AUTHS = {
    "bearer": ("token",),
    "client_credentials": ("token_address", "client_id", "client_secret"),
    "key": ("header", "key"),
}
# What in a declaration of `auth` is no name of a variable.
_PLAIN = ("header",)


@dataclass(frozen=True)
class System:
    """A living system.

    Attributes:
        name: that of its source.
        kind: one of `KINDS`.
        address: the variable that says where it is, and who asks.
        options: everything else that its contract says.
    """

    name: str
    kind: str
    address: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variables(self) -> list[str]:
        """The variables that its contract names."""
        auth = self.options.get("auth") or {}
        secret = [value for key, value in auth.items() if key not in ("kind", *_PLAIN)]
        return [self.address, *secret, *(self.options.get("settings") or {}).values()]


def read_system(name: str, declared: Any) -> System:
    """The system that a source declares.

    Raises:
        ValueError: the declaration cannot be used.
    """
    if not isinstance(declared, dict):
        raise ValueError("config.meta.system is not a map of options")  # noqa: TRY004
    options = dict(declared)
    kind, address = options.pop("kind", None), options.pop("address", None)
    if kind not in KINDS:
        raise ValueError(f"system kind {kind!r} is not one of {', '.join(KINDS)}")
    _require_variable("address", address)
    for problem in _key_problems("system", KINDS[kind].system, options):
        raise ValueError(problem)
    _check_auth(options.get("auth"))
    for key, variable in dict(options.get("settings") or {}).items():
        _require_variable(f"settings.{key}", variable)
    return System(name, kind, address, options)


def origin_problems(
    system: System | None, origin: Mapping[str, Any] | None, files: tuple[str, ...], format_: str
) -> Iterator[str]:
    """What makes the origin of a feed unusable; nothing if it is fine, or there is none."""
    if origin is None:
        return
    if system is None:
        yield "it has an origin, but its source declares no system (config.meta.system)"
        return
    kind = KINDS[system.kind]
    yield from _key_problems("origin", kind.feed, origin)
    if not all(pattern.startswith("Batch{batch}") for pattern in files):
        yield "what is extracted goes to the folder of its batch: files must begin with Batch{batch}"
    if not kind.whole_files:
        if len(files) != 1 or re.search(r"[*?\[]", files[0]) or files[0].count("/") != 1:
            yield "rows are extracted into one file: files must be one name in Batch{batch}/, without wildcards"
        if format_ not in ("delimited", "json_lines", "parquet"):
            yield f"rows of a system of kind {system.kind} cannot be written as {format_}"
    if system.kind == "api":
        yield from _page_problems(origin)


def _page_problems(origin: Mapping[str, Any]) -> Iterator[str]:
    pages = origin.get("pages")
    if pages not in PAGES:
        yield f"pages {pages!r} is not one of {', '.join(PAGES)}"
    if pages == "cursor" and not origin.get("next"):
        yield "pages by cursor need the path of the next cursor (origin.next)"
    if pages == "offset" and not (origin.get("total") and origin.get("key")):
        yield "pages by offset shift when rows come and go: origin.total and origin.key are needed to notice it"


def _key_problems(what: str, known: tuple[str, ...], given: Mapping[str, Any]) -> Iterator[str]:
    names = {key.removesuffix("?") for key in known}
    for key in given:
        if key not in names:
            yield f"{what}.{key} is unknown; known are {', '.join(sorted(names)) or 'none'}"
    for key in known:
        if not key.endswith("?") and not given.get(key):
            yield f"{what}.{key} is missing"


def _require_variable(key: str, name: Any) -> None:
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        raise ValueError(
            f"system.{key} is {name!r}, not the name of an environment variable such as BROKERAGE_DATABASE"
        )


def _check_auth(auth: Any) -> None:
    if auth is None:
        return
    if not isinstance(auth, dict) or auth.get("kind") not in AUTHS:
        raise ValueError(f"system.auth.kind is not one of {', '.join(AUTHS)}")
    given = {key: value for key, value in auth.items() if key != "kind"}
    for problem in _key_problems("system.auth", AUTHS[auth["kind"]], given):
        raise ValueError(problem)
    for key, value in given.items():
        if key not in _PLAIN:
            _require_variable(f"auth.{key}", value)
