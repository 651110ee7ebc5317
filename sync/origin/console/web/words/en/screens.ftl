# The screens: all of them, and the page of one.
screens-title = Screens
screens-lead = The worst first. Each sentence says how old it is; what nobody has measured yet is marked as expected.
screens-filter = Which screens
screens-filter-all = All
screens-filter-dark = Dark
screens-filter-silent = Not heard
screens-filter-warning = With problems
screens-filter-fine = Well
screens-search = Search screens
screens-channel = Channel
screens-all-channels = All channels
screens-choose-channel = Choose …
screens-sort = { $sort ->
    [worst] The worst first
    [name] By name
    [channel] By channel
    [seen_at] Longest not heard
   *[other] Newest first
}
screens-look = How they are shown
screens-look-table = Table
screens-look-pictures = Pictures
screens-level-dark = Dark
screens-level-silent = Not heard
screens-level-warning = Has problems
screens-level-late = Will be late
screens-level-changing = Changing over
screens-level-new = Never heard
screens-level-fine = Well
screens-expected = expected
screens-said = said { $ago }
screens-says-new = It is paired, and has not reported yet. Is it switched on and connected?
screens-says-silent = Not heard. The last it showed was “{ $title }”; without a network it plays on. Look at its power and its network.
screens-says-silent-nothing = Not heard. Look at its power and its network.
screens-says-fallback = It shows the fallback picture instead of its programme.
screens-says-nothing = It shows nothing.
screens-says-problem = { $text }
screens-says-item = Plays “{ $title }”
screens-says-ad = Plays the ad “{ $title }”
screens-says-blank = Switched off by order at the screen
screens-says-behind = It still plays release { $sequence }; its channel is at { $newest }.
screens-says-without = It has no release yet; its channel is at { $newest }.
screens-says-late = Too late for “{ $what }”{ $more ->
    [0] .
    [one] {" "}and one more.
   *[other] {" "}and { $more } more.
}
screens-says-fetching = Fetches its next release: { $percent } % is here
screens-says-published = Release { $newest } was just published and will be here soon
screens-release = Release { $sequence }
screens-none-published = Nothing published
screens-fetching = Fetching
screens-none = No screen yet
screens-none-text = Connect a player to a display: it shows a code. With that code the screen is yours.
screens-none-found = No screen fits
screens-none-found-text = Search for another word, or show all of them.
screens-show-all = Show all
screens-count = { $count ->
    [one] One screen
   *[other] { $count } screens
}
screens-chosen = { $count ->
    [one] One screen chosen
   *[other] { $count } screens chosen
}
screens-unchoose = Choose none
screens-move = Change channel
screens-remove = Remove
screens-failed = { $count ->
    [one] It did not work with { $names }: { $why }
   *[other] It did not work with { $count } screens, such as { $names }: { $why }
}

# Pairing
screens-pair = Pair a screen
screens-pair-title = Pair a screen
screens-pair-do = Pair
screens-pair-text = Switch the player on. It shows a code on its display; type it here.
screens-code = Code on the screen
screens-code-help = Capitals or not does not matter.
screens-its-name = Name of the screen
screens-its-name-help = Where it hangs, such as “Window, Main Street”. Left empty, it keeps its own.
screens-channel-help = What it will play.
screens-paired = { $name } now plays the channel { $channel }.
screens-look-at-it = Show it
screens-pair-them = Pair
screens-waiting = { $count ->
    [one] One screen waits to be paired: { $names }
   *[other] { $count } screens wait to be paired: { $names }
}
screens-that-wait = Waiting now:
screens-waits = { $name } (its code is valid until { $until })

# Dialogs
screens-rename-title = Rename the screen
screens-move-title = { $what }: change the channel
screens-move-do = Change channel
screens-move-text = A screen plays on what it has until all of the other channel is there.
screens-remove-title = Remove { $what }?
screens-remove-do = Remove
screens-remove-text = It gets nothing new from now on, and plays what it has until it is paired again. Its proof of play stays.
screens-fetch-title = Fetch the next release on { $name } now?
screens-fetch-do = Fetch it now
screens-fetch-text = Its media come although the bytes of this month are spent. That may cost what the contract of its line says. The release after it waits again.

