"""Reads libVLC's log, the only source for which decoder it uses and which module plays the sound."""

# The prefixes of decoder modules that decode in hardware and in software. Other modules, of a vendor's libVLC, are
# unknown.
_HARDWARE = ("drm", "mmal", "v4l2", "omx", "mediacodec")
_SOFTWARE = ("avcodec", "dav1d", "aom", "vpx", "theora", "libmpeg2", "rawvideo")
_RELEVANT_FORMATS = (
    b"codec (%s) started",
    b'using %s module "%s"',
    b"no %s modules matched",
    b"Using %s for hardware decoding",
)


def is_relevant(line_format: bytes) -> bool:
    """Tell whether lines of this printf format need to be parsed; hundreds do not."""
    return line_format in _RELEVANT_FORMATS


class DecoderLog:
    """What the log says about the current media. libVLC's threads write it, the deck's thread reads it."""

    def __init__(self) -> None:
        self.codec: str | None = None  # such as `h264`; None: no decoder was chosen yet
        self.hardware: bool | None = None  # None: the log does not say
        self.audio_module = ""  # the last audio output module, such as `pulse`
        self._started_codec = ""  # the last codec libavcodec started, for sound or picture

    def reset(self) -> None:
        """Begin a new media."""
        self.codec = self.hardware = None
        self._started_codec = ""

    def parse_line(self, line: str) -> None:
        """Read one line. The last line wins, because libVLC tries hardware first and then falls back."""
        if line.startswith("codec ("):
            self._started_codec = line.split("(")[1].split(")")[0]
        elif line.startswith("using video decoder module"):
            self._set_decoder(line.split('"')[1])
        elif line.startswith("using audio output module"):
            self.audio_module = line.split('"')[1]
        elif line.startswith("using hw decoder module") or line.endswith("for hardware decoding"):
            self.hardware = True
        elif line.startswith("no hw decoder modules"):
            self.hardware = False

    def _set_decoder(self, module: str) -> None:
        self.codec = self._started_codec if module == "avcodec" else module
        if module.startswith(_HARDWARE):
            self.hardware = True
        elif self.hardware is None and module.startswith(_SOFTWARE):
            self.hardware = False
