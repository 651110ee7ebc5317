"""Pure decisions from a release, for device and origin: what is on air, the next item or ad break, and which ad."""