# One screen
screens-gone = This screen is not here
screens-gone-text = It was removed, or the address is mistyped.
screens-part-now = Now
screens-part-history = History
screens-part-proof = Proof of play
screens-part-keys = Keys
screens-on-screen = On the screen
screens-shows = Shows
screens-showed = Showed last
screens-kind-item = from a playlist
screens-kind-ad = an ad
screens-kind-fallback = fallback picture
screens-kind-blank = switched off by order
screens-since = Since
screens-next = Next
screens-why = Why
screens-why-channel = Look at the schedule of { $channel }
screens-why-daypart = by the time slot “{ $daypart }”
screens-why-default = as nothing else is planned now
screens-why-until = until { $until }
screens-no-photograph = The picture is that of the media, not a photograph of the display.
screens-content = Content
screens-content-none = Nothing is published on { $channel } yet.
screens-content-newest = It has the newest release, { $sequence }.
screens-confirmed = Confirmed by the origin { $ago }.
screens-content-expected = Release { $newest } was just published. The screen fetches it by itself until about { $by }.
screens-behind-do = It fetches releases by itself. If it stays so: look at its problems, its network, and the space on its disk.
screens-coming = { $sequence ->
    [0] It fetches what it has lost: { $done } of { $all } are here.
   *[other] It fetches release { $sequence }: { $done } of { $all } are here.
}
screens-ready = Ready at { $at }
screens-ready-unknown = Nobody knows yet when it is ready.
screens-too-late = “{ $what }” begins at { $at } and will not be here by then.
screens-more-late = { $count ->
    [one] And one more.
   *[other] And { $count } more.
}
screens-budget-waits = The bytes of { $month } are spent: the media of its next release wait for the next month.
screens-budget-asked = The screen is told at its next report to fetch its next release now.
screens-budget-done = It fetches its next release whatever the bytes of the month.
screens-outbox = { $count ->
    [one] One play waits to be delivered.
   *[other] { $count } plays wait to be delivered.
}
screens-problems = Problems
screens-problems-none = None reported.
screens-problems-unknown = It has not reported yet.
screens-problem-old = It said so before the newest release came. Expected to be over at its next report.
screens-in-its-words = What the screen said
screens-health = Health
screens-health-cpu = Processor
screens-health-memory = Memory
screens-health-temperature = Temperature
screens-health-disk = Free on the disk
screens-health-display = Display
screens-health-clock = Clock
screens-health-traffic = Sent and received
screens-health-uptime = Running for
screens-health-zone = Time zone
screens-health-version = Version
screens-health-paired = Paired
screens-clock-synced = set by a time server
screens-clock-unsynced = not set by a time server
screens-display-on = connected
screens-display-off = not connected
screens-month = { $used } in { $month }
screens-month-of = { $used } of { $budget } in { $month }

# History
screens-history = History
screens-history-none = Nothing is recorded yet.
screens-history-more = Show older
screens-times-of = Times of { $zone }
screens-still = (still so)
screens-history-screen-off = Display off
screens-history-screen-on = Display on
screens-history-screen-disconnected = Display disconnected
screens-history-screen-unknown = Nobody knows whether the display was on
screens-history-contact-lost = Not heard
screens-history-contact-back = Heard again
screens-history-problem-began = { $text }
screens-history-problem-ended = Over: { $text }
screens-history-player-stopped = { $code ->
    [killed] The player failed or was ended
    [power] Without power, or started anew
   *[other] The player stopped
}
screens-history-player-started = Player { $text } started
screens-history-release-activated = Release { $number } is on the screen
screens-history-device-paired = Paired, on channel { $text }
screens-history-device-removed = Removed
screens-history-device-let-through = { $text }
screens-history-device-moved = Channel changed: { $text }
screens-history-device-renamed = Renamed: { $text }
screens-history-clock = { $way ->
    [forward] The clock was set forward by { $seconds } s
   *[back] The clock was set back by { $seconds } s
}

