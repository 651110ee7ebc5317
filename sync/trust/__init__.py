"""Keys, signatures, and which signed documents are accepted."""
