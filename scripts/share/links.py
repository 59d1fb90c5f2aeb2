"""Signed links to files of versions: who has one may read the file until it expires, or until the profile that it was made for ends.

Usage:
    link = Link(key_id, "trading_activity", "batch-0003-20261130T125152Z", "tables/trades/part-00000.parquet", expires)
    address = link.signed(link_key())
    link = Link.of(path, parameters, link_key())
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlencode

from scripts.share.dumps import File

# A link lasts this long, and as long as somebody needs who reads all files of the answer, one after the other, at this speed.
_SECONDS = 900
_SLOWEST_BYTES_PER_SECOND = 128 * 1024


class LinkError(Exception):
    """A link that was not made here, or was changed."""


@dataclass(frozen=True)
class Link:
    """What a link leads to, for whom, and until when.

    Attributes:
        key_id: of the profile that it was made for.
        share: the name of the share.
        version: of it.
        path: of the file, from the folder of the version.
        expires: when, in seconds since 1970.
    """

    key_id: str
    share: str
    version: str
    path: str
    expires: int

    def signed(self, key: bytes) -> str:
        """The end of the address: share, version, path and parameters."""
        place = quote(f"{self.share}/{self.version}/{self.path}")
        parameters = {
            "profile": self.key_id,
            "expires": self.expires,
            "signature": self._signature(key),
        }
        return f"{place}?{urlencode(parameters)}"

    @classmethod
    def of(cls, place: str, parameters: Mapping[str, str], key: bytes) -> Self:
        """The link of an address.

        Raises:
            LinkError: it was not made here, or was changed.
        """
        share, _, rest = place.partition("/")
        version, _, path = rest.partition("/")
        expires = parameters.get("expires", "")
        if not (expires.isascii() and expires.isdecimal() and len(expires) <= 12):
            raise LinkError("the link is not whole")
        link = cls(parameters.get("profile", ""), share, version, path, int(expires))
        given = parameters.get("signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(link._signature(key).encode(), given):
            raise LinkError("the link was not made here, or was changed")
        return link

    def _signature(self, key: bytes) -> str:
        # No part has a line break: names have none, and paths are made of them.
        text = "\n".join((self.key_id, self.share, self.version, self.path, str(self.expires)))
        return hmac.digest(key, text.encode(), "sha256").hex()


def seconds_to_read(files: Iterable[File]) -> int:
    """How long links to the files of an answer last."""
    return _SECONDS + sum(file.bytes for file in files) // _SLOWEST_BYTES_PER_SECOND
