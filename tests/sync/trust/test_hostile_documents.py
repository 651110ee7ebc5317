"""Every document of a server, broken in every way we know: a refusal in one clear sentence, or a valid value."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.wire.release import Release, Root
from sync.wire.release_reader import read_release
from sync.wire.value_types import read_strictly, refuse_repeated_names
from tests.sync.trust.hostile_documents import NASTY, damaged, refused, targets

TARGETS = targets()
NOT_ONE_OBJECT = {"index", "hint", "problem", "HTTP of media", "HTTP of documents"}
ENOUGH_BYTES = 400_000  # the bench makes them as large as they may be, and takes the time


@pytest.mark.parametrize("name", TARGETS)
def test_a_valid_document_is_accepted(name: str) -> None:
    assert refused(TARGETS[name], TARGETS[name].sample) == ""


@pytest.mark.parametrize("fault", NASTY)
def test_what_breaks_parsers_is_refused_in_a_sentence(fault: str) -> None:
    for target in TARGETS.values():
        most_bytes = target.cap_bytes if "too many" in fault else min(target.cap_bytes, ENOUGH_BYTES)
        refused(target, NASTY[fault](target.sample, most_bytes))


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - NOT_ONE_OBJECT))
def test_a_document_that_gives_a_field_twice_is_refused(name: str) -> None:
    sample = TARGETS[name].sample.strip()
    assert refused(TARGETS[name], sample[:-1] + b"," + sample[1:])


def test_a_document_with_more_values_than_any_of_ours_is_not_parsed() -> None:
    sample = TARGETS["signed root"].sample
    with pytest.raises(ValueError, match="more than 2000 values"):
        read_strictly(Root, NASTY["as many keys as fit"](sample, 100_000))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_damage_at_random_is_refused_in_a_sentence(name: str, seed: int) -> None:
    refused(TARGETS[name], damaged(TARGETS[name].sample, Random(seed)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_a_long_release_read_in_pieces_is_what_it_is_when_read_at_once(seed: int) -> None:
    raw = damaged(TARGETS["long release"].sample, Random(seed))
    at_once: Release | None = None
    with suppress(ValueError):
        refuse_repeated_names(raw)
        at_once = Release.model_validate_json(raw)
    if at_once is not None:
        assert read_release(raw) == at_once
