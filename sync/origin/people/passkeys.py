"""What a browser is asked to sign with a passkey, and whether its answer is right (WebAuthn, level 3).

The person has to be verified by finger, face or PIN, so a passkey is both factors. Where an authenticator counts, its
count has to rise. Whether a passkey can be on several devices never changes; whether it is, may.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webauthn import generate_registration_options, verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from sync.errors import Rejected, Unauthenticated
from sync.origin.people.relying_party import RelyingParty

LONGEST_CREDENTIAL = 1364  # characters: 1,023 bytes in base64url, as the specification allows
VALID_S = 300
"""How long a browser may take to answer: somebody may have to find a phone first."""
_SHOWN = "Signage"

Answer = Mapping[str, Any]
"""A `PublicKeyCredential` as its `toJSON` writes it."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator made: its name for it, and the public key, both in base64url."""

    credential: str
    public_key: str
    sign_count: int
    can_sync: bool
    is_synced: bool


@dataclass(frozen=True, slots=True)
class UsedPasskey:
    """What an authenticator said when a passkey was used."""

    sign_count: int
    is_synced: bool


def creation_options(
    party: RelyingParty, challenge: str, person: str, name: str, known: Sequence[str]
) -> dict[str, Any]:
    """Return the options for `navigator.credentials.create`; authenticators with a `known` credential make no other."""
    options = generate_registration_options(
        rp_id=party.host,
        rp_name=_SHOWN,
        user_id=person.encode(),
        user_name=name,
        challenge=base64url_to_bytes(challenge),
        timeout=VALID_S * 1000,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return options_to_json_dict(options)


def request_options(party: RelyingParty, challenge: str) -> dict[str, Any]:
    """Return the options for `navigator.credentials.get`: any passkey of this host, so nobody has to give a name."""
    return {
        "challenge": challenge,
        "rpId": party.host,
        "timeout": VALID_S * 1000,
        "userVerification": "required",
        "allowCredentials": [],
    }


def challenge_of(answer: Answer) -> str:
    """Return the challenge that an answer says it is to, in base64url; nothing of it is checked yet.

    Raises:
        Rejected: it is no answer of a browser.
    """
    try:
        signed = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
        challenge = signed["challenge"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _malformed() from error
    if not isinstance(challenge, str) or signed.get("crossOrigin", False):
        raise _malformed()
    return challenge


def new_passkey(answer: Answer, party: RelyingParty, challenge: str) -> NewPasskey:
    """Return the passkey that an authenticator made.

    Raises:
        Rejected: it is not the answer to this challenge at this address, or the person was not verified.
    """
    try:
        made = verify_registration_response(
            credential=dict(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=party.host,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, *_MALFORMED) as error:
        raise Rejected(f"this passkey cannot be taken: {_why(error)}. Try again") from error
    credential = bytes_to_base64url(made.credential_id)
    if len(credential) > LONGEST_CREDENTIAL:
        raise Rejected("this passkey cannot be taken: its id is longer than the specification allows")
    return NewPasskey(
        credential,
        bytes_to_base64url(made.credential_public_key),
        made.sign_count,
        can_sync=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        is_synced=made.credential_backed_up,
    )


def used_passkey(answer: Answer, party: RelyingParty, challenge: str, known: NewPasskey, person: str) -> UsedPasskey:
    """Return what the authenticator said, if it holds a known passkey of a person.

    Raises:
        Unauthenticated: it is not the answer to this challenge at this address, the signature is wrong, the person was
            not verified, or the count did not rise.
    """
    try:
        handle = answer["response"].get("userHandle")
        if handle is not None and base64url_to_bytes(handle) != person.encode():
            raise Unauthenticated("this passkey says that it is somebody else's: remove it, and make another one")
        used = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=party.host,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(known.public_key),
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, *_MALFORMED) as error:
        raise Unauthenticated(f"this passkey does not let you in: {_why(error)}") from error
    if (used.credential_device_type is CredentialDeviceType.MULTI_DEVICE) != known.can_sync:
        raise Unauthenticated("this passkey is of another kind than when it was made: remove it, and make another one")
    return UsedPasskey(used.new_sign_count, used.credential_backed_up)


_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)
"""What the library raises besides its own errors when an answer is none: all of it comes from a stranger."""


def _malformed() -> Rejected:
    return Rejected("this is no answer of a passkey", fields={"credential": "is not what a browser returns"})


def _why(error: Exception) -> str:
    text = str(error).partition(". See __cause__")[0].partition(" was not greater than")[0]
    return text[:200] or "it is damaged"
