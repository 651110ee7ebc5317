# When what plays: channels, the week, the month.
schedule-title = Schedule
schedule-lead = A channel is what a group of screens plays. Open one to say what plays when.
schedule-none = There is no channel yet
schedule-none-text = A channel is what a group of screens plays, such as “Shop windows”. Make one, then say what plays when.
schedule-new-channel = New channel
schedule-make = Make it
schedule-channel = Name
schedule-channel-help = Such as “shop” or “menu-boards”: screens are put on it by this name.
schedule-channel-called = It will be called { $channel }: names of channels are plain letters, digits, dots and dashes.
schedule-all-channels = All channels
schedule-channel-menu = More about this channel
schedule-screens = { $count ->
    [0] No screens
    [one] 1 screen
   *[other] { $count } screens
}
schedule-never-published = Never published
schedule-release = Release { $sequence } is out
schedule-is-draft = Draft, not ready yet
schedule-week = Week
schedule-month = Month
schedule-week-or-month = Week or month
schedule-week-of = Week from { $first } to { $last }
schedule-between = { $first } – { $last }
schedule-hours = The hours of these days
schedule-today = Today
schedule-before = Earlier days
schedule-after = Later days
schedule-month-before = The month before
schedule-month-after = The next month
schedule-which-plan = Which plan
schedule-planned = As planned
schedule-published = As published
schedule-not-published-yet = Nothing was published on this channel yet: its screens show no plan of it. Look at it as planned.
schedule-times-in = All times are those of { $zone }.
schedule-times-unknown = This channel names no time zone, so each screen goes by its own; what you see here is in UTC. Set the zone in the settings below.
schedule-zone-is = Time in { $zone }
schedule-how-to-draw = Press on an empty time and drag to make a time slot, over several days if you like. Drag one to move it, its lower edge to make it longer; with the Shift key in steps of five minutes. With the keyboard: arrows move it, Shift with arrows changes its end.
schedule-new = New time slot
schedule-add-on = New time slot on { $day }
schedule-daypart = time slot
schedule-dayparts = Time slots
schedule-no-dayparts = No time slots yet
schedule-no-dayparts-text = The same plays all day, every day. A time slot plays something else, such as a lunch menu on weekdays from 11:00 to 14:00.
schedule-order = Where time slots overlap, the one with the higher priority plays; of equal ones the one that began last; then the upper one of this list. One with nothing to show gives way.
schedule-plays = plays { $name }
schedule-default-plays = Otherwise { $name } plays
schedule-nothing-plays = Nothing: screens show the fallback picture
schedule-fallback = the fallback picture
schedule-unknown-playlist = a playlist that you cannot see
schedule-lost = { $time }: { $winner } plays instead.
schedule-overlap = overlap
schedule-more = { $count ->
    [one] and 1 more
   *[other] and { $count } more
}
schedule-clocks-forward = Clocks go forward on this day: an hour is left out.
schedule-clocks-back = Clocks go back on this day: an hour comes twice.
schedule-name = Name
schedule-name-example = Lunch menu
schedule-playlist = Playlist
schedule-choose = Choose a playlist
schedule-new-playlist = Name of a new playlist
schedule-new-playlist-help = There is no playlist yet. This makes an empty one; put media into it afterwards, or it cannot be published.
schedule-ways = How often
schedule-weekly = Every week
schedule-on-dates = On certain dates
schedule-first-day = First day
schedule-last-day = Last day
schedule-weekdays = Weekdays
schedule-no-weekday = Choose at least one weekday.
schedule-whole-day = The whole day
schedule-start = From
schedule-end = Until
schedule-end-help = Time in { $zone }. An end before the start is on the next day.
schedule-overlaps = Where it overlaps with others
schedule-priority = Priority
schedule-priority-help = 0 is normal. The higher number plays; with equal numbers the one that began last.
schedule-emergency = From 1,000 on it is an emergency: when it is published while it is on, all screens fetch it at once.
schedule-remove = Remove
schedule-remove-named = Remove { $name }?
schedule-remove-text = It is planned for { $when }. At these times the next one in rank plays, or what plays otherwise. Its playlist stays.
schedule-duplicate = Duplicate
schedule-exception = Exception on some days
schedule-exception-of = Something else one day
schedule-exception-to = Instead of { $name } on { $day }
schedule-changed = { $name } is now { $when }.
schedule-added = { $name } was added: { $when }.
schedule-removed = { $name } was removed.
schedule-duplicated = There is a copy of { $name } now.
schedule-settings = Settings
schedule-settings-change = Change
schedule-settings-of = Settings of { $channel }
schedule-settings-saved = The settings were saved.
schedule-zone = Time zone
schedule-zone-help = Where its screens stand, such as Europe/Berlin. All times of the plan are in this zone.
schedule-no-zone = none: each screen uses its own
schedule-default = Plays otherwise
schedule-default-help = What plays whenever no time slot does. A change shows on screens with the next release.
schedule-nothing = nothing
schedule-breaks = Ads
schedule-breaks-are = { $ads ->
    [one] 1 ad
   *[other] { $ads } ads
} after { $every ->
    [one] every item
   *[other] every { $every } items
}
schedule-ads = Ads in a break
schedule-every-items = A break after so many items
schedule-fallback-picture = Picture when nothing can play
schedule-fallback-own = the player’s own
schedule-fallback-help = Shown when nothing else can.
schedule-place = place
schedule-none-set = none
schedule-remove-channel = Remove this channel
schedule-remove-channel-named = Remove the channel { $channel }?
schedule-remove-channel-text = { $count ->
    [0] Its settings go with it. Playlists and media stay.
    [one] Its time slot and its settings go with it. Playlists and media stay.
   *[other] Its { $count } time slots and its settings go with it. Playlists and media stay.
}
schedule-remove-published = It was published. Screens count its releases, so the origin keeps it: it cannot be removed. Put its screens on another channel instead.
schedule-at = What shows at …
schedule-at-day = Day
schedule-at-time = Time
schedule-at-plays-planned = On { $day } at { $time } this would play:
schedule-at-plays-published = On { $day } at { $time } this plays, as published:
schedule-at-others = { $count ->
    [one] Why not the other one
   *[other] Why not the { $count } others
}
schedule-see-it = See it in the preview
