"""One libVLC player behind four verbs: open, pause, play, stop.

libVLC is not re-entrant: a call inside one of its callbacks never returns. Callbacks therefore only post a `VlcSignal`,
and the deck's one thread makes every call. A signal has the number of its media, so the deck can drop a late signal of
the previous media.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import vlc

from player.deck.vlc.audio_devices import has_sound, silence_alsa
from player.deck.vlc.colour_matrix import Matrix, film_matrix, set_default_matrix
from player.deck.vlc.decoder_log import DecoderLog, is_relevant
from player.deck.vlc.media_shape import MediaShape, shape_of
from player.deck.vlc.media_source import MediaSource, StreamRemuxer, read_ahead_ms
from player.deck.vlc.sound_fades import SOUND_DELAY_OPTION, AudioOutput
from player.platform.geometry import Turn
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock
from sync.wire.value_types import MediaKind

_ERROR = 4  # libvlc_log_level
_REPEATED_ERRORS = ("Your input can't be opened", "VLC is unable to open the MRL")  # a better message came before
_LOOP_READ_AHEAD_MS = 100  # with 300 ms, as for other files, each restart has a gap of that length

_OPTIONS = (
    "--no-xlib",  # XCB shared memory instead of GL in software: 14 % CPU instead of 150 %
    "--align=5",  # top left: stays visible when the window shrinks; a hidden part may not be painted again
    "--play-and-pause",  # the last frame stays
    "--no-avcodec-hurry-up",  # a slow machine may drop frames, but must not show distorted ones
    "--no-avcodec-corrupted",  # a frame without its reference, as after a rewind, is grey: do not show it
    "--no-osd", "--no-video-title-show", "--no-snapshot-preview", "--no-spu", "--no-sub-autodetect-file",
    "--no-mouse-events", "--no-keyboard-events", "--no-disable-screensaver", "--no-interact",
    "--no-lua", "--no-auto-preparse", "--no-metadata-network-access",
    "--quiet",
)  # fmt: skip


class VlcEvent(StrEnum):
    """What libVLC reports."""

    VOUT = "Vout"  # there is a video output
    PAUSED = "Paused"  # as asked, or at the end
    ENDED = "EndReached"
    FAILED = "EncounteredError"


@dataclass(frozen=True, slots=True)
class VlcSignal:
    """One libVLC event of media number `media_number`."""

    media_number: int
    event: VlcEvent


class VlcPlayer:
    """One libVLC player that paints into the X window `canvas`; `post` receives its signals from libVLC's threads."""

    def __init__(self, canvas: int, *, turn: Turn = 0, hardware: bool, post: Callable[[VlcSignal], None]) -> None:
        self._post = post
        self._media_number = 0
        self._last_error = ""
        self._source: MediaSource | None = None
        self.decoder_log = DecoderLog()
        self._vlc = vlc.Instance(*_options(hardware, turn))
        if self._vlc is None:
            raise ScreenFailed("libVLC does not start: check that libvlc5 and vlc-plugin-base are installed")
        self._attach_log()
        self._alsa_handler = silence_alsa()
        self._player = self._vlc.media_player_new()
        self._player.set_xwindow(canvas)
        self.audio = AudioOutput(self._player, SystemClock(), lambda: self.decoder_log.audio_module == "pulse")
        self._attach_events()

    @property
    def media_number(self) -> int:
        """The number of the current media; signals with another number are outdated."""
        return self._media_number

    @property
    def last_error(self) -> str:
        """The last error message of libVLC, or of the feed it reads, for the current media."""
        feed = self._source.feed if self._source else None
        return (feed.last_error if feed else "") or self._last_error

    def clear_error(self) -> None:
        """Drop the messages of the outputs libVLC tried: they say nothing about the media."""
        self._last_error = ""

    def open(
        self,
        path: str,
        kind: MediaKind,
        aspect: tuple[int, int] | None = None,
        *,
        loop: bool = False,
        length_ms: int | None = None,
        delay_sound: bool = True,
    ) -> None:
        """Start `path`, silent while `audio.try_mute` is called.

        File names have no extension, so a picture's demuxer is named. `aspect` distorts the picture to this width and
        height; libVLC uses it when it makes the output, and may lose it later. With `loop` the caller restarts the
        media at its end. `length_ms` is the measured length. `delay_sound`: the media waits for its turn.
        """
        self.stop()
        set_default_matrix(Matrix.BT601 if kind is MediaKind.PICTURE else film_matrix(path))
        media = self._vlc.media_new_path(path)
        media.add_option(f":file-caching={_LOOP_READ_AHEAD_MS if loop else read_ahead_ms(length_ms)}")
        if kind is MediaKind.PICTURE:
            media.add_option(":demux=image")
            media.add_option(":image-duration=-1")
        self._start(media, aspect, delay_sound=delay_sound)

    def open_source(self, source: MediaSource, aspect: tuple[int, int] | None = None) -> None:
        """Start a source in the same way; `stop` closes its feed."""
        self.stop()
        self._source = source
        set_default_matrix(Matrix.BT601)  # as libVLC has it: a stream states nothing before it plays
        media = self._vlc.media_new_location(source.address)
        for option in source.options:
            media.add_option(option)
        self._start(media, aspect, delay_sound=True)

    def _start(self, media: Any, aspect: tuple[int, int] | None, *, delay_sound: bool) -> None:
        if delay_sound:
            media.add_option(SOUND_DELAY_OPTION)
        self._player.set_media(media)
        media.release()
        self._player.video_set_aspect_ratio("{}:{}".format(*aspect) if aspect else None)
        self.audio.reset()
        if self._player.play() != 0:
            self._last_error = self._last_error or "libVLC does not play it"
            self._post(VlcSignal(self._media_number, VlcEvent.FAILED))

    def is_playlist(self) -> bool:
        """Tell whether libVLC found addresses of other media in it instead of pictures."""
        media = self._player.get_media()
        inside = media.subitems() if media else None
        return inside is not None and inside.count() > 0

    def restart(self) -> bool:
        """Play again from the start, at the end of the media; return False if the media cannot be rewound."""
        if not self.rewind():
            return False
        self._player.play()
        return True

    def set_aspect(self, width: int, height: int) -> None:
        """Distort the picture to this width and height, as they are on the display, before a turn by the file."""
        self._player.video_set_aspect_ratio(f"{width}:{height}")

    def pause(self) -> None:
        """Ask for a pause; the event `PAUSED` follows."""
        self._player.set_pause(1)

    def rewind(self) -> bool:
        """Go back to the first frame while paused: some frames passed before the pause. False: it is not possible."""
        if not self._player.is_seekable() or not self.length_ms():
            return False
        self._player.set_time(0)
        return True

    def play(self, volume: int) -> None:
        """Play on, from the paused frame if there is one, at `volume` percent."""
        self.audio.fade_in(volume)
        self._player.play()  # `set_pause(0)` does nothing while libVLC reports that it buffers

    def retry_play(self, to_ms: int | None) -> None:
        """Ask again to play, from `to_ms` if given: at times libVLC stays on the paused frame after the first call."""
        self._player.play()
        if to_ms is not None and self._player.is_seekable():
            self._player.set_time(to_ms)

    def show_next_frame(self) -> None:
        """Show one more frame while paused."""
        self._player.next_frame()

    def stop(self) -> None:
        """Fade out and close the media; its later signals are outdated."""
        self.audio.fade_out()
        if self._source and self._source.feed:
            self._source.feed.close()
        self._player.stop()
        self._source = None
        self._media_number += 1
        self._last_error = ""
        self.decoder_log.reset()

    def shape(self) -> MediaShape | None:
        """Return the media's shape; None while unknown, for an MPEG program stream always."""
        return shape_of(self._player.get_media())

    def length_ms(self) -> int:
        """Return the media's length; 0 while unknown and for pictures."""
        return max(0, int(self._player.get_length()))

    def fps(self) -> float | None:
        """Return how many frames a second the media has; None while unknown."""
        rate = float(self._player.get_fps())
        return round(rate, 3) if rate > 0 else None

    def frame_s(self) -> float:
        """Return how long one frame stays, in seconds; 0.04 while unknown."""
        rate = float(self._player.get_fps())
        return 1.0 / rate if rate > 0 else 0.04

    def media_ms(self) -> int:
        """Return the media time, which libVLC updates only every half second."""
        return max(0, int(self._player.get_time()))

    def frames_lost(self) -> int | None:
        """Return how many frames came too late to be shown; None while no media is open."""
        stats = self._stats()
        return int(stats.lost_pictures) if stats else None

    def decoded(self) -> int | None:
        """Return how many frames the decoder took and pictures it gave, together; None while no media is open.

        libVLC counts both in one (`DecoderDecode` and `DecoderQueueVideo` in its `src/input/decoder.c`): a frame that
        is decoded counts twice, one that gives no picture once or not at all. Its count of pictures shown is of no use,
        for that counts each repaint of the same picture.
        """
        stats = self._stats()
        return int(stats.decoded_video) if stats else None

    def given(self) -> float | None:
        """Return how many pictures the source of a stream gave, up to a second after the media time; else None."""
        feed = self._source.feed if self._source else None
        return feed.pictures_until(self.media_ms() / 1000 + 1.0) if isinstance(feed, StreamRemuxer) else None

    def _stats(self) -> Any:
        media, stats = self._player.get_media(), vlc.MediaStats()
        return stats if media is not None and media.get_stats(ctypes.byref(stats)) else None

    def _attach_events(self) -> None:
        manager = self._player.event_manager()
        for event in VlcEvent:
            manager.event_attach(getattr(vlc.EventType, f"MediaPlayer{event}"), self._on_event, event)

    def _on_event(self, _event: Any, event: VlcEvent) -> None:  # libVLC's thread: copy, post, return
        if event is VlcEvent.VOUT:
            self._last_error = ""  # of outputs libVLC tried before: not a fault of the media
        self._post(VlcSignal(self._media_number, event))

    def _attach_log(self) -> None:
        """Read libVLC's log, for the last error and the decoder; libVLC then prints nothing itself."""
        libc = ctypes.CDLL(None)
        libc.vsnprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]

        @vlc.CallbackDecorators.LogCb  # type: ignore[untyped-decorator]
        def on_log(_data: Any, level: int, _context: Any, line_format: bytes, arguments: Any) -> None:
            if level < _ERROR and not is_relevant(line_format):
                return
            buffer = ctypes.create_string_buffer(300)
            libc.vsnprintf(buffer, len(buffer), line_format, arguments)
            line = buffer.value.decode(errors="replace").strip()
            if level >= _ERROR and not line.startswith(_REPEATED_ERRORS):
                self._last_error = line
            else:
                self.decoder_log.parse_line(line)

        self._on_log = on_log  # libVLC has only the C pointer, which does not prevent garbage collection
        self._vlc.log_set(on_log, None)


def _options(hardware: bool, turn: Turn) -> list[str]:
    options = [option for option in _OPTIONS if not (hardware and option == "--no-xlib")]
    options.append("--avcodec-hw=any" if hardware else "--avcodec-hw=none")
    if turn:
        options += ["--video-filter=transform", f"--transform-type={turn}"]
    if not has_sound():
        options.append("--aout=adummy")  # otherwise libVLC searches for a device with each media
    return options


def libvlc_version() -> str:
    """Return the version of the library, such as `3.0.24`."""
    return str(vlc.libvlc_get_version().decode().split()[0])
