"""Loads what plays on from its first picture: a film or picture to show at once, and a network stream.

libVLC first paints a resized output black, then the pictures of the media. The first paint that is not black at its far
edges is the beginning; only media that are black there have to be painted several times. A picture is always loaded in
this way, because no part of it can be missed. It is then paused, because a paused output is repainted less often.
"""

from player.deck.picture_judgement import BLAMED_FAULTS, PictureSample, WatchedMedia, WatchRecord
from player.deck.picture_watch import PictureWatch
from player.deck.shot_loader import PAINT_WITHIN_S, ShotLoader
from player.deck.shot_states import ShotState
from player.deck.vlc.media_shape import tells_its_shape_late
from player.deck.vlc.media_source import Feed, StreamRemuxer, open_source
from player.deck.vlc.vlc_player import VlcEvent
from sync.errors import MediaUnplayable
from sync.wire.stream_url import scrub
from sync.wire.value_types import MediaKind

FRESH_S = 0.3  # a film shown later than this after its first picture would begin too far in
_BLACK_PAINTS = 4  # full ones; libVLC itself paints the first or the first two
CONNECT_WITHIN_S = 10.0
_STREAM_POLL_S = 0.2


class RunningLoader(ShotLoader):
    """See `ShotLoader`. A film that was not shown in time is stopped and has to be loaded again."""

    _delays_sound = False
    _poll_s = 0.004  # for paints, and for the sound, which comes about 20 ms before the first picture

    def _begin(self) -> None:
        self._first_paints = int(tells_its_shape_late(self.shot.path))
        super()._begin()

    def is_usable_at(self, at_s: float) -> bool:
        """Tell whether what is loaded is still its beginning if it is shown at `at_s`."""
        if self.first_picture_s is None:
            return True
        return self.state is ShotState.LOADED and at_s - self.first_picture_s < FRESH_S

    def due_s(self) -> float:
        """Return when `tick` is due."""
        return self._clock.monotonic() + self._poll_s if self._film_plays else super().due_s()

    @property
    def _film_plays(self) -> bool:
        return self.state is ShotState.LOADED and self.first_picture_s is not None

    def on_event(self, event: VlcEvent) -> None:
        """React to an event of libVLC."""
        match self.state, event:
            case ((ShotState.OPENING | ShotState.PLAYING), VlcEvent.VOUT):  # one for each output libVLC tries
                self._lay_out()
            case (ShotState.PLAYING, VlcEvent.PAUSED):
                self._move(ShotState.PLAYED_OUT)
            case (ShotState.OPENING, VlcEvent.PAUSED) | (
                (ShotState.OPENING | ShotState.PLAYING | ShotState.PLAYED_OUT),
                (VlcEvent.ENDED | VlcEvent.FAILED),
            ):
                self._fail(self._player.last_error or "there is no picture in it")
            case ShotState.LOADED, (VlcEvent.PAUSED | VlcEvent.ENDED | VlcEvent.FAILED) if self._film_plays:
                self._move(ShotState.EXPIRED)
            case _:
                pass

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self.failed:
            return
        self._player.audio.try_mute()
        waits_for_paint = self.state in (ShotState.PLAYING, ShotState.PLAYED_OUT)
        if self.loaded:
            self._tick_loaded(now)
        elif waits_for_paint and self._follow_shape():
            pass
        elif waits_for_paint and self._is_painted():
            self._stretch() if self._must_stretch else self._on_painted(now)
        else:
            self._give_up(now, stuck=waits_for_paint and now - self._last_step_s > PAINT_WITHIN_S)

    def _is_painted(self) -> bool:
        paints = self._window.count_paints()
        self._paints += paints
        if not paints or self._paints <= 0:
            return False
        if self._paints >= _BLACK_PAINTS:
            return True
        return self._window.output_follows and self._window.has_picture_at_far_edges()

    def _give_up(self, now: float, *, stuck: bool) -> None:
        if stuck and self._first_paints and self._paints == 0:  # one picture came, and no other one
            self._on_painted(now)
        else:
            super()._give_up(now, stuck=stuck)

    def _on_painted(self, now: float) -> None:
        if self.shot.kind is MediaKind.PICTURE:
            self._player.pause()
        else:
            self.first_picture_s = now
        self._succeed(now, ShotState.EXPIRED if self.state is ShotState.PLAYED_OUT else ShotState.LOADED)

    def _tick_loaded(self, now: float) -> None:
        if self._film_plays and not self.is_usable_at(now):
            self._move(ShotState.EXPIRED)
            self._player.stop()


