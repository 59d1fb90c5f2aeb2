"""The key of the hashes of a share, and that of links to files: 32 random bytes in a file of their own, apart from what recipients get.

Usage:
    key = hash_key("market_research", "trading_activity")
    print(key_id(key))

Each share has its own, so two recipients cannot tell that they were given the same person. Whoever has it can try all tax numbers; whoever loses it gives other
hashes from then on.
"""

import secrets
from pathlib import Path

from scripts.share.selection import keyed_hash
from scripts.warehouse.files import write_private
from scripts.warehouse.settings import setting

_BYTES = 32


class KeyFileError(Exception):
    """The key cannot be had: says where, why, and what to do."""


def hash_key(recipient: str, share: str, known: str | None = None) -> bytes:
    """The key of a share; made if there is none.

    Args:
        recipient: who gets it.
        share: its name.
        known: names the key that the current version was made with; None if there is none.

    Raises:
        KeyFileError: it cannot be read or written, or the one that the current version was made with is lost.
    """
    file = Path(setting("SHARE_KEYS")) / recipient / f"{share}.key"
    if known and not file.exists():
        raise KeyFileError(_lost(file, "is gone"))
    key = _key_in(file)
    if known and key_id(key) != known:
        raise KeyFileError(_lost(file, "is another one"))
    return key


def link_key() -> bytes:
    """The key that signs links to files; made if there is none. Whoever changes it ends all links.

    Raises:
        KeyFileError: it cannot be read or written.
    """
    return _key_in(Path(setting("SHARE_KEYS")) / "links.key")


def _key_in(file: Path) -> bytes:
    """The key in a file; made if there is none."""
    try:
        if not file.exists():
            _write(file)
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except OSError as error:
        raise KeyFileError(
            f"{file}: {error.strerror}; set SHARE_KEYS to a folder that can be written"
        ) from error
    except ValueError as error:
        raise KeyFileError(f"{file}: not a key; restore it from your backup") from error
    if len(key) != _BYTES:
        raise KeyFileError(f"{file}: not a key of {_BYTES} bytes; restore it from your backup")
    return key


def key_id(key: bytes) -> str:
    """Names a key without telling it."""
    # No value of a database has this character.
    return keyed_hash("\0", key)[:16]


def _write(file: Path) -> None:
    write_private(file, secrets.token_hex(_BYTES) + "\n")


def _lost(file: Path, what: str) -> str:
    return (
        f"{file}: the key that the current version was made with {what}; restore it from your backup."
        " To give other hashes from now on, revoke the share and approve it again"
    )
