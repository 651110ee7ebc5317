"""The sentences that say why a daypart, an item or an ad is on air, or is not."""

from sync.words.sentences import Sentences

_PROGRAMME = {
    "daypart": "daypart {daypart}, {start} to {end}, priority {priority}",
    "daypart_after_others": "daypart {daypart}, {start} to {end}, priority {priority}; nothing of {passed}, which "
    "would come first, can be shown now",
    "default": "no daypart is open: the default playlist plays",
    "default_after_others": "nothing of daypart {passed} can be shown now: the default playlist plays",
    "nothing": "no daypart is open, and no default playlist",
    "nothing_after_others": "nothing of daypart {passed} can be shown now, and no default playlist",
    "clock_not_set": "the clock is not set: the default playlist plays",
}

_DAYPARTS = {
    "no_playlist": "its playlist is not in the release",
    "timed": "the clock is not set, so nothing with a time is shown",
    "closed": "closed until {when}",
    "closed_for_long": "does not open in the next {days} days",
    "no_items": "open, but nothing of its playlist can be shown: it is empty",
    "no_item_now": "open, but nothing of its playlist can be shown: {why}",
    "ends_now": "it is about to end",
    "outranked": "open, but {winner} has a higher priority ({priority}, not {own})",
    "opened_earlier": "open, but {winner} of the same priority opened later",
    "stands_behind": "open, but {winner} of the same priority stands before it",
}

_ITEMS = {
    "item": "in the rotation",
    "starts_later": "starts {when}",
    "ended": "ended {when}",
}

_ADS = {
    "flight_starts_later": "its flight starts {when}",
    "flight_ended": "its flight ended {when}",
    "sold_out": "other campaigns have bought all slots",
    "ad": "may be shown",
    "ad_waits": "may be shown, but not as the next ad: {why}",
}

ON_AIR = Sentences({**_PROGRAMME, **_DAYPARTS, **_ITEMS, **_ADS})
"""What `why` says of a programme and of each verdict."""
