"""Certificates of a company that no machine trusts by itself, right and wrong ones."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Company:
    """The certificate authority of a company; `file` is its certificate as PEM."""

    folder: Path
    file: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    def server(
        self, *names: str, since: timedelta = -DAY, until: timedelta = DAY, signed_by_itself: bool = False
    ) -> ssl.SSLContext:
        """Return the TLS of a server with a certificate for `names`, valid from `since` to `until` from now on.

        A camera signs its own; `signed_by_itself` leaves it in the file `camera.pem`.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = self.name if signed_by_itself else _name("server")
        built = _certificate(subject, key, since, until, ca=False)
        built = built.issuer_name(subject if signed_by_itself else self.name)
        built = built.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
        signed = built.sign(key if signed_by_itself else self.key, hashes.SHA256())
        path = self.folder / f"server-{signed.serial_number:x}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = signed.public_bytes(serialization.Encoding.PEM)
        path.write_bytes(public + private)
        if signed_by_itself:
            (self.folder / "camera.pem").write_bytes(public)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


def make_company(folder: Path) -> Company:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("Company CA")
    built = _certificate(name, key, -DAY, DAY, ca=True).issuer_name(name).sign(key, hashes.SHA256())
    path = folder / "company-ca.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    return Company(folder, path, key, name)


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, since: timedelta, until: timedelta, *, ca: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now + since)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
    return builder.not_valid_after(now + until)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
