"""Signs the checksums of a version (Ed25519), so that a recipient knows from whom it is. Needs the extra `share`.

Usage:
    public_key_file = make_signing_key()
    sign(folder)
    problem = signature_problem(folder, Path("signing.pub.pem"))

Without a signing key, versions are not signed. The same version and key give the same signature.
"""

import os
from pathlib import Path

from scripts.share.index import CHECKSUMS, SIGNATURE
from scripts.warehouse.settings import setting

_INSTALL = "signatures need the extra `share`: make .venv/.share"


class SigningError(Exception):
    """A version cannot be signed, or a signature cannot be checked: says why."""


def make_signing_key() -> Path:
    """Make the key that signs all shares; returns the file of the public key, which recipients get.

    Raises:
        SigningError: there is one, or it cannot be written.
    """
    private, public = _files()
    if private.exists():
        raise SigningError(f"{private}: there is a key; recipients have its public key: {public}")
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
            PublicFormat,
        )
    except ImportError as error:
        raise SigningError(_INSTALL) from error
    key = Ed25519PrivateKey.generate()
    try:
        private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        public.write_bytes(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        # Last: while it is not there, nothing is signed.
        beside = private.with_name(f".{private.name}.{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as stream:
            stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        beside.replace(private)
    except OSError as error:
        raise SigningError(
            f"{private}: {error.strerror}; set SHARE_KEYS to a folder that can be written"
        ) from error
    return public


def sign(folder: Path) -> bool:
    """Sign the checksums of a version, if there is a signing key; returns whether there is.

    Raises:
        SigningError: the key cannot be used.
    """
    private, _ = _files()
    if not private.exists():
        return False
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise SigningError(_INSTALL) from error
    try:
        key = load_pem_private_key(private.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise SigningError(f"{private}: cannot be used: {error}; restore your backup") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"{private}: not a key of Ed25519; restore your backup")
    (folder / SIGNATURE).write_bytes(key.sign((folder / CHECKSUMS).read_bytes()))
    return True


def signature_problem(folder: Path, public_key: Path) -> str | None:
    """Why the checksums of a version are not signed with the key that belongs to a public key; None if they are.

    Raises:
        SigningError: the public key cannot be used.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise SigningError(_INSTALL) from error
    try:
        key = load_pem_public_key(public_key.read_bytes())
    except (OSError, ValueError) as error:
        raise SigningError(f"{public_key}: not a public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SigningError(f"{public_key}: not a public key of Ed25519")
    try:
        key.verify((folder / SIGNATURE).read_bytes(), (folder / CHECKSUMS).read_bytes())
    except OSError as error:
        return f"{SIGNATURE}: {error.strerror}"
    except InvalidSignature:
        return f"{SIGNATURE}: not made with the key that belongs to {public_key}"
    return None


def _files() -> tuple[Path, Path]:
    """The private and the public key."""
    folder = Path(setting("SHARE_KEYS"))
    return folder / "signing.pem", folder / "signing.pub.pem"
