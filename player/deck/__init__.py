"""A deck: one process with one libVLC player and one X window, told what to do line by line (`player.screen`)."""
