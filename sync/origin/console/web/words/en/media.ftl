# The media: what is there, and the page of one.
media-title = Media
media-lead = Pictures, films and streams that screens can show.
media-count = { $count ->
    [one] One medium
   *[other] { $count } media
}
media-add-files = Add files
media-add-stream = Add a stream
media-search = Search names, tags and folders
media-look = How they are shown
media-look-pictures = Pictures
media-look-table = Table
media-filters = Filter
media-filters-held = { $count ->
    [one] One filter
   *[other] { $count } filters
}
media-any = Any
media-filter-kind = Kind
media-filter-state = State
media-filter-use = Use
media-filter-shape = Shape
media-filter-age = Added
media-filter-tag = Tag
media-drop-tag = No longer only the tag { $tag }
media-kind-video = Film
media-kind-picture = Picture
media-kind-stream = Stream
media-kind-unknown = Not known yet
media-state-ready = Ready
media-state-processing = Being prepared
media-state-queued = Waiting
media-state-failed = Cannot be shown
media-preparing = Being prepared, { $progress } %
media-use-used = In use
media-use-unused = Not in use
media-shape-landscape = Landscape
media-shape-portrait = Portrait
media-shape-square = Square
media-age-1 = Since yesterday
media-age-7 = In the last week
media-age-30 = In the last month
media-age-365 = In the last year
media-sort = { $sort ->
    [name] By name
    [created_at] Oldest first
    [down-source_bytes] Largest first
    [down-updated_at] Changed last
   *[other] Newest first
}
media-none = No media yet
media-none-text = Drop files anywhere on this page, or add them here. Films and pictures of nearly every format are made showable.
media-none-viewer = Somebody who may edit adds them here.
media-none-found = Nothing fits
media-none-found-text = Search for another word, or take the filters away.
media-show-all = Show all media
media-chosen = { $count ->
    [one] One chosen
   *[other] { $count } chosen
}
media-choose-all = Choose all { $count }
media-unchoose = Choose none
media-move = Move
media-tag = Tags
media-look-at-it = Show it

# Folders
media-folders = Folders
media-folder-all = All media
media-folder-none = In no folder
media-folder-new = New folder
media-folder-inside = New folder inside
media-folder-make = Make it
media-folder-more = More for the folder { $name }
media-folder-rename = Rename the folder
media-folder-delete = Delete the folder { $name }?
media-folder-delete-text = Only an empty folder can be deleted: move what lies in it first.
media-folder-move = Move the folder { $name }
media-folder-into = Into the folder
media-folder-top = At the top
media-moved = { $count ->
    [one] Moved to { $name }.
   *[other] { $count } media moved to { $name }.
}

# Dialogs
media-stream-text = Screens play it straight from the network. Its address, with a password if there is one in it, is in what every screen fetches.
media-stream-url = Address
media-stream-url-help = http, https, rtsp, rtmp, udp or rtp
media-stream-name-help = Left empty: the name of its server.
media-stream-do = Add
media-stream-added = { $name } is added.
media-rename = Rename
media-move-title = Move { $what }
media-no-folders = There is no folder yet: make one in the list of folders.
media-tag-title = Tags of { $what }
media-tags-add = Add tags
media-tags-help = Several with commas between, such as “summer, window”.
media-tags-drop = Take off
media-delete-title = Delete { $what }?
media-looking-for-uses = Looking where it is used …
media-delete-unused = { $count ->
    [one] Nothing uses it.
   *[other] Nothing uses them.
}
media-delete-used = { $count ->
    [one] It is in use. It is taken out of these, too:
   *[other] Some are in use. They are taken out of these, too:
}
media-delete-screens = Screens play on what was published until you publish again.
media-deleted = { $count ->
    [one] { $name } is deleted.
   *[other] { $count } media are deleted.
}
media-emptied = These would be left without content:
media-emptied-one = { $kind ->
    [playlist] The playlist { $name } stays, empty.
    [line] The booking line { $name } is removed.
    [campaign] The campaign { $name } is removed.
   *[other] { $name }
}
media-replace = Replace everywhere
media-replace-title = Replace { $name } everywhere
media-replace-text = Choose what comes in its place. It changes in all of these at once; screens show it once you publish.
media-replace-by = What comes in its place
media-replace-do = Replace everywhere
media-replace-shape = { $shape ->
    [portrait] The new one is upright, the old one is not: it may get bars at its sides.
    [landscape] The new one lies flat, the old one does not: it may get bars above and below.
   *[other] The new one has another shape: it may get bars.
}
media-replace-kind = { $kind ->
    [video] The new one is a film: it plays for its own length where no other is set.
    [picture] The new one is a picture: it shows for the usual length where no other is set.
   *[other] The new one is a stream: it shows for the length that is set.
}
media-replaced = { $count ->
    [one] { $name } is replaced by { $by } in one place.
   *[other] { $name } is replaced by { $by } in { $count } places.
}

# One
media-gone = This is not here
media-gone-text = It was deleted, or the address is mistyped.
media-retry = Prepare it again
media-facts = What it is
media-fact-kind = Kind
media-fact-address = Address
media-fact-size = Size
media-fact-length = Length
media-fact-sound = Sound
media-fact-bytes = On screens
media-fact-sent = As sent
media-fact-folder = Folder
media-fact-tags = Tags
media-fact-added = Added
media-sound-yes = yes
media-sound-no = none
media-loudness = yes, { $lufs } LUFS
media-uses = Where it is used
media-unused = Nowhere yet.
media-use-playlist = { $count ->
    [one] playlist
   *[other] playlist, { $count } times
}
media-use-campaign = { $count ->
    [one] campaign, one line
   *[other] campaign, { $count } lines
}
media-use-fallback = channel, as fallback picture
media-use-overlay = channel, as a logo over the picture
media-on-screens = { $count ->
    [one] One screen has it in what it plays now.
   *[other] { $count } screens have it in what they play now.
}
media-same = The same bytes are here already.
media-same-look = Show the first one
media-stream-preview = A stream is fetched by the screens themselves; a browser does not show it.
media-no-preview = This browser cannot show it; screens can.
media-download = Download it
media-history = History
media-history-none = Nothing is recorded.
media-history-more = Show older
media-nobody = the origin
media-done = { $action ->
    [created] Added
    [changed] Changed
    [retried] Prepared again
    [ready] Ready to be shown
    [failed] Could not be prepared
    [moved] Put into another space
    [lent] Lent to another space
    [removed] Deleted
   *[other] { $action }
}
media-done-by = { $name }, { $at }
