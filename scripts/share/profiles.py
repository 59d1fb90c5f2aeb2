"""Profiles of recipients: who has one reads all shares of a recipient by the protocol of Delta Sharing, until it expires or is revoked.

Usage:
    text, key = profile_store().issue("market_research", ROLE, days=90)
    print(profile_content("https://data.example.net/delta-sharing", text, key))

They are kept as keys of the API are, only as hashes, but in a file of their own: neither opens what the other does.
"""

import json
from datetime import UTC
from pathlib import Path

from scripts.serve.api.keys import Key, KeyStore
from scripts.warehouse.settings import setting

ROLE = "recipient"


def profile_store() -> KeyStore:
    """Where the hashes of profiles are, in the folder of keys."""
    return KeyStore(Path(setting("SHARE_KEYS")) / "profiles.json", variable="SHARE_KEYS")


def profile_content(endpoint: str, text: str, key: Key) -> str:
    """The file that a recipient gets, and gives to its programs.

    Args:
        endpoint: where the server is for the recipient.
        text: of the key.
        key: the same, without its secret.
    """
    content = {
        "shareCredentialsVersion": 1,
        "endpoint": endpoint,
        "bearerToken": text,
        "expirationTime": key.expires_at.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return json.dumps(content, indent=2) + "\n"
