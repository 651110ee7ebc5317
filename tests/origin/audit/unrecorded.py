"""The operations that may change something and leave no entry in the audit log, each with the reason.

Every other one leaves an entry each time it is an example of the reference (`tests/origin/examples/recorder.py`).
"""

UNRECORDED = {
    "POST /v1/heartbeats": "what a device says of itself is state, and what changes of it is in its history",
    "POST /v1/exchange": "a heartbeat and plays",
    "POST /v1/plays": "evidence, which has a log and a chain of its own",
    "POST /v1/checkpoints": "evidence",
    "POST /v1/history": "what changed on a screen has a log of its own",
    "POST /v1/campaigns/feasibility": "it changes nothing: it says what a booking would not get",
    "POST /v1/identity": "it changes nothing: the origin proves who it is",
    "POST /v1/pairings": "anybody can ask to be let in; who is let in has an entry",
    "POST /v1/account/second-factor": "it offers a secret and stores none; what sets one has an entry",
    "POST /v1/account/passkeys/question": "it only asks; the passkey that answers has an entry",
    "POST /v1/session-by-provider/question": "it only asks; the log-in has an entry",
    "POST /v1/session-by-passkey/question": "it only asks; the log-in has an entry",
    "POST /v1/playlists/{id}/ready": "of what is ready it changes nothing, as in the example; else it has one",
    "POST /v1/campaigns/{id}/ready": "of what is ready it changes nothing, as in the example; else it has one",
    "POST /v1/schedule/{channel}/ready": "of what is ready it changes nothing, as in the example; else it has one",
    "PATCH /v1/uploads/{id}": "bytes of an upload; its beginning, and the media that it becomes, have entries",
    "POST /v1/uploads/{id}": "the same, for clients that cannot send PATCH",
}
