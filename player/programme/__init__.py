"""The programme engines: pure functions that say what is on air, what comes next, which ad, and what counts."""
