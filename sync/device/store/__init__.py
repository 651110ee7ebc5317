"""The device's disk: content, chunk catalogue, partial files, membership, outbox."""
