"""Pure decisions of a device alone: volume, bandwidth, overlays, how a take is shown, and what counts as a play."""
