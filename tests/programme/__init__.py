"""Tests of the pure engines: what is on air, what comes next, which ad, what counts."""
