# Playlists: the list, one that is edited, and what is said of items.
playlists-title = Playlists
playlists-lead = What screens show, one after the other. The schedule says when each playlist is on.
playlists-search = Find a playlist
playlists-count = { $count ->
    [one] 1 playlist
   *[other] { $count } playlists
}
playlists-new = New playlist
playlists-make = Make it
playlists-none = No playlist yet
playlists-none-text = A playlist is a row of films and pictures. Make one, put media into it, and show it by the schedule.
playlists-none-found = Nothing has this name
playlists-none-found-text = Try a part of the name; case and accents do not matter.
playlists-state = State
playlists-length = Length
playlists-used = Shown in
playlists-changed = Changed
playlists-more = Show more
playlists-items = { $count ->
    [0] empty
    [one] 1 item
   *[other] { $count } items
}
playlists-open-end = no set end
playlists-ready = Ready
playlists-draft = Changed, not ready
playlists-draft-new = Draft
playlists-unused = in no channel
playlists-channels = { $count } channels
playlists-do = What to do with { $name }
playlists-preview = Preview
playlists-copy = Make a copy
playlists-copy-title = Copy of { $name }
playlists-copy-name = { $name } (copy)
playlists-copy-text = The copy has the same items, and is a draft until you make it ready.
playlists-rename = Another name
playlists-delete-title = Delete { $name }?
playlists-delete-text = { $count ->
    [0] It is empty. Media stay where they are.
    [one] Its one item goes with it. The media stays in your library.
   *[other] Its { $count } items go with it. The media stay in your library.
}
playlists-delete-used = { $count ->
    [one] It is on in this channel. Show another playlist there first, then delete this one.
   *[other] It is on in these { $count } channels. Show another playlist there first, then delete this one.
}
playlists-deleted = { $name } is deleted
playlists-review = Ask for a review
playlists-review-ask = Ask
playlists-review-text = A publisher sees what you changed, and makes it ready or sends it back with a remark.
playlists-review-note = What should they know? (optional)
playlists-review-asked = A review is asked for
playlists-history = Who changed what
playlists-somebody = Somebody
playlists-take-back = Take back
playlists-did = { $what ->
    [created] Made it
    [ready] Made it ready to go out
    [removed] Deleted it
   *[other] Changed it
}
playlists-changed-part = { $code ->
    [item-added] Added “{ $name }”
    [item-removed] Removed “{ $name }”
    [item-moved] Moved “{ $name }”
    [item-changed] “{ $name }”: { $fields }
   *[other] Changed { $fields }
}
playlists-changed-more = { $count ->
    [one] and one more change
   *[other] and { $count } more changes
}

playlists-undo = Undo
playlists-redo = Redo
playlists-add = Add media
playlists-added = { $count ->
    [one] Added at the end
   *[other] { $count } items added
}
playlists-removed = { $count ->
    [one] One item removed
   *[other] { $count } items removed
}
playlists-empty = Nothing in it yet
playlists-empty-text = Choose media beside, or drag them here.
playlists-media = Your media
playlists-media-search = Search your media
playlists-no-media = No media yet
playlists-no-media-text = Send films and pictures from this computer.
playlists-upload = Upload
playlists-sending = { $count ->
    [one] Sending 1 file
   *[other] Sending { $count } files
}
playlists-add-one = Add { $name }
playlists-add-chosen = { $count ->
    [one] Add 1 to the end
   *[other] Add { $count } to the end
}
playlists-clear = Choose none
playlists-chosen = { $count ->
    [one] 1 chosen
   *[other] { $count } chosen
}
playlists-settings = How they are shown
playlists-total = { $length } for one round
playlists-total-open = { $length } and { $count ->
    [one] one item without a set end
   *[other] { $count } items without a set end
}
playlists-length-help = One round through all items, without ads
playlists-shown-in = Shown:
playlists-make-ready = Make it ready
playlists-made-ready = Ready: the next publication shows it
playlists-save-draft = Keep changes as a draft
playlists-save-ready = Make changes ready at once
playlists-saved = All changes are saved
playlists-saving = Saving …
playlists-discard = Give up my changes
playlists-other = { $name } changed it { $ago }
playlists-item-list = Items, in the order in which they show

playlists-unknown = …
playlists-failed = Cannot be shown: look at the media
playlists-preparing = Is being prepared
playlists-stream = Live stream
playlists-over = Over since { $at }
playlists-later = From { $at }
playlists-until = Until { $at }
playlists-loops = Repeats
playlists-silent = Silent
playlists-volume-at = { $percent } %
playlists-fit-contain = Show all of it
playlists-fit-cover = Fill the screen, cut the rest
playlists-fit-fill = Stretch to the screen
playlists-by-screen = As each screen is set
playlists-at-end-cut = Stops at once
playlists-at-end-finish = Plays to its end
playlists-yes = yes
playlists-no = no
playlists-value-none = not set
playlists-place-first = at the beginning
playlists-place-after = behind “{ $name }”

playlists-duplicate = Duplicate
playlists-remove = Remove
playlists-differ = different
playlists-field-name = Name
playlists-field-title = Title
playlists-field-media = Media
playlists-field-duration_ms = How long
playlists-field-fit = On the screen
playlists-field-background = Colour beside it
playlists-field-volume = Volume
playlists-field-loop = Repeat until the time is over
playlists-field-at_end = When its time ends
playlists-field-starts_at = Not before
playlists-field-ends_at = Not after
playlists-field-ends_with_budget = Off when the month’s data is used up
playlists-field-place = Place
playlists-length-how = Seconds, or minutes and seconds such as 1:30. Leave it empty for the length of the film, or ten seconds for a picture.
playlists-length-own = its own length
playlists-length-wrong = Type seconds such as 15, or 1:30; from 0.1 seconds to 24 hours.
playlists-loop-help = A film that is shorter than its time starts again.
playlists-budget-help = For screens that pay for mobile data.
playlists-volume-label = Volume: { $percent }
playlists-times = Only at certain times
playlists-times-zone = In the time of this computer ({ $zone })
playlists-ends-before = This is not after “Not before”.

playlists-clash-whole = the whole item
playlists-clash-changed = kept, and changed
