"""Encryption of stored secrets: AES-GCM, bound to the place where they are stored, with a ring of keys.

The first key of the ring encrypts; every key decrypts. To replace a key, put a new one in front.
A ciphertext names its key (first four bytes of the key's SHA-256), carries a random nonce, and is bound to
"table.column.row": it cannot be decrypted in another row.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_ID_BYTES = 4


class DecryptionError(Exception):
    """The ciphertext is damaged, belongs to another row, or its key is not in the ring."""


def generate_key() -> str:
    """Returns a new 256-bit key, URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def parse_key(text: str) -> bytes:
    """Returns the 32 bytes of a key as made by `generate_key`. Raises ValueError for anything else."""
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except Exception as error:
        raise ValueError("an encryption key is URL-safe base64 of 32 bytes") from error
    if len(key) != 32:
        raise ValueError("an encryption key is URL-safe base64 of 32 bytes")
    return key


class KeyRing:
    """Encrypts with its first key and decrypts with any of them."""

    def __init__(self, keys: list[bytes]) -> None:
        if not keys:
            raise ValueError("a key ring needs at least one key")
        self._keys = {hashlib.sha256(key).digest()[:_KEY_ID_BYTES]: AESGCM(key) for key in reversed(keys)}
        self._first = hashlib.sha256(keys[0]).digest()[:_KEY_ID_BYTES]

    def encrypt(self, plain: str, place: str) -> bytes:
        """Returns the ciphertext of `plain`, bound to `place` ("table.column.row")."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._first + nonce + self._keys[self._first].encrypt(nonce, plain.encode(), place.encode())

    def decrypt(self, cipher: bytes, place: str) -> str:
        """Returns the plain text of `cipher`. Raises DecryptionError."""
        cipher = bytes(cipher)
        key_id, rest = cipher[:_KEY_ID_BYTES], cipher[_KEY_ID_BYTES:]
        key = self._keys.get(key_id)
        if key is None:
            raise DecryptionError("the key that encrypted this value is not in STARTDELIVER_ENCRYPTION_KEYS")
        try:
            return key.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place.encode()).decode()
        except InvalidTag as error:
            raise DecryptionError("the stored value is damaged or belongs to another row") from error


def hash_token(token: str) -> str:
    """SHA-256 of a long random token, hexadecimal: what is stored of API keys and one-time links."""
    return hashlib.sha256(token.encode()).hexdigest()


def equal(one: str, other: str) -> bool:
    """Compares two secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
