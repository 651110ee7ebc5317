"""The soak's judgement of growth: beyond scatter it is told, within it not."""

from random import Random

from growth import growths, verdict

CUTS = 1000


def samples(slope: float) -> list[dict[str, float]]:
    rng = Random(3)
    return [
        {"cut": cut, "decks_mib": 200 + slope * cut + rng.uniform(-20, 20), "decks_fds": 30}
        for cut in range(8, CUTS + 1, 8)
    ]


def test_scatter_alone_is_flat() -> None:
    assert verdict(growths(samples(0.0)), CUTS) == "flat"


def test_a_leak_is_told_with_its_size_and_nothing_else() -> None:
    found = growths(samples(0.1))
    assert abs(found["decks_mib"].per_1000 - 100) < 3 * found["decks_mib"].error
    assert found["decks_fds"].per_1000 == 0
    assert verdict(found, CUTS).startswith("grows per 1,000 cuts: decks mib by ")
    assert "fds" not in verdict(found, CUTS)


def test_a_few_cuts_say_nothing() -> None:
    assert verdict(growths(samples(0.1)), 60) == "too short to tell"
