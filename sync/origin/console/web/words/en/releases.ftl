releases-title = Publishing
releases-lead = What you change stays here until you publish it. Then the screens get it.
releases-tab-now = To publish
releases-tab-planned = Planned
releases-tab-reviews = Reviews
releases-tab-reviews-open = Reviews ({ $count })
releases-tab-earlier = Published before
releases-no-channel = No channel yet
releases-no-channel-text = A channel is what a group of screens shows. Make one in the schedule, then publish it here.
releases-to-schedule = To the schedule
releases-all-channels = Show all channels
releases-number = Release { $sequence }
releases-never = Never published
releases-screens = { $count ->
    [0] no screens
    [one] one screen
   *[other] { $count } screens
}
releases-publish = Publish …
releases-later = At a time …
releases-same = Published as planned
releases-changes = { $count ->
    [one] One change is not published yet
   *[other] { $count } changes are not published yet
}
releases-changes-of = What changes on { $channel }
releases-refused = This cannot be published as it is:
releases-drafts = { $count ->
    [one] One draft would stay behind: { $names }.
   *[other] { $count } drafts would stay behind: { $names }.
}
releases-publish-title = Publish { $channel }?
releases-publish-now = Publish now
releases-nothing-changes = Nothing changes on the screens.
releases-take-drafts = Publish these drafts, too:
releases-draft-playlist = The playlist { $name }
releases-draft-schedule = The schedule of { $name }
releases-draft-campaign = The campaign { $name }
releases-note = Note
releases-note-help = For your team: what is this about?
releases-weight = Each screen downloads { $bytes }.
releases-no-weight = The screens have all media already.
releases-ready = The last one, { $name }, is expected to have it { $at }.
releases-late = “{ $what }” begins { $at }: { $devices ->
    [one] { $first } will not have it by then.
   *[other] { $first } and others ({ $devices }) will not have it by then.
}
releases-done = { $channel } is published as release { $sequence }.
releases-was-same = { $channel } was published like this already.
releases-take-back = Take back
releases-is-back = { $channel } shows release { $again } again, as release { $sequence }. The plan stays as it is.
releases-plan-title = Publish { $channel } at a time
releases-change-title = Change when { $channel } is published
releases-plan-text = What is ready at that moment is published.
releases-plan-do = Plan it
releases-when = When
releases-when-zone = By the clock of the venue ({ $zone }).
releases-when-here = By the clock of this computer: the channel names no time zone.
releases-planned-done = The publication of { $channel } is planned.
releases-channel = Channel
releases-state = State
releases-by = By
releases-actions = What to do with { $name }
releases-change = Change
releases-cancel = Cancel the publication
releases-cancel-title = Cancel the publication of { $channel }?
releases-cancel-text = What is planned stays; it is just not published at that time.
releases-state-planned = Planned
releases-state-running = Being published
releases-state-done = Published as release { $sequence }
releases-state-failed = Failed
releases-state-missed = Missed
releases-state-cancelled = Cancelled
releases-none-planned = Nothing is planned
releases-none-planned-text = Press “At a time …” beside a channel to have it published then.
releases-review-open = Waiting
releases-review-approved = Approved
releases-review-returned = Returned
releases-no-review = No review here
releases-no-review-text = Who may not publish asks for a review of a playlist, a schedule or a campaign. It appears here.
releases-asked = { $kind ->
    [playlist] Playlist
    [schedule] Schedule
   *[campaign] Campaign
}, asked by { $by }, { $at }
releases-review-removed = It was removed meanwhile.
releases-review-older = It was changed after the review was asked for. Those changes are not approved with it.
releases-comment = Comment
releases-return = Return …
releases-approve = Approve …
releases-comment-title = Comment on { $name }
releases-return-title = Return { $name }
releases-approve-title = Approve { $name }
releases-approve-text = It is ready then, and goes out with the next publication.
releases-say = What you say about it
releases-comment-done = Your comment on { $name } is there.
releases-return-done = { $name } is returned.
releases-approve-done = { $name } is ready to be published.
releases-release = Release
releases-contents = Contents
releases-holds = { $items ->
    [one] one item
   *[other] { $items } items
}, { $ads ->
    [0] no ads
    [one] one ad
   *[other] { $ads } ads
}, { $bytes }
releases-in-force = In force
releases-was-again = Release { $again } again
releases-is-pinned = Kept
releases-gone = Its files are gone
releases-bring-back = Bring back …
releases-pin = Keep for ever
releases-unpin = Keep no longer
releases-pinned = Release { $sequence } is kept.
releases-unpinned = Release { $sequence } goes when its time comes.
releases-all = All channels
releases-none = Nothing was published yet
releases-none-text = What you publish is listed here, and can be brought back.
releases-back-title = Show release { $sequence } on { $channel } again?
releases-back-text = The screens get it as a new release.
releases-back-plan = What is planned stays. To have it again, publish the channel.
