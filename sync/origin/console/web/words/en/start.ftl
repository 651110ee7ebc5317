start-title = Start
start-lead = { $devices ->
    [one] { $online ->
        [0] Your screen is not connected.
       *[other] Your screen is connected.
    }
   *[other] { $online } of { $devices } screens are connected.
}
start-wrong-now = What is wrong now
start-all-well = Nothing is wrong.
start-all-screens = All screens
start-more = { $count } more
start-level-silent = Not heard
start-level-never = Never heard
start-level-critical = Dark
start-level-warning = Problem
start-silent = Last heard { $ago }. It may be switched off, or without a network; what it has goes on playing.
start-never = It was paired and has not been heard since. Look whether it is switched on and has a network.
start-critical = It shows nothing of its programme.
start-warning = It reports a problem.
start-media-failed-chip = Media
start-media-failed = { $count ->
    [one] One file became no media
   *[other] { $count } files became no media
}
start-soon = What comes soon
start-nothing-soon = Nothing needs you in the next days.
start-late = It will not have its next release in time.
start-disk = The disk of the origin is nearly full
start-disk-text = { $free } are free. Delete media that nothing shows.
start-review = { $who } asks for a review.
start-planned = Is published { $at }.
start-ends = The campaign ends { $when }.
start-on-air = On air
start-no-screen = No screen is connected
start-no-screen-text = As soon as one is, you see here what it shows.
start-fallback = Fallback picture: it has nothing else to show
start-untitled = Without a title
start-shows-nothing = Shows nothing
start-heard = heard { $ago }
start-first = Three steps to your first film
start-step-done = (done)
start-step-media = Bring a film or picture
start-step-media-text = Drop files into the page. They are checked and prepared for every screen.
start-step-media-do = Add media
start-step-screen = Connect a screen
start-step-screen-text = A new player shows a code. Type it in here, and the screen is yours.
start-step-screen-do = Pair a screen
start-step-play = Make a playlist and publish
start-step-play-text = Put your media in order, choose where they play, and press Publish.
start-step-play-do = Make a playlist
