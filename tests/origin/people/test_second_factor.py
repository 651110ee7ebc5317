"""Codes of an app count once, a step early or late; recovery codes are read however they are typed."""

import pyotp

from sync.origin.people.second_factor import (
    RECOVERY_CODES,
    app_address,
    bare_code,
    is_secret,
    matching_step,
    new_recovery_codes,
    new_secret,
)

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOW_S = 1_700_000_010


def code_at(seconds: int) -> str:
    return str(pyotp.TOTP(SECRET).at(seconds))


def test_a_code_of_now_and_of_one_step_beside_is_taken_and_no_other() -> None:
    now = NOW_S // 30
    found = [matching_step(SECRET, code_at(NOW_S + 30 * step), NOW_S * 1000, 0) for step in (-2, -1, 0, 1, 2)]
    assert found == [None, now - 1, now, now + 1, None]


def test_a_code_of_a_step_that_was_used_or_of_one_before_is_not_taken() -> None:
    now = NOW_S // 30
    assert matching_step(SECRET, code_at(NOW_S), NOW_S * 1000, now) is None
    assert matching_step(SECRET, code_at(NOW_S - 30), NOW_S * 1000, now) is None
    assert matching_step(SECRET, code_at(NOW_S + 30), NOW_S * 1000, now) == now + 1


def test_what_is_no_code_is_none() -> None:
    for code in ("", "12345a", "１２３４５６", "1" * 5000, "-12345"):  # noqa: RUF001
        assert matching_step(SECRET, code, NOW_S * 1000, 0) is None
    spaced = f"{code_at(NOW_S)[:3]} {code_at(NOW_S)[3:]}"
    assert matching_step(SECRET, spaced, NOW_S * 1000, 0) is not None


def test_secrets_and_recovery_codes_are_long_and_differ() -> None:
    secret = new_secret()
    assert is_secret(secret) and secret != new_secret()
    assert not is_secret("short") and not is_secret(secret.lower()) and not is_secret(secret + "A")
    assert (
        app_address(secret, "Zoë & Co") == f"otpauth://totp/Signage:Zo%C3%AB%20%26%20Co?secret={secret}&issuer=Signage"
    )
    codes = new_recovery_codes()
    assert len(set(codes)) == RECOVERY_CODES
    assert bare_code(f" {codes[0].lower().replace('-', ' ')} ") == codes[0].replace("-", "")
