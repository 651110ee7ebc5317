"""The sentences about plays: why one is set aside, so that it is in no sum."""

from sync.words.sentences import Sentences

_DOUBTS = {
    "in_future": "its time had not come yet when it was sent",
    "before_pairing": "it is older than the pairing of its screen",
    "before_release": "it is older than the release that it names",
    "foreign_channel": "its release is of channel {channel}, in which its screen never was",
    "not_in_channel": "no release of channel {channel} shows asset {asset} as {what}",
    "unknown_release": "release {release} is unknown, and none of its channels shows asset {asset} as {what}",
}
_CONTRADICTIONS = {
    "same_time": "another play of this screen has the same time",
    "same_time_since_start": "another play of this screen has the same time since its machine started",
    "more_than_all_time": "the plays of its screen add up to more than the time there was",
    "number_too_large": "it has a number that nobody can reckon with",
    "ended_before": "it ended before it started",
    "ended_before_by_start": "it ended before it started, by the clock since its machine started",
    "longer_than_clock": "it says {said} on the screen, but its clock allows {allowed}",
    "longer_than_item": "it says {said} on the screen, but its item lasts {allowed}",
    "longer_than_start": "it says {said} on the screen, but the clock since its machine started allows {allowed}",
    "longer_than_release": "it says {said} on the screen, but its release allows {allowed}",
    "not_complete": "it says complete, but was on for {said} of {expected}",
    "clocks_differ": "it took {said}, but {allowed} by the clock since its machine started",
    "too_many_pictures": "it says {pictures} pictures in {time}",
    "no_pictures": "it says {said} on the screen, but none of its pictures was shown",
}

PLAY_REASONS = Sentences(
    {
        **_CONTRADICTIONS,
        **_DOUBTS,
        **{f"unconfirmed_{code}": f"unconfirmed: {words}" for code, words in _DOUBTS.items()},
    }
)
"""Why a play is set aside; what is `unconfirmed` a person may have count."""
