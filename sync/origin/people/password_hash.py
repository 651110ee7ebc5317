"""Hashes passwords with Argon2id, by the parameters of RFC 9106 for little memory (64 MiB, three passes).

A hash holds its parameters, so that older ones stay valid when these change. Each call takes a tenth of a second and
64 MiB: see `sync.origin.login.hashing`.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)

NOBODYS_HASH = "$argon2id$v=19$m=65536,t=3,p=4$KMl0IKFp7KoLGM2nvoNBFA$10mAH+P86faC1n27qNViMIEVfvy6aJeJ42DKHY/lZqM"
"""What a password is compared with where there is no account: that takes as long, and never fits."""


def hash_password(password: str) -> str:
    """Return the hash of a prepared password, with a salt of its own."""
    return _HASHER.hash(password)


def fits(stored: str, password: str) -> bool:
    """Return whether a prepared password is the one of a stored hash."""
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Return whether a hash has other parameters than new ones get."""
    return _HASHER.check_needs_rehash(stored)