# Proof of play
screens-proof = Proof of play
screens-proof-again = Check again
screens-proof-none = Nothing has been delivered yet.
screens-proof-whole = Whole
screens-proof-broken = Not whole
screens-proof-plays = { $count ->
    [one] One play in the last 31 days
   *[other] { $count } plays in the last 31 days
}
screens-proof-missing = { $count ->
    [one] One play is missing. The screen sends it again if it still has it.
   *[other] { $count } plays are missing. The screen sends them again if it still has them.
}
screens-proof-forks = { $count ->
    [one] The log forks once: two machines may run as this screen.
   *[other] The log forks { $count } times: two machines may run as this screen.
}
screens-proof-conflicts = { $count ->
    [one] One play contradicts another one.
   *[other] { $count } plays contradict others.
}
screens-proof-checkpoints = { $count ->
    [one] One signed checkpoint does not fit.
   *[other] { $count } signed checkpoints do not fit.
}
screens-proof-signed = Signed until { $until }.
screens-proof-unsigned = Not signed.
screens-proof-resets = { $count ->
    [one] The log began anew once.
   *[other] The log began anew { $count } times.
}
screens-aside = { $count ->
    [one] One play is set aside
   *[other] { $count } plays are set aside
}
screens-count-plays = { $count ->
    [one] Count one unconfirmed play
   *[other] Count { $count } unconfirmed plays
}
screens-count-do = Count them
screens-count-note = How do you know that they were shown?
screens-count-text = The screen says that it showed them, but they do not fit to what this origin knows: a clock was wrong, or the origin was restored from a backup. From now on they count in all sums, as proof to those who pay for them. This cannot be taken back; whoever reads the proof sees your name and your note. Plays that contradict themselves or others stay set aside.
screens-counted = { $count ->
    [one] One play counts from now on.
   *[other] { $count } plays count from now on.
}

# Keys
screens-keys = Keys
screens-keys-text = A screen signs its proof of play with a key of its own, which this origin has certified.
screens-keys-none = No key yet
screens-keys-none-text = Its plays are not signed. It asks for a certificate at its next contact.
screens-key-current = Signs now
screens-key-earlier = Earlier
screens-key-revoked = Revoked
screens-key-since = Certificate { $serial }, since { $at }
screens-key-unproven = Nobody proved that who asked for this key had the one before.
screens-revoke = Revoke
screens-revoked = Revoked { $at } by { $by }: { $note }
screens-revoke-title = Revoke a key of { $name }?
screens-revoke-text = What it signs from now on counts for nothing: somebody else may have the key. The screen makes another one within the hour. This cannot be taken back, and whoever reads the proof sees your note.
screens-revoke-why = Why?
screens-two = Two machines as one screen
screens-two-text = A card or disk may have been copied. One of the two gets an identity of its own.
screens-two-do = Give one another identity
screens-two-title = Two machines run as { $name }
screens-two-what = One of them becomes a screen of its own at its next report; the other stays what it is. The plays that are here stay with it. The key that both have is revoked.
screens-two-which = Which machine becomes another screen?
screens-two-none = None: it is one machine, restored from a backup
screens-two-name = Its name
screens-machine = Started as { $id }, here since { $since }, last in turn { $last }

