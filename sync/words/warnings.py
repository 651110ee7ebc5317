"""The sentences of warnings: what a planner should know of a plan or a release, though it can be published."""

from sync.words.sentences import Sentences

_FROM = "From {when} on "

_OF_A_CHANNEL = {
    "campaign_over": "Campaign {campaign} ({advertiser}) ended {when} UTC: it is in no release any more. Give it a "
    "later end to show it.",
    "no_time_zone": "channel {channel} names no time zone: {what} the zone that each screen's system is set to. Set "
    "the channel's zone.",
    "overbooked": f"{_FROM}{{count}} lines have bought {{booked}} of the slots: {{lines}}. Each gets {{part}} of what "
    "it bought. Sell {less} less, or at other times.",
    "sold_out": f"{_FROM}no slot is left for what has only a weight: {{lines}}. Sell less than all slots, or give "
    "them a share.",
    "follows_itself": "{line} bought {bought} of the slots and gets {gets} from {when} on: a line never follows "
    "itself. Sell it {gets} at most beside others, or split it into two lines; their gaps (advertiser, category) "
    "must be 0 then.",
    "gaps": f"{_FROM}gaps keep these lines from their share: {{lines}}. Make gaps smaller, or sell less to them.",
    "gap_too_large": f"{_FROM}the {{kind}} {{name}} has {{share}} of the slots, and its gap of {{gap}} leaves room "
    "for {room}: {lines}. Make the {kind} gap {smaller}, or sell them less than {room} together.",
    "gap_given_up": f"{_FROM}the {{kind}} {{name}} has {{share}} of the slots, and its gap of {{gap}} leaves room for "
    "{room}: {lines}. In {broken} of all slots the gap is given up. Make the {kind} gap {smaller}, or sell them less "
    "than {room} together.",
    "never_open": "{line} is never shown: its windows do not open before its flight ends. Change its windows or its "
    "flight.",
    "is_over": "{what} is over and does not come back.",
    "are_over": "{what} are over and do not come back.",
    "was_removed": "{what} was removed from the media and is shown again.",
    "were_removed": "{what} were removed and are shown again.",
    "nothing_on_air": "{line} is never shown: nothing is on air {time}. Give the channel a playlist for that time, or "
    "the line another time.",
    "ads_too_long": "{line} is never shown: its ads take {shortest} or more, and what is on air then ends after "
    "{longest}. Give it a shorter creative, or the daypart more time.",
    "breaks_too_rare": "{line} may never be shown: it has {time} in all, and a break comes every {between}. Make its "
    "windows or its flight longer, or breaks more frequent.",
    "more_shortfalls": "Bookings have {count} more shortfalls.",
}

WARNINGS = Sentences(
    {**_OF_A_CHANNEL, **{f"{code}_on_channel": f"Channel {{on_channel}}: {it}" for code, it in _OF_A_CHANNEL.items()}}
)
"""What `warnings` say; of a campaign on several channels each says on which."""
