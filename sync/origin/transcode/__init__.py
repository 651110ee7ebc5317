"""Makes a sent file showable, with tools in a sandbox."""
