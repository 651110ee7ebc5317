"""Pure decisions: what is on air, the next item or ad break, which ad, the volume, and what counts as a play."""
