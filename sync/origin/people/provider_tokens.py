"""What a provider of identities is asked and what its answers mean: OpenID Connect, code flow with PKCE.

Only the issuer of the settings counts. What ties an answer to a browser (verifier and nonce) is computed from a cookie
that only this browser has, so nothing of it is stored and the provider learns none of it.
"""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import decode

from sync.errors import ProviderFailed
from sync.roles import Role

CLOCK_SKEW_S = 60
"""How far the clocks of provider and origin may differ."""
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures by a private key of the provider; never by a secret that the origin has too, and never none."""
_GREATEST_FIRST = (Role.ADMINISTRATOR, Role.PUBLISHER, Role.EDITOR, Role.TECHNICIAN, Role.VIEWER)
_LONGEST_SUBJECT = 255  # as the specification has it
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Client:
    """What the provider knows this origin as; `address` is that of the console, to which it sends browsers back."""

    issuer: str
    id: str
    secret: str = field(repr=False)
    address: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the provider is asked what; `tells_issuer`: it names itself when it sends a browser back."""

    authorization: str
    token: str
    keys: str
    auth_method: str
    tells_issuer: bool


@dataclass(frozen=True, slots=True)
class Entrant:
    """Whom the provider says somebody is; `role` is by the rule of the settings, None: that gives none."""

    subject: str
    name: str
    role: Role | None


def read_metadata(document: Mapping[str, Any], issuer: str) -> Endpoints:
    """Return the endpoints of a provider, from its discovery document.

    Raises:
        ProviderFailed: it is that of another issuer, or names none that can be used.
    """
    if document.get("issuer") != issuer:
        raise ProviderFailed(
            f"the provider says that it is {str(document.get('issuer'))[:200]!r}, and oidc.issuer is {issuer!r}: they "
            "must be the same, letter by letter"
        )
    told = document.get("token_endpoint_auth_methods_supported")
    methods = told if isinstance(told, list) and told else ["client_secret_basic"]
    known = ("client_secret_basic", "client_secret_post")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _is_usable_address(document.get(name), issuer):
            raise ProviderFailed(f"the provider names no {name} over https")
    return Endpoints(
        authorization=str(document["authorization_endpoint"]),
        token=str(document["token_endpoint"]),
        keys=str(document["jwks_uri"]),
        auth_method=next((method for method in known if method in methods), known[0]),
        tells_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _is_usable_address(address: object, issuer: str) -> bool:
    """Return whether an address may be asked: over https, or on this machine if the issuer is on it too."""
    if not (isinstance(address, str) and address.isascii() and address.isprintable()):
        return False
    try:
        parts = urlsplit(address)
        is_here = parts.hostname in ("127.0.0.1", "::1", "localhost") and urlsplit(issuer).scheme == "http"
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_here))
    except ValueError:
        return False


def derived(cookie: str, purpose: str, state: str) -> str:
    """Return a secret of a browser for one log-in: its nonce or its verifier (43 characters)."""
    made = hmac.new(cookie.encode(errors="surrogatepass"), f"{purpose}\0{state}".encode(), "sha256").digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def authorization_address(endpoints: Endpoints, client: Client, state: str, cookie: str) -> str:
    """Return where a browser is sent to log in at the provider."""
    return str(
        prepare_grant_uri(
            endpoints.authorization,
            client.id,
            "code",
            redirect_uri=client.address,
            scope=" ".join(client.scopes),
            state=state,
            nonce=derived(cookie, "nonce", state),
            code_challenge=create_s256_code_challenge(derived(cookie, "verifier", state)),
            code_challenge_method="S256",
        )
    )


def token_request(
    endpoints: Endpoints, client: Client, code: str, state: str, cookie: str
) -> tuple[str, dict[str, str]]:
    """Return body and headers of the request for the tokens of a code."""
    verifier = derived(cookie, "verifier", state)
    body = prepare_token_request("authorization_code", redirect_uri=client.address, code=code, code_verifier=verifier)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    auth = ClientAuth(client.id, client.secret, endpoints.auth_method if client.secret else "none")
    _, headers, body = auth.prepare("POST", endpoints.token, headers, body)
    return body, headers


def read_id_token(
    token: object, keys: Mapping[str, Any], client: Client, nonce: str, now_s: int, access_token: str | None
) -> Mapping[str, Any]:
    """Return the claims of a token that the provider signed for this client and this log-in.

    Raises:
        ProviderFailed: it is not signed by one of `keys`, or of another issuer, for another client or log-in, or of
            another time.
    """
    if not isinstance(token, str):
        raise ProviderFailed("the provider sent no id_token: scope openid has to be among oidc.scopes")
    try:
        read = decode(token, KeySet.import_key_set({"keys": _named(token, keys)}), algorithms=_ALGORITHMS)
        claims = CodeIDToken(
            read.claims,
            read.header,
            options={
                "iss": {"essential": True, "value": client.issuer},
                "aud": {"essential": True, "value": client.id},
            },
            params={"nonce": nonce, "client_id": client.id, "access_token": access_token},
        )
        claims.validate(now=now_s, leeway=CLOCK_SKEW_S)
    except JoseError as error:
        raise ProviderFailed(f"the token of the provider does not count: {error}"[:300]) from error
    except _MALFORMED as error:
        raise ProviderFailed("the token of the provider is damaged") from error
    return dict(claims)


def entrant(claims: Mapping[str, Any], role_claim: str, roles: Mapping[str, Role]) -> Entrant:
    """Return who it is, by the claims of a token that counts.

    Raises:
        ProviderFailed: it names no subject.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        raise ProviderFailed("the token of the provider names no subject")
    names = (claims.get(name) for name in ("name", "preferred_username", "email"))
    name = next((one for one in names if isinstance(one, str) and one.strip()), subject)
    held = claims.get(role_claim) if role_claim else None
    values: Sequence[object] = held if isinstance(held, list) else [held]
    given = {roles[one] for one in values if isinstance(one, str) and one in roles}
    return Entrant(subject, name, next((role for role in _GREATEST_FIRST if role in given), None))


def names_unknown_key(token: object, keys: Mapping[str, Any]) -> bool:
    """Return whether a token says that it is signed by a key which is not among `keys`: the provider has new ones."""
    try:
        return _kid(token) is not None and not _named(token, keys)
    except _MALFORMED:
        return False  # reading it tells what is wrong


def _kid(token: object) -> object:
    head = str(token).partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))).get("kid")


def _named(token: object, keys: Mapping[str, Any]) -> list[Any]:
    """Return the key that a token names, or all if it names none; others may be of kinds that are not known here."""
    kid = _kid(token)
    return [one for one in _signing(keys) if kid is None or one.get("kid") == kid]


def _signing(keys: Mapping[str, Any]) -> list[Any]:
    """Return the public keys that can sign; the others of the set are for encryption, or secrets."""
    kinds = ("RSA", "EC", "OKP")
    return [one for one in keys["keys"] if one.get("kty") in kinds and one.get("use", "sig") == "sig"]
