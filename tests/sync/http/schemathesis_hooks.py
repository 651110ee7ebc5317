"""What schemathesis has to be told about this API: it loads this file by SCHEMATHESIS_HOOKS."""

import schemathesis


def send_chunk(context: object, value: object) -> bytes:
    """Return the bytes of a chunk of tus as they are."""
    return value if isinstance(value, bytes) else str(value).encode()


schemathesis.serializer("application/offset+octet-stream")(send_chunk)
