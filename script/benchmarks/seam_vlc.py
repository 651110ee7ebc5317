"""Plays a list with libVLC's MediaListPlayer, full screen; the list comes as JSON on its input."""

import json
import sys
import threading

import vlc
from Xlib import X
from Xlib.display import Display

# As our own decks: shared memory instead of GL in software, no sound device searched for.
_OPTIONS = ("--no-xlib", "--avcodec-hw=none", "--aout=adummy", "--no-osd", "--no-video-title-show", "--quiet")


def main() -> None:
    """Play until the list is over."""
    items = json.load(sys.stdin)
    display = Display()
    screen = display.screen()
    window = screen.root.create_window(
        0, 0, screen.width_in_pixels, screen.height_in_pixels, 0, X.CopyFromParent, override_redirect=True,
        background_pixel=0,
    )  # fmt: skip
    window.map()
    display.sync()
    instance = vlc.Instance(*_OPTIONS)
    player = instance.media_list_player_new()
    player.get_media_player().set_xwindow(window.id)
    media = instance.media_list_new()
    for item in items:
        one = instance.media_new_path(item["path"])
        if item["frames"] == 1:
            one.add_option(f":image-duration={item['duration_s']}")
        media.add_media(one)
    player.set_media_list(media)
    over = threading.Event()
    player.event_manager().event_attach(vlc.EventType.MediaListPlayerPlayed, lambda _event: over.set())
    player.play()
    over.wait()


if __name__ == "__main__":
    main()
