"""Passwords are hashed with less memory here, for most tests are about what is hashed, not about what it costs."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from sync.origin.login import log_in
from sync.origin.people import password_hash

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def cheap_hashes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(password_hash, "_HASHER", CHEAP)
        patch.setattr(log_in, "NOBODYS_HASH", CHEAP.hash("nobody has this one"))
        yield
