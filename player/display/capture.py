"""Takes the pixels of the display through memory shared with the X server (MIT-SHM, which python-xlib lacks).

At 1920x1080 that is a millisecond; through the socket it is 40 ms of our processor time and 17 ms of the server's. A
server that shares no memory with us (another machine, a container with memory of its own) is asked through the socket.
"""

import ctypes
import logging
from typing import Any

from Xlib import X, error
from Xlib.protocol import rq

from player.display.pictures import RawPicture
from player.platform.geometry import Area

_ALL_PLANES = 0xFFFFFFFF
_CREATE_FOR_US = 0o1600  # IPC_CREAT, and nobody else
_REMOVE = 0  # IPC_RMID: gone once both sides let go

log = logging.getLogger(__name__)


class _Attach(rq.Request):  # type: ignore[misc]
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(1), rq.RequestLength(),
        rq.Card32("segment"), rq.Card32("shmid"), rq.Bool("read_only"), rq.Pad(3),
    )  # fmt: skip


class _GetImage(rq.ReplyRequest):  # type: ignore[misc]
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(4), rq.RequestLength(), rq.Drawable("drawable"),
        rq.Int16("x"), rq.Int16("y"), rq.Card16("width"), rq.Card16("height"), rq.Card32("plane_mask"),
        rq.Card8("format"), rq.Pad(3), rq.Card32("segment"), rq.Card32("offset"),
    )  # fmt: skip
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Card8("depth"), rq.Card16("sequence_number"), rq.ReplyLength(),
        rq.Card32("visual"), rq.Card32("size"), rq.Pad(16),
    )  # fmt: skip


class Capture:
    """Takes pictures over one connection, which it does not own. Methods raise what python-xlib raises."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._root = connection.screen().root
        extension = connection.query_extension("MIT-SHM")
        self._opcode = extension.major_opcode if extension else None
        self._memory: _Memory | None = None

    def take(self, area: Area) -> RawPicture:
        """Return what the display shows in `area`, as the server has it."""
        width, height = area.width, area.height
        memory = self._shared(width * height * 4)
        if memory is None:
            image = self._root.get_image(area.x, area.y, width, height, X.ZPixmap, _ALL_PLANES)
            return RawPicture(width, height, bytes(image.data))
        _GetImage(
            display=self._connection.display, opcode=self._opcode, drawable=self._root, x=area.x, y=area.y,
            width=width, height=height, plane_mask=_ALL_PLANES, format=X.ZPixmap, segment=memory.segment, offset=0,
        )  # fmt: skip
        return RawPicture(width, height, memory.read(width * height * 4))

    def close(self) -> None:
        """Let go of the memory; the server does so when the connection ends."""
        if self._memory:
            self._memory.close()
        self._memory = None

    def _shared(self, size: int) -> "_Memory | None":
        """Return memory of `size` bytes that the server writes to; None where it cannot."""
        if self._opcode is None or (self._memory and self._memory.size >= size):
            return self._memory
        self.close()
        memory = _Memory(size, self._connection.display.allocate_resource_id())
        refused = error.CatchError()
        _Attach(
            display=self._connection.display, onerror=refused, opcode=self._opcode,
            segment=memory.segment, shmid=memory.shmid, read_only=False,
        )  # fmt: skip
        self._connection.sync()
        memory.remove()
        if refused.get_error():
            log.info("the X server shares no memory with us; screenshots go through its socket, which takes longer")
            memory.close()
            self._opcode = None
            return None
        self._memory = memory
        return memory


class _Memory:
    """One System V segment, attached here; `remove` once the server has it too, so that none outlives its users."""

    def __init__(self, size: int, segment: int) -> None:
        self.size = size
        self.segment = segment  # the server's name for it
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
        self._libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        self._libc.shmat.restype = ctypes.c_void_p
        self._libc.shmdt.argtypes = [ctypes.c_void_p]
        self.shmid = self._check(self._libc.shmget(0, size, _CREATE_FOR_US))
        self._address = self._libc.shmat(self.shmid, None, 0)
        if self._address == ctypes.c_void_p(-1).value:
            self.remove()
            self._check(-1)

    def read(self, size: int) -> bytes:
        return ctypes.string_at(self._address, size)

    def remove(self) -> None:
        self._libc.shmctl(self.shmid, _REMOVE, None)

    def close(self) -> None:
        self._libc.shmdt(self._address)

    def _check(self, answer: int) -> int:
        if answer < 0:
            raise OSError(ctypes.get_errno(), "no shared memory for a screenshot")
        return answer
