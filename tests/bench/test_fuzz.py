"""The damage that the fuzzing benchmark does to files, and how it follows what damaged documents reach."""

from random import Random

import pytest
from fuzz_damage import damaged
from fuzz_documents import _fuzz

WHOLE = bytes(range(256)) * 8


def test_the_same_seed_does_the_same_damage() -> None:
    assert damaged(WHOLE, Random(7)) == damaged(WHOLE, Random(7)) != damaged(WHOLE, Random(8))


@pytest.mark.parametrize("whole", [b"", b"a", b"abc", WHOLE])
def test_no_file_is_too_short_to_be_damaged(whole: bytes) -> None:
    results = {damaged(whole, Random(seed)) for seed in range(200)}
    assert len(results) > 1 or not whole


def test_documents_that_reach_something_new_are_damaged_further() -> None:
    row = _fuzz("index", 60, 7)
    assert row["edges"] > 20
    assert row["found"] > 1
    assert (row["accepted"] > 0, row["refused"] > 0, row["broken"]) == (True, True, 0)