# What screens report, and what to do
screens-problem-trust = It refuses what it is sent
screens-do-trust = It plays on what it has. If the keys of the origin were changed, let whoever looks after the origin look; otherwise pair it anew.
screens-problem-power_weak = Its power supply is too weak
screens-do-power_weak = Give it a supply that fits, and a short cable.
screens-problem-throttled = Heat or low voltage slows it down
screens-do-throttled = Give it air and a supply that fits.
screens-problem-too_hot = It is too hot
screens-do-too_hot = Give it air: no closed box, no direct sun.
screens-problem-disk_full = Its disk is nearly full
screens-do-disk_full = Take something off its playlists, or give it a larger disk.
screens-problem-memory_full = Its memory is nearly full
screens-do-memory_full = End other programs on it.
screens-problem-overloaded = It has more to do than it can
screens-do-overloaded = Send films in a smaller size, or end other programs on it.
screens-problem-clock = Its clock is not set by a server
screens-do-clock = Let it reach a time server.
screens-problem-display_server = Its graphics do not answer
screens-do-display_server = Start the player anew; if it happens again, look at its log.
screens-problem-covered = Another program covered the screen
screens-do-covered = End that program; nothing but the player should show windows.
screens-problem-no_display = No display is connected
screens-do-no_display = Look at the cable and at the power of the display.
screens-problem-display_setting = The display cannot do what its settings say
screens-do-display_setting = Choose another size or rate in the settings of the player.
screens-problem-audio_output = Sound comes from another output than wanted
screens-do-audio_output = Connect the output, or choose another one in its settings.
screens-problem-backdrop = Its fallback picture cannot be shown
screens-do-backdrop = Choose another fallback picture for the channel.
screens-problem-overlays = Texts and logos cannot be shown
screens-do-overlays = Start the player anew; if it happens again, look at its log.
screens-problem-update = Its update does not start
screens-do-update = It runs on with the program before. Install the update again.
screens-problem-decks = Its film players fail or do not start
screens-do-decks = Start the device anew; if it happens again, look at its log.
screens-problem-picture = The picture froze or was black within the last hour
screens-do-picture = The player mended it. If it happens often, look which film it was.
screens-problem-recovered = Only a restart mended the picture
screens-do-recovered = If it happens often, look at heat and power.
screens-problem-quarantined = Media are left out because they failed three times
screens-do-quarantined = Send them again in another format.
screens-problem-damaged = Media were damaged on its disk and are fetched again
screens-do-damaged = Once is nothing; if it happens again, its disk is failing.
screens-problem-unplayable = Media cannot be shown on it
screens-do-unplayable = Send them again in another format.
screens-problem-media_failed = Media could not be shown
screens-do-media_failed = The player checks their files now and says more soon.
screens-problem-old_player = Parts of the release need a newer player
screens-do-old_player = Update the player.
screens-problem-stream = A stream does not play
screens-do-stream = Look whether its address still works, and whether the screen may reach it.
screens-problem-schedule = The schedule cannot be followed
screens-do-schedule = Look at the schedule of its channel.
screens-problem-overbooked = More ads are booked than there are places
screens-do-overbooked = Look at the campaigns of its channel.
screens-problem-service = A part of the player failed and was started anew
screens-do-service = If it happens often, look at its log.
screens-problem-failed_starts = The player failed at its start
screens-do-failed_starts = It tries again. Look at its log.
screens-problem-settings = One of its settings is wrong, or counts from its next start
screens-do-settings = Correct the settings of the player, or start it anew.
screens-problem-files = Files of the player are damaged
screens-do-files = Look at its disk; `signage-player doctor` says which.
screens-problem-endpoint = Its own page cannot be opened
screens-do-endpoint = Another program may use its port: choose another one in its settings.
screens-problem-token = The password of its own page cannot be stored
screens-do-token = Look at its disk.
screens-problem-unpaired = It is not paired
screens-do-unpaired = Pair it with the code that it shows.
screens-problem-connection = It cannot use the origin that it is to be paired with
screens-do-connection = Look at the address in its settings.
screens-problem-origin_move = The origin at its new address is not known to be the old one
screens-do-origin_move = Let the new origin have the keys of the old one, or pair the screen anew.
screens-problem-sync = It cannot fetch what is new
screens-do-sync = It plays on what it has, and tries again. Look at its network.
screens-problem-unconfirmed = The origin has not confirmed its release lately
screens-do-unconfirmed = It plays on. Look at its network.
screens-problem-late_release = A release is not ready in time
screens-do-late_release = Publish earlier, send smaller films, or give it a faster line.
screens-problem-plays_wait = Many plays wait to be delivered
screens-do-plays_wait = They are kept until it has a network again.
screens-problem-budget = The bytes of the month are spent
screens-do-budget = Fetch its release now, or wait for the next month.
screens-problem-budget_count = The bytes of the month cannot be counted
screens-do-budget_count = Look at its disk.
screens-problem-ledger = Its log of plays cannot be written, or began anew
screens-do-ledger = Look at its disk: what cannot be recorded cannot be proven.
screens-problem-signing = Its log of plays cannot be signed
screens-do-signing = Look at its keys.
screens-problem-identity = Two machines seem to run as this screen
screens-do-identity = Give one of them an identity of its own, on the page “Keys”.
