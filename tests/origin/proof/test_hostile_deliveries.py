"""Every document about proof, broken in every way we know: a refusal in one clear sentence, or a valid value."""

from random import Random

import pytest

from tests.origin.proof.hostile_deliveries import deliveries
from tests.sync.trust.hostile_documents import NASTY, damaged, refused

DELIVERIES = deliveries()
ENOUGH_BYTES = 100_000  # the bench makes them as large as they may be, and takes the time


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_valid_document_is_accepted_and_a_damaged_one_refused_in_a_sentence(name: str) -> None:
    target, rng = DELIVERIES[name], Random(7)
    assert refused(target, target.sample) == ""
    for fault in NASTY.values():
        refused(target, fault(target.sample, min(target.cap_bytes, ENOUGH_BYTES)))
    for _ in range(50):
        refused(target, damaged(target.sample, rng))
