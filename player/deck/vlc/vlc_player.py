"""libVLC behind four verbs: open, hold, run, stop; the only file that knows the library.

libVLC is not re-entrant: a call made inside one of its callbacks never returns. Callbacks therefore only post a
`Signal`; every call is made by the deck's one thread. A signal carries the number of the opening it belongs to, so a
late one of the previous media is told apart.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import vlc

from player.deck.vlc.audio_devices import has_sound, hushed_alsa
from player.deck.vlc.audio_output import UNHEARD, AudioOutput
from player.deck.vlc.decoder_log import DecoderLog, is_informative
from player.deck.vlc.media_source import MediaSource, ahead_ms
from player.platform.geometry import Turn
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind

_ERROR = 4  # libvlc_log_level
_EMPTY_WORDS = ("Your input can't be opened", "VLC is unable to open the MRL")  # they follow what tells more
_LOOP_CACHING_MS = 100  # 300 of them, as for others, are a gap of that length each time it starts over

_OPTIONS = (
    "--no-xlib",  # XCB shared memory instead of GL in software: 14 % CPU instead of 150 %
    "--align=5",  # top left: stays in sight when the window shrinks to it; out of sight, libVLC may paint no more
    "--play-and-pause",  # the last frame stays
    "--no-avcodec-hurry-up",  # a slow machine may drop frames, never show distorted ones
    "--no-avcodec-corrupted",  # a frame without its reference, as after a rewind, is grey: rather none
    "--no-osd", "--no-video-title-show", "--no-snapshot-preview", "--no-spu", "--no-sub-autodetect-file",
    "--no-mouse-events", "--no-keyboard-events", "--no-disable-screensaver", "--no-interact",
    "--no-lua", "--no-auto-preparse", "--no-metadata-network-access",
    "--quiet",
)  # fmt: skip


class VlcEvent(StrEnum):
    """What libVLC can tell us."""

    VOUT = "Vout"  # there is a window to paint in
    PAUSED = "Paused"  # as asked, or at the end
    ENDED = "EndReached"
    FAILED = "EncounteredError"


@dataclass(frozen=True, slots=True)
class VlcSignal:
    """One libVLC event of opening number `opening`."""

    opening: int
    what: VlcEvent


class VlcPlayer:
    """One libVLC player that paints into one X window."""

    def __init__(self, canvas: int, *, turn: Turn = 0, hardware: bool, post: Callable[[VlcSignal], None]) -> None:
        self._post = post
        self._opening = 0
        self._words = ""
        self._source: MediaSource | None = None
        self.decoding = DecoderLog()
        self._vlc = vlc.Instance(*_options(hardware, turn))
        if self._vlc is None:
            raise ScreenFailed("libVLC does not start; are libvlc5 and vlc-plugin-base installed?")
        self._hear_errors()
        self._silence = hushed_alsa()
        self._player = self._vlc.media_player_new()
        self._player.set_xwindow(canvas)
        self.voice = AudioOutput(self._player, SystemClock(), lambda: self.decoding.sound == "pulse")
        self._listen()

    @property
    def opening(self) -> int:
        """The number of the present opening; signals of another one are stale."""
        return self._opening

    @property
    def words(self) -> str:
        """The last error libVLC, or what feeds it, gave for the present opening, in its own words."""
        feed = self._source.feed if self._source else None
        return (feed.words if feed else "") or self._words

    def forget_words(self) -> None:
        """Drop what was said while outputs were tried: it tells nothing of the media."""
        self._words = ""

    def open(
        self,
        path: str,
        kind: MediaKind,
        stretch: tuple[int, int] | None = None,
        *,
        loop: bool = False,
        length_ms: int | None = None,
        waits: bool = True,
    ) -> None:
        """Start `path`, unheard while `voice.hush` is called. Names carry no extension: a picture's demuxer is named.

        `stretch` distorts the picture to those proportions. libVLC takes them as its output is made; later they are
        lost at times. With `loop`, `again` will be called at the end. `length_ms`, where known, is the media's own.
        `waits`: it is opened long before its turn.
        """
        self.stop()
        media = self._vlc.media_new_path(path)
        media.add_option(f":file-caching={_LOOP_CACHING_MS if loop else ahead_ms(length_ms)}")
        if kind is MediaKind.PICTURE:
            media.add_option(":demux=image")
            media.add_option(":image-duration=-1")
        self._start(media, stretch, waits=waits)

    def open_source(self, source: MediaSource, stretch: tuple[int, int] | None = None) -> None:
        """Start what is no file of ours likewise; its feed ends with it."""
        self.stop()
        self._source = source
        media = self._vlc.media_new_location(source.address)
        for option in source.options:
            media.add_option(option)
        self._start(media, stretch, waits=True)

    def _start(self, media: Any, stretch: tuple[int, int] | None, *, waits: bool) -> None:
        if waits:
            media.add_option(UNHEARD)
        self._player.set_media(media)
        media.release()
        self._player.video_set_aspect_ratio("{}:{}".format(*stretch) if stretch else None)
        self.voice.begin()
        if self._player.play() != 0:
            self._words = self._words or "libVLC refuses to play it"
            self._post(VlcSignal(self._opening, VlcEvent.FAILED))

    def is_list(self) -> bool:
        """Tell whether libVLC found names of other media in it instead of pictures."""
        media = self._player.get_media()
        inside = media.subitems() if media else None
        return inside is not None and inside.count() > 0

    def again(self) -> bool:
        """Start over at the end of the media; False if it cannot go back."""
        if not self.rewind():
            return False
        self._player.play()
        return True

    def stretch(self, width: int, height: int) -> None:
        """Distort what is shown to those proportions, as they are on the display."""
        self._player.video_set_aspect_ratio(f"{width}:{height}")

    def hold(self) -> None:
        """Ask for a pause; `PAUSED` follows."""
        self._player.set_pause(1)

    def rewind(self) -> bool:
        """Go back to the first frame while paused, where the media allows: some passed before the pause took hold."""
        if not self._player.is_seekable() or not self.length_ms():
            return False
        self._player.set_time(0)
        return True

    def run(self, volume: int) -> None:
        """Go on, from the frame that is held if one is, heard at `volume` percent."""
        self.voice.rise(volume)
        self._player.play()  # `set_pause(0)` does nothing while libVLC calls itself buffering

    def kick(self, to_ms: int | None) -> None:
        """Tell it again to go on, from `to_ms` if given: told once, libVLC at times stays on the frame it held."""
        self._player.play()
        if to_ms is not None and self._player.is_seekable():
            self._player.set_time(to_ms)

    def step(self) -> None:
        """Show one more frame while paused."""
        self._player.next_frame()

    def stop(self) -> None:
        """Close what is open, once its sound is gone, and forget its signals."""
        self.voice.fall()
        if self._source and self._source.feed:
            self._source.feed.close()
        self._player.stop()
        self._source = None
        self._opening += 1
        self._words = ""
        self.decoding.forget()

    def size(self) -> tuple[int, int] | None:
        """Return the media's size in pixels; None while unknown, as with an MPEG program stream for ever."""
        width, height = self._player.video_get_size(0)
        return (int(width), int(height)) if width and height else None

    def length_ms(self) -> int:
        """Return the media's length; 0 while unknown and for pictures."""
        return max(0, int(self._player.get_length()))

    def fps(self) -> float | None:
        """Return how many frames a second the media has; None while unknown."""
        rate = float(self._player.get_fps())
        return round(rate, 3) if rate > 0 else None

    def frame_s(self) -> float:
        """Return how long one frame stays, in seconds; a guess while unknown."""
        rate = float(self._player.get_fps())
        return 1.0 / rate if rate > 0 else 0.04

    def time_ms(self) -> int:
        """Return the media time, which libVLC moves only every half second."""
        return max(0, int(self._player.get_time()))

    def frames_lost(self) -> int | None:
        """Return how many pictures came too late to be shown; None while nothing is open."""
        stats = self._stats()
        return int(stats.lost_pictures) if stats else None

    def pictures_shown(self) -> int | None:
        """Return how many pictures were shown, one that is painted again not counted; None while nothing is open."""
        stats = self._stats()
        return int(stats.displayed_pictures) if stats else None

    def _stats(self) -> Any:
        media, stats = self._player.get_media(), vlc.MediaStats()
        return stats if media is not None and media.get_stats(ctypes.byref(stats)) else None

    def _listen(self) -> None:
        manager = self._player.event_manager()
        for what in VlcEvent:
            manager.event_attach(getattr(vlc.EventType, f"MediaPlayer{what}"), self._on_event, what)

    def _on_event(self, _event: Any, what: VlcEvent) -> None:  # libVLC's thread: copy, post, return
        if what is VlcEvent.VOUT:
            self._words = ""  # of outputs it tried first and passed over: no fault of the media
        self._post(VlcSignal(self._opening, what))

    def _hear_errors(self) -> None:
        """Keep the decoder's last words for the report; libVLC then prints nothing itself."""
        libc = ctypes.CDLL(None)
        libc.vsnprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]

        @vlc.CallbackDecorators.LogCb  # type: ignore[untyped-decorator]
        def heard(_data: Any, level: int, _context: Any, form: bytes, arguments: Any) -> None:
            if level < _ERROR and not is_informative(form):
                return
            line = ctypes.create_string_buffer(300)
            libc.vsnprintf(line, len(line), form, arguments)
            words = line.value.decode(errors="replace").strip()
            if level >= _ERROR and not words.startswith(_EMPTY_WORDS):
                self._words = words
            else:
                self.decoding.read(words)

        self._heard = heard  # libVLC holds only the C side
        self._vlc.log_set(heard, None)


def _options(hardware: bool, turn: Turn) -> list[str]:
    options = [option for option in _OPTIONS if not (hardware and option == "--no-xlib")]
    options.append("--avcodec-hw=any" if hardware else "--avcodec-hw=none")
    if turn:
        options += ["--video-filter=transform", f"--transform-type={turn}"]
    if not has_sound():
        options.append("--aout=adummy")  # else each opening searches for a device in vain
    return options


def libvlc_version() -> str:
    """Return the version of the library, such as `3.0.24`."""
    return str(vlc.libvlc_get_version().decode().split()[0])
