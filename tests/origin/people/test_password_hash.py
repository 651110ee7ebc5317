"""Passwords are hashed as they are in service: Argon2id with 64 MiB, a salt for each."""

import argon2

from sync.origin.people.password_hash import NOBODYS_HASH, fits, hash_password, is_outdated


def test_a_hash_fits_its_password_only_and_no_two_are_the_same() -> None:
    first, second = hash_password("five blue herons"), hash_password("five blue herons")
    assert first != second and first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert fits(first, "five blue herons") and not fits(first, "five blue heron")
    assert not fits("no hash", "five blue herons") and not fits("", "")


def test_who_has_no_account_costs_as_much_and_never_fits() -> None:
    of_nobody, of_somebody = (argon2.extract_parameters(one) for one in (NOBODYS_HASH, hash_password("somebody")))
    assert of_nobody == of_somebody
    assert not fits(NOBODYS_HASH, "") and not is_outdated(NOBODYS_HASH)
    assert is_outdated(argon2.PasswordHasher(memory_cost=8, parallelism=1).hash("x"))
