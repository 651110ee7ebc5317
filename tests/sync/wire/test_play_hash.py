"""The hash of a play is over its canonical JSON, whatever fields and characters a later player sends."""

import hashlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.wire.device_reports import play_hash

TEXTS = st.text(st.characters(codec=None), max_size=8) | st.text('a\x00\x1f\x7f"\\/é\u2028\ud800', max_size=8)
PLAIN = st.none() | st.booleans() | st.integers() | TEXTS
VALUES = st.recursive(
    PLAIN | st.floats(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXTS, PLAIN, max_size=6) | st.dictionaries(TEXTS, VALUES, max_size=6), TEXTS)
def test_it_is_that_of_canonical_json(document: dict[str, Any], hash: str) -> None:
    document |= {"hash": hash, "previous_hash": "0" * 64, "relaxed": [], "title": "Iced mint tea"}
    fields = {
        name: value for name, value in document.items() if value is not None and name not in ("hash", "previous_hash")
    }
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert play_hash("0" * 64, document) == hashlib.sha256(f"{'0' * 64}{canonical}".encode()).hexdigest()
