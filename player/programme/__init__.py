"""Pure: what is on air, what comes next, which ad, how loud, and what a take was worth."""
