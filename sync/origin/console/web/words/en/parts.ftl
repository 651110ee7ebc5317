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
