"""The tables of what devices sign: the certificates of their keys, and the checkpoints of their logs of plays."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false

from sync.origin.tables.columns import metadata

# The certificates of the keys with which devices sign: rows are added, never changed. The newest of a serial counts.
device_keys = Table(
    "device_keys",
    metadata,
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

# What devices signed about their logs of plays: rows are added, never changed. Two of one number are a fork.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("hash", String(64), primary_key=True),  # of the signed bytes
    Column("number", BigInteger, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("log_epoch", String(32), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("play_hash", String(64), nullable=False),  # of the play `last`
    Column("at_ms", BigInteger, nullable=False),  # by the clock of the device
    Column("serial", Integer, nullable=False),  # of the key that signed
    Column("chain", Integer, nullable=False),  # the serial of the key that began the chain
    Column("envelope", JSON, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("kind", String(24)),  # of what does not fit to those before it; NULL: it fits
    Column("finding", Text),  # the same as a sentence
    Index("checkpoints_by_number", "device_id", "number"),
    Index("checkpoints_by_log", "device_id", "log_epoch", "last"),
    Index("checkpoints_by_time", "at_ms"),
)

# What blinds plays and lines in the checkpoints of a log epoch; an export opens only what it shows.
log_secrets = Table(
    "log_secrets",
    metadata,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("log_epoch", String(32), primary_key=True),
    Column("secret", String(64), nullable=False),
)

# The starts of machines that reported as a device. One that reports again after another one is a second machine.
device_boots = Table(
    "device_boots",
    metadata,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("boot_id", String(32), primary_key=True),
    Column("first_ms", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),  # when it reported first, or first again after another one
    Column("returned_ms", BigInteger),  # when it did the latter
)

# The devices that machines become which ran with the identity of another one; rows stay.
new_identities = Table(
    "new_identities",
    metadata,
    Column("device_id", ForeignKey("devices.id"), primary_key=True),
    Column("boot_id", String(32), primary_key=True),
    Column("new_device_id", String(64), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", String(64), nullable=False),  # the id of a person's key
    Column("told_ms", BigInteger),  # when the machine was last told; NULL: it has not reported since
)

# Signs that two machines run with the identity of a device. Rows stay; one that a person has dealt with has ended.
identity_doubts = Table(
    "identity_doubts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("device_id", ForeignKey("devices.id"), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ended_by", String(64)),  # the id of a person's key
    Index("identity_doubts_by_device", "device_id", "ended_ms"),
)
