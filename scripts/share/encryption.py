"""Encrypts the files of a version to the public key of its recipient, in the format of age (https://age-encryption.org). Needs the extra `share`.

Usage:
    check_key("age1...")
    files = encrypted(versions, version, ["index.json"], "age1...")

Only what leaves us is encrypted. No two encryptions have the same bytes, so a file is encrypted once and kept beside its version, until that is removed: so what was interrupted can be
compared, and goes on.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from scripts.share.versions import ShareVersions

SUFFIX = ".age"


class EncryptionError(Exception):
    """Files cannot be encrypted: says why."""


def check_key(key: str) -> None:
    """Make sure that files can be encrypted to a key.

    Raises:
        EncryptionError: they cannot.
    """
    try:
        import pyrage
    except ImportError as error:
        raise EncryptionError("encryption needs the extra `share`: make .venv/.share") from error
    try:
        pyrage.x25519.Recipient.from_str(key)
    except pyrage.RecipientError as error:
        raise EncryptionError(f"{key}: not a public key of age: {error}") from error


def encrypted(
    versions: ShareVersions, version: str, names: Iterable[str], key: str
) -> dict[str, Path]:
    """The encrypted files of a version, by their names at the destination; hold the lock.

    Args:
        versions: of the share.
        version: that they belong to.
        names: of the files, from the folder of the version.
        key: of the recipient.

    Raises:
        EncryptionError: the key is none, or the disk is full.
    """
    check_key(key)
    import pyrage

    recipient = pyrage.x25519.Recipient.from_str(key)
    place = versions.encrypted(version) / hashlib.sha256(key.encode()).hexdigest()[:16]
    found = {}
    for name in names:
        file = place / f"{name}{SUFFIX}"
        if not file.exists():
            beside = file.with_name(f".unfinished-{file.name}")
            try:
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                pyrage.encrypt_file(
                    os.fspath(versions.folder / version / name), os.fspath(beside), [recipient]
                )
                beside.replace(file)
            except (OSError, pyrage.EncryptError) as error:
                raise EncryptionError(f"{file}: cannot be written: {error}") from error
        found[f"{name}{SUFFIX}"] = file
    return found