class StreamLoader(RunningLoader):
    """A network stream cannot wait on its first frame: it counts as loaded once it paints, and then plays on hidden.

    It never expires. If it ends or stops while it waits, `ShotFailed` follows `Loaded`. Its rhythm is learned.
    """

    _first_paints = 1  # most are MPEG-TS for libVLC: see `tells_its_shape_late`
    _watch: PictureWatch
    _remuxer: Feed | None = None
    _container = "mpegts"

    def due_s(self) -> float:
        """Return when `tick` is due."""
        return self._clock.monotonic() + _STREAM_POLL_S if self.loaded else super().due_s()

    def _begin(self) -> None:
        self._window.prepare(self.shot.background, may_change=True)
        self._open()

    def _open(self) -> None:
        try:
            source = open_source(self.shot.source or "", self._container)
        except MediaUnplayable as error:
            self._fail(str(error))
            return
        self._remuxer = source.feed
        self._player.open_source(source, self._aspect)

    def tick(self, now: float) -> None:
        """Do what is due; open a stream once more that needs another container."""
        needed = self._remuxer.container if isinstance(self._remuxer, StreamRemuxer) else self._container
        if not self.loaded and not self.failed and needed != self._container:
            self._container = needed
            self._open()
        super().tick(now)

    @property
    def _url(self) -> str:
        assert self.shot.url is not None
        return self.shot.url

    def on_event(self, event: VlcEvent) -> None:
        """React to an event of libVLC."""
        match self.state, event:
            case ShotState.FAILED, _:
                pass
            case ShotState.LOADED, VlcEvent.VOUT:  # its size changed
                self._context.on_new_output(self.shot.fit)
            case _, VlcEvent.VOUT:  # one for each output libVLC tries
                self._lay_out()
            case _:
                self._fail(self._reason())

    def _reason(self) -> str:
        if self._player.is_playlist():
            return "this address is a playlist: enter the address of the stream itself"
        if self.loaded:
            return "the stream ended while it waited for its turn"
        return scrub(self._player.last_error or "there is no picture in it", self._url)

    def _on_painted(self, now: float) -> None:
        media = WatchedMedia(self.shot.kind, self._player.frame_s(), starts_black=False)
        self._watch = PictureWatch(media, WatchRecord())
        self._succeed(now)

    def _tick_loaded(self, now: float) -> None:
        if now - self._last_step_s < _STREAM_POLL_S / 2:
            return  # a command came in between
        self._last_step_s, player = now, self._player
        self._context.follow_shape(self.shot.fit)
        fault = self._watch.add(
            PictureSample(
                now, self._window.count_paints(), player.media_ms(), False, player.decoded(), player.frames_lost(),
                self._window.sample_pixels(), given=player.given(),
            )
        )  # fmt: skip
        self.known_rhythm = self._watch.record
        if fault in BLAMED_FAULTS:
            self._fail("the stream stopped while it waited for its turn")

    def _give_up(self, now: float, *, stuck: bool) -> None:
        if stuck and self._paints == 0:  # one picture came, and no other one
            self._on_painted(now)
        elif now - self._started_s > CONNECT_WITHIN_S:
            error = self._player.last_error
            detail = f"; the last message was: {scrub(error, self._url)}" if error else ""
            self._fail(f"no picture came within {CONNECT_WITHIN_S:.0f} s{detail}")
