# Parts that several views show.

# Files that are sent, wherever one is.
parts-uploads = Files that are sent
parts-drop-here = Drop to add to the media
parts-show-uploads = Show the files
parts-sending = { $done } of { $count } sent
parts-preparing = { $preparing ->
    [one] One file is being prepared
   *[other] { $preparing } files are being prepared
}
parts-sent = { $failed ->
    [0] { $count ->
        [one] One file is here
       *[other] All { $count } files are here
    }
    [one] { $count } files, one is not usable
   *[other] { $count } files, { $failed } are not usable
}
parts-paused = { $paused ->
    [one] One file is paused
   *[other] { $paused } files are paused
}
parts-unfinished = Begun and not finished
parts-pause = Pause
parts-go-on = Go on
parts-clear = Clear
parts-more-uploads = { $count ->
    [one] and one more
   *[other] and { $count } more
}
parts-percent = { $name }: { $percent } % sent
parts-percent-of = { $percent } % of { $size }
parts-checking-it = Being checked
parts-state-waiting = Waits for its turn
parts-state-checking = Being read
parts-state-retrying = The line is away. Goes on by itself.
parts-state-paused = Paused
parts-state-preparing = { $progress ->
    [0] Sent. Being prepared …
   *[other] Sent. Being prepared, { $progress } %
}
parts-state-ready = Ready
parts-unreadable = It cannot be read: it was changed, moved or removed. Choose it again.
parts-refused = It was refused. Try again.
parts-same = The same file was here already
parts-pause-one = Pause { $name }
parts-go-on-one = Go on with { $name }
parts-cancel-one = Do not send { $name }
parts-choose = Choose
parts-choose-one = Choose { $name } again
parts-choose-again = { $percent } % are here. Choose the file again to go on.
parts-forget-one = Forget { $name }
# Times of plans.
parts-every-day = every day
parts-days-from-to = { $first } to { $last }
parts-on-day = on { $day }
parts-dates-between = from { $first } to { $last }
parts-dates-from = from { $first } on
parts-dates-until = until { $last }
parts-all-day = all day
parts-24-hours = 24 hours from { $from } on

# Saving what several people change.
parts-saved = { $name } was saved.
parts-taken-back = It was taken back.
parts-clash-title = Somebody else changed the same
parts-clash-text = Nothing was saved yet. Choose for each what is to count; everything else that you changed is saved with it.
parts-clash-field-of = { $field } of { $name }
parts-clash-mine = Yours:
parts-clash-theirs = Theirs:
parts-clash-before = It was before: { $value }
parts-clash-removed = taken out

# Why something is on air, or is not.
told-daypart = It is the time slot { $daypart }, { $start } to { $end }, priority { $priority }.
told-daypart_after_others = It is the time slot { $daypart }, { $start } to { $end }, priority { $priority }. Nothing of { $passed }, which would come first, can be shown then.
told-default = No time slot is open then: what plays otherwise plays.
told-default_after_others = Nothing of { $passed } can be shown then, so what plays otherwise plays.
told-nothing = No time slot is open then, and nothing plays otherwise.
told-nothing_after_others = Nothing of { $passed } can be shown then, and nothing plays otherwise.
told-no_playlist = its playlist is not in the plan
told-closed = is closed until { $when }
told-closed_for_long = does not open in the next { $days } days
told-no_items = is open, but its playlist is empty
told-no_item_now = is open, but nothing of its playlist can be shown: { $why }
told-ends_now = is about to end
told-outranked = is open, but { $winner } has a higher priority ({ $priority }, not { $own })
told-opened_earlier = is open, but { $winner } of the same priority began later
told-stands_behind = is open, but { $winner } of the same priority stands before it


# What is changed and not published yet.
parts-not-published = { $changes ->
    [one] One change is not published yet
   *[other] { $changes } changes are not published yet
}
parts-more-changes = { $count ->
    [one] One more change
   *[other] { $count } more changes
}
parts-change-document-added = { $kind ->
    [playlist] Playlist “{ $document }” is shown from now on
    [schedule] The schedule of “{ $document }” is new
   *[campaign] Campaign “{ $document }” is shown from now on
}
parts-change-document-removed = { $kind ->
    [playlist] Playlist “{ $document }” is shown no more
    [schedule] The schedule of “{ $document }” is removed
   *[campaign] Campaign “{ $document }” is shown no more
}
parts-change-document-over = { $kind ->
   *[campaign] “{ $document }” is over
}
parts-change-document-changed = { $kind ->
    [playlist] Playlist “{ $document }”: { $fields }
    [schedule] Schedule of “{ $document }”: { $fields }
   *[campaign] Campaign “{ $document }”: { $fields }
}
parts-change-part-added = “{ $name }” is added to “{ $document }”
parts-change-part-removed = “{ $name }” is taken out of “{ $document }”
parts-change-part-over = “{ $name }” of “{ $document }” is over
parts-change-part-moved = “{ $name }” has another place in “{ $document }”
parts-change-part-changed = “{ $name }” in “{ $document }”: { $fields }
parts-field-other = other settings
parts-field-name = another name
parts-field-title = another title
parts-field-media = another film or picture
parts-field-duration_ms = another duration
parts-field-fit = another fit
parts-field-background = another background
parts-field-volume = another volume
parts-field-loop = repeated or not
parts-field-zone = another time zone
parts-field-default_playlist = another usual playlist
parts-field-playlist = another playlist
parts-field-weekdays = other weekdays
parts-field-start = another start
parts-field-end = another end
parts-field-priority = another priority
parts-field-first_day = another first day
parts-field-last_day = another last day
parts-field-starts_at = another start
parts-field-ends_at = another end
parts-field-share_ppm = another share
parts-field-weight = another weight
parts-field-fallback = another fallback picture
parts-field-windows = other times
parts-field-text = another text

# What people and keys may do, and secrets that are shown once.
parts-role = May do everywhere
parts-role-help = Each role may do what those before it may, but technicians look after screens alone.
parts-role-none = Nothing
parts-role-viewer = Look: sees everything, changes nothing
parts-role-editor = Edit: media, playlists, schedules, campaigns
parts-role-publisher = Publish: edits, and sends it to the screens
parts-role-technician = Screens: pairs and looks after screens
parts-role-administrator = Everything: people, keys and spaces, too
parts-role-name-viewer = Looks
parts-role-name-editor = Edits
parts-role-name-publisher = Publishes
parts-role-name-technician = Looks after screens
parts-role-name-administrator = May do everything
parts-role-in = { $role } ({ $space })
parts-rights-in-spaces = And in these spaces:
parts-copy = Copy
parts-copied = Copied
parts-have-it = I have it
# The history of a plan.
parts-history = Who changed what
parts-somebody = Somebody
parts-take-back = Take back
parts-did-created = It was made.
parts-did-published = It was published.
parts-did-removed = It was removed.
parts-part-added = { $name } was added.
parts-part-removed = { $name } was taken out.
parts-part-moved = { $name } was moved.
parts-changed-fields = Changed: { $fields }.
parts-changed-fields-of = Changed of { $name }: { $fields }.
parts-changed-more = { $count ->
    [one] And one more change.
   *[other] And { $count } more changes.
}
