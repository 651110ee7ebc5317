"""The problems that people are told: a sentence, and a code that stays the same whatever the sentence says."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sync.errors import WordedCode


class ProblemCode(WordedCode):
    """What kind of problem it is."""

    # the machine
    POWER_WEAK = "power_weak", "the power supply gives too little voltage, now or at a time since the start"
    THROTTLED = "throttled", "heat or low voltage slows the processor down"
    TOO_HOT = "too_hot", "the device is hotter than 80 °C"
    DISK_FULL = "disk_full", "less is free on the disk than is to stay free"
    MEMORY_FULL = "memory_full", "hardly any memory is left"
    OVERLOADED = "overloaded", "the processor has more to do than it can"
    CLOCK = "clock", "the clock is not synchronised"
    # screen and sound
    DISPLAY_SERVER = "display_server", "the X server does not answer"
    COVERED = "covered", "a window of another program covered the screen"
    NO_DISPLAY = "no_display", "no display is connected"
    DISPLAY_SETTING = "display_setting", "the display cannot do what its settings say"
    AUDIO_OUTPUT = "audio_output", "sound comes from another output than the one in the settings"
    BACKDROP = "backdrop", "the fallback picture cannot be shown"
    OVERLAYS = "overlays", "texts and logos cannot be shown"
    # what plays
    UPDATE = "update", "the updated program does not start"
    DECKS = "decks", "video decks fail, or do not start"
    PICTURE = "picture", "the picture froze or became black in the last hour"
    RECOVERED = "recovered", "only a restart or reboot could repair the picture"
    QUARANTINED = "quarantined", "media are left out because they failed three times"
    DAMAGED = "damaged", "media were damaged on the disk and are downloaded again"
    UNPLAYABLE = "unplayable", "media cannot be shown, and are as the origin sent them"
    MEDIA_FAILED = "media_failed", "media could not be shown, and their files are not checked yet"
    OLD_PLAYER = "old_player", "parts of the release need a newer player"
    STREAM = "stream", "a stream does not play"
    SCHEDULE = "schedule", "the schedule cannot be followed"
    OVERBOOKED = "overbooked", "ad lines are booked beyond the slots that there are"
    # player and settings
    SERVICE = "service", "a service of the player failed and was restarted in the last hour"
    FAILED_STARTS = "failed_starts", "the player failed at its start"
    SETTINGS = "settings", "a setting is wrong, or counts from the next start only"
    FILES = "files", "files of the state folder are damaged or cannot be used"
    ENDPOINT = "endpoint", "the endpoint of the device cannot listen"
    TOKEN = "token", "the token of the endpoint cannot be stored"
    # the origin
    UNPAIRED = "unpaired", "the screen is not paired"
    CONNECTION = "connection", "the origin with which the screen is to be paired cannot be used"
    ORIGIN_MOVE = "origin_move", "the origin at the new address is not known to be the old one"
    SYNC = "sync", "syncing fails"
    UNCONFIRMED = "unconfirmed", "the origin has not confirmed the release recently"
    LATE_RELEASE = "late_release", "a release will not be ready, or was not ready, when it is needed"
    PLAYS_WAIT = "plays_wait", "many plays wait for delivery"
    BUDGET = "budget", "the bytes of the month are spent, and something waits for the next one"
    BUDGET_COUNT = "budget_count", "the bytes of the month cannot be counted, or their count is lost"
    # proof
    LEDGER = "ledger", "the log of plays cannot be read or written, or had to begin anew"
    SIGNING = "signing", "the log of plays cannot be signed"
    IDENTITY = "identity", "two machines seem to run as this device"


class ToldProblem(NamedTuple):
    """A problem of now: its `ProblemCode`, and one sentence for a technician, which says what to do."""

    code: str
    text: str


def problems_of(code: ProblemCode, *texts: str) -> tuple[ToldProblem, ...]:
    """Return these sentences as problems of one kind; empty ones are none."""
    return tuple(ToldProblem(code, text) for text in texts if text)


def problem_fields(problems: Iterable[ToldProblem]) -> dict[str, Any]:
    """Return the fields of a document that tells problems: `problem_codes` has the code of each of `problems`."""
    found = tuple(problems)
    return {"problems": tuple(one.text for one in found), "problem_codes": tuple(str(one.code) for one in found)}
