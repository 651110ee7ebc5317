"""Keys, signatures, and the rules by which a device accepts signed documents."""
