"""The sentences that say what a release changes of what a channel shows."""

from sync.words.sentences import Sentences

RELEASE_CHANGES = Sentences(
    {
        "document_added": "{kind} “{document}” is new in the release",
        "document_removed": "{kind} “{document}” is in the release no more",
        "document_over": "{kind} “{document}” is over",
        "document_changed": "{kind} “{document}” has other values: {fields}",
        "part_added": "{part} “{name}” is added to {kind} “{document}”",
        "part_removed": "{part} “{name}” is taken out of {kind} “{document}”",
        "part_over": "{part} “{name}” of {kind} “{document}” is over",
        "part_moved": "{part} “{name}” is moved in {kind} “{document}”",
        "part_changed": "{part} “{name}” of {kind} “{document}” has other values: {fields}",
    }
)
"""What `text` says of each change; a schedule is named by its channel."""
