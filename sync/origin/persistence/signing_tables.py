"""The tables of what devices sign: the certificates of their keys."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Integer, String, Table, Text, false

from sync.origin.persistence.history_tables import history

# The certificates of the keys with which devices sign: rows are added, never changed. The newest of a serial counts.
device_keys = Table(
    "device_keys",
    history.metadata,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("number", Integer, primary_key=True),  # of the certificate, from 1
    Column("serial", Integer, nullable=False),  # of the key
    Column("key", String(64), nullable=False),
    Column("public_key", String(44), nullable=False),
    Column("issued_ms", BigInteger, nullable=False),  # when the origin saw the key first
    Column("revoked_ms", BigInteger),
    Column("certificate", JSON, nullable=False),  # the signed envelope
    Column("request", JSON(none_as_null=True)),  # that the device signed; NULL: a person caused this one, or the origin
    Column("replaces", String(64)),  # the key that the device had before, which signed the request if `proven`
    Column("proven", Boolean, nullable=False, server_default=false()),
    Column("key_id", String(64)),  # of the person who revoked it
    Column("note", Text),  # why
)
