"""The second factor: codes of an authenticator app (TOTP, RFC 6238) and recovery codes. Each code counts once."""

import secrets
from hmac import compare_digest

import pyotp

STEP_S = 30
_STEPS_BESIDE = 1  # for clocks that are not the same, and for who types slowly
SECRET_LENGTH = 32  # characters of base 32: 160 bits, as RFC 4226 recommends
RECOVERY_CODES = 10
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that are mistaken for others
_BASE32 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_ISSUER = "Signage"


def new_secret() -> str:
    """Return the secret that an authenticator app and the origin are to share, in base 32."""
    return pyotp.random_base32(SECRET_LENGTH)


def is_secret(secret: str) -> bool:
    """Return whether `new_secret` may have made it."""
    return len(secret) == SECRET_LENGTH and set(secret) <= _BASE32


def app_address(secret: str, name: str) -> str:
    """Return the `otpauth` address by which an app takes the secret in."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=_ISSUER)


def matching_step(secret: str, code: str, now_ms: int, last_step: int) -> int | None:
    """Return the step of time whose code this is: now or one beside, and later than the last one that was used."""
    now, code = now_ms // 1000 // STEP_S, code.replace(" ", "")
    if not (code.isascii() and code.isdigit()):
        return None
    app = pyotp.TOTP(secret)
    steps = range(max(now - _STEPS_BESIDE, last_step + 1), now + _STEPS_BESIDE + 1)
    return next((step for step in steps if compare_digest(app.generate_otp(step), code)), None)


def new_recovery_codes() -> tuple[str, ...]:
    """Return the codes that replace an app that is lost, of 80 bits each, as `ABCD-EFGH-JKLM-NPQR`."""
    return tuple("-".join(_letters() for _ in range(4)) for _ in range(RECOVERY_CODES))


def bare_code(code: str) -> str:
    """Return a recovery code as it is hashed, however it was typed."""
    return "".join(letter for letter in code.upper() if letter.isalnum())


def _letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(4))
