"""Which decoder libVLC uses for the video that is open, and where sound goes; read from its log, the only place."""

# How modules are called that decode by themselves: in hardware, in software. Others, of a vendor's libVLC, are unknown.
_HARDWARE = ("drm", "mmal", "v4l2", "omx", "mediacodec")
_SOFTWARE = ("avcodec", "dav1d", "aom", "vpx", "theora", "libmpeg2", "rawvideo")
_FORMS = (
    b"codec (%s) started",
    b'using %s module "%s"',
    b"no %s modules matched",
    b"Using %s for hardware decoding",
)


def is_informative(form: bytes) -> bool:
    """Tell whether a line of this printf format is worth reading; hundreds are not."""
    return form in _FORMS


class DecoderLog:
    """What is known of the present opening; libVLC's threads write it, the deck's thread reads it."""

    def __init__(self) -> None:
        self.codec: str | None = None  # such as `h264`; None: no decoder was chosen yet
        self.hardware: bool | None = None  # None: it said nothing of that
        self.sound = ""  # the module sound went to last, such as `pulse`
        self._started = ""  # by libavcodec, for sound or picture

    def forget(self) -> None:
        """Begin another opening."""
        self.codec = self.hardware = None
        self._started = ""

    def read(self, line: str) -> None:
        """Take a line of the log into account; the last word stands, as libVLC tries hardware first and falls back."""
        if line.startswith("codec ("):
            self._started = line.split("(")[1].split(")")[0]
        elif line.startswith("using video decoder module"):
            self._chosen(line.split('"')[1])
        elif line.startswith("using audio output module"):
            self.sound = line.split('"')[1]
        elif line.startswith("using hw decoder module") or line.endswith("for hardware decoding"):
            self.hardware = True
        elif line.startswith("no hw decoder modules"):
            self.hardware = False

    def _chosen(self, module: str) -> None:
        self.codec = self._started if module == "avcodec" else module
        if module.startswith(_HARDWARE):
            self.hardware = True
        elif self.hardware is None and module.startswith(_SOFTWARE):
            self.hardware = False
