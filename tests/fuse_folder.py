"""A folder whose disk fails on purpose, for programs that are not ours to change: a file system in user space (FUSE).

`python -m tests.fuse_folder BACKING MOUNT FAULTS` mounts the folder BACKING at MOUNT and passes everything through, but
for the files in FAULTS, a JSON file that is read again whenever it changes: {"state/active": {"errno": 5, "times": 1}}
makes the next read of that file fail, {"state/active": {"bytes": 10}} makes it end after ten bytes. It speaks the
kernel's protocol (linux/fuse.h, version 7.31) itself, because libfuse is not on every machine that tests this.
"""

import ctypes
import errno
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests import TOP

_LIBC = ctypes.CDLL(None, use_errno=True)
_MOST_WRITE = 128 * 1024
_IN, _OUT = struct.Struct("<IIQQIII4x"), struct.Struct("<IiQ")
_ATTR, _SETATTR = struct.Struct("<6Q10I"), struct.Struct("<I4xQQQQQQIIIIIIII")
_DETACH = 2

Answer = bytes | None
"""What is sent to the kernel after the header; None: this request gets no answer."""


class FuseFolder:
    """The file system: nodes are paths below `backing`, open files are descriptors of the real ones."""

    def __init__(self, backing: Path, faults: Path) -> None:
        self._backing = backing
        self._nodes: dict[int, str] = {1: "."}
        self._listings: dict[int, list[tuple[str, int, int]]] = {}
        self._paths: dict[int, str] = {}  # of open files
        self._next = 2
        self._faults_file, self._changed = faults, 0
        self._faults: dict[str, dict[str, int]] = {}
        self._operations: dict[int, Callable[[int, bytes], Answer]] = {
            1: self.lookup, 3: self.getattr, 4: self.setattr, 5: self.readlink, 6: self.symlink, 8: self.mknod,
            9: self.mkdir, 10: self.unlink, 11: self.rmdir, 12: self.rename, 13: self.link, 14: self.open,
            15: self.read, 16: self.write, 17: self.statfs, 18: self.release, 20: self.fsync, 25: self.nothing,
            26: self.init, 27: self.opendir, 28: self.readdir, 29: self.releasedir, 30: self.nothing, 35: self.create,
            38: self.nothing, 43: self.fallocate, 45: self.rename2, 46: self.lseek,
        }  # fmt: skip

    def serve(self, device: int) -> None:
        """Answer until the folder is unmounted."""
        while True:
            try:
                request = os.read(device, _MOST_WRITE + 4096)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT):
                    continue
                return  # ENODEV: unmounted
            length, opcode, unique, node, *_ = _IN.unpack_from(request)
            if opcode in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET
                continue
            code, answer = 0, b""
            try:
                answer = self._operations.get(opcode, self.unknown)(node, request[_IN.size : length]) or b""
            except OSError as error:
                code = -(error.errno or errno.EIO)
            with suppress(OSError):  # the caller was interrupted meanwhile
                os.write(device, _OUT.pack(_OUT.size + len(answer), code, unique) + answer)

    def unknown(self, _node: int, _body: bytes) -> Answer:
        raise OSError(errno.ENOSYS, "not here")

    def nothing(self, _node: int, _body: bytes) -> Answer:
        return b""

    def init(self, _node: int, body: bytes) -> Answer:
        readahead = struct.unpack_from("<4I", body)[2]
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, readahead, 1 << 5, 16, 12, _MOST_WRITE, 1, 32, 0, 0)

    # names

    def _path(self, node: int, name: bytes = b"") -> Path:
        below = self._nodes.get(node)
        if below is None:
            raise OSError(errno.ENOENT, "gone")
        return self._backing / below / os.fsdecode(name.rstrip(b"\0"))

    def _node(self, path: Path) -> int:
        name = str(path.relative_to(self._backing))
        for node, known in self._nodes.items():
            if known == name:
                return node
        self._nodes[self._next] = name
        self._next += 1
        return self._next - 1

    def _attributes(self, found: os.stat_result) -> bytes:
        times = (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
        return _ATTR.pack(
            found.st_ino, found.st_size, found.st_blocks, *(t // 10**9 for t in times), *(t % 10**9 for t in times),
            found.st_mode, found.st_nlink, found.st_uid, found.st_gid, found.st_rdev, 4096, 0,
        )  # fmt: skip

    def _entry(self, path: Path) -> bytes:
        return struct.pack("<QQQQII", self._node(path), 0, 0, 0, 0, 0) + self._attributes(path.lstat())

    def lookup(self, node: int, body: bytes) -> Answer:
        path = self._path(node, body)
        path.lstat()
        return self._entry(path)

    def getattr(self, node: int, body: bytes) -> Answer:
        by_handle, handle = struct.unpack_from("<I4xQ", body)
        found = os.fstat(handle) if by_handle & 1 else self._path(node).lstat()
        return bytes(16) + self._attributes(found)

    def setattr(self, node: int, body: bytes) -> Answer:
        valid, handle, size, _, atime, mtime, _, atime_ns, mtime_ns, _, mode, _, uid, gid, _ = _SETATTR.unpack_from(
            body
        )
        path = self._path(node)
        if valid & 1:
            path.chmod(stat.S_IMODE(mode))
        if valid & 6:
            os.chown(path, uid if valid & 2 else -1, gid if valid & 4 else -1, follow_symlinks=False)
        if valid & 8:
            os.truncate(handle if valid & 64 else path, size)
        if valid & 48:
            now = time.time_ns()
            accessed = now if valid & 128 else atime * 10**9 + atime_ns
            os.utime(path, ns=(accessed, now if valid & 256 else mtime * 10**9 + mtime_ns))
        return bytes(16) + self._attributes(path.lstat())

    def readlink(self, node: int, _body: bytes) -> Answer:
        return os.fsencode(self._path(node).readlink())

    def symlink(self, node: int, body: bytes) -> Answer:
        name, target = body.rstrip(b"\0").split(b"\0")
        path = self._path(node, name)
        path.symlink_to(os.fsdecode(target))
        return self._entry(path)

    def mknod(self, node: int, body: bytes) -> Answer:
        mode, device = struct.unpack_from("<II", body)
        path = self._path(node, body[16:])
        os.mknod(path, mode, device)
        return self._entry(path)

    def mkdir(self, node: int, body: bytes) -> Answer:
        path = self._path(node, body[8:])
        path.mkdir(struct.unpack_from("<I", body)[0])
        return self._entry(path)

    def unlink(self, node: int, body: bytes) -> Answer:
        self._path(node, body).unlink()
        return b""

    def rmdir(self, node: int, body: bytes) -> Answer:
        self._path(node, body).rmdir()
        return b""

    def rename(self, node: int, body: bytes) -> Answer:
        return self._rename(node, struct.unpack_from("<Q", body)[0], body[8:])

    def rename2(self, node: int, body: bytes) -> Answer:
        return self._rename(node, struct.unpack_from("<Q", body)[0], body[16:])

    def _rename(self, node: int, target: int, names: bytes) -> Answer:
        old, new = names.rstrip(b"\0").split(b"\0")
        source, path = self._path(node, old), self._path(target, new)
        source.rename(path)
        before, after = (str(each.relative_to(self._backing)) for each in (source, path))
        self._nodes = {each: name for each, name in self._nodes.items() if name != after}
        for each, name in self._nodes.items():
            if name == before or name.startswith(f"{before}/"):
                self._nodes[each] = after + name[len(before) :]
        return b""

    def link(self, node: int, body: bytes) -> Answer:
        path = self._path(node, body[8:])
        path.hardlink_to(self._path(struct.unpack_from("<Q", body)[0]))
        return self._entry(path)

    # files

    def open(self, node: int, body: bytes) -> Answer:
        flags = struct.unpack_from("<I", body)[0] & (os.O_ACCMODE | os.O_APPEND | os.O_TRUNC)
        return self._opened(self._path(node), flags, 0)

    def create(self, node: int, body: bytes) -> Answer:
        flags, mode = struct.unpack_from("<II", body)
        path = self._path(node, body[16:])
        opened = self._opened(path, flags & (os.O_ACCMODE | os.O_EXCL | os.O_TRUNC) | os.O_CREAT, mode)
        return self._entry(path) + opened

    def _opened(self, path: Path, flags: int, mode: int) -> bytes:
        handle = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, stat.S_IMODE(mode))
        self._paths[handle] = str(path.relative_to(self._backing))
        direct = ".db" not in path.name  # else the kernel reads ahead, and hides a fault; SQLite needs mmap
        return struct.pack("<QII", handle, direct, 0)

    def read(self, _node: int, body: bytes) -> Answer:
        handle, offset, size = struct.unpack_from("<QQI", body)
        end = self._fault(self._paths.get(handle, ""))
        return os.pread(handle, size if end is None else max(0, min(size, end - offset)), offset)

    def write(self, _node: int, body: bytes) -> Answer:
        handle, offset, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", os.pwrite(handle, body[40 : 40 + size], offset), 0)

    def release(self, _node: int, body: bytes) -> Answer:
        handle = struct.unpack_from("<Q", body)[0]
        self._paths.pop(handle, None)
        os.close(handle)
        return b""

    def fsync(self, _node: int, body: bytes) -> Answer:
        os.fsync(struct.unpack_from("<Q", body)[0])
        return b""

    def fallocate(self, _node: int, body: bytes) -> Answer:
        handle, offset, length, mode = struct.unpack_from("<QQQI", body)
        if mode:
            raise OSError(errno.EOPNOTSUPP, "not here")
        os.posix_fallocate(handle, offset, length)
        return b""

    def lseek(self, _node: int, body: bytes) -> Answer:
        handle, offset, whence = struct.unpack_from("<QQI", body)
        return struct.pack("<Q", os.lseek(handle, offset, whence))

    def statfs(self, node: int, _body: bytes) -> Answer:
        at = os.statvfs(self._path(node))
        return struct.pack(
            "<5Q4I24x", at.f_blocks, at.f_bfree, at.f_bavail, at.f_files, at.f_ffree, at.f_bsize, 255, at.f_frsize, 0
        )

    # folders

    def opendir(self, node: int, _body: bytes) -> Answer:
        with os.scandir(self._path(node)) as entries:
            found = [(each.name, each.inode(), each.stat(follow_symlinks=False).st_mode >> 12) for each in entries]
        self._next += 1
        self._listings[self._next] = found
        return struct.pack("<QII", self._next, 0, 0)

    def readdir(self, _node: int, body: bytes) -> Answer:
        handle, offset, size = struct.unpack_from("<QQI", body)
        listing = b""
        for number, (name, inode, kind) in enumerate(self._listings[handle][offset:], start=offset + 1):
            raw = os.fsencode(name)
            entry = struct.pack("<QQII", inode, number, len(raw), kind) + raw + bytes(-len(raw) % 8)
            if len(listing) + len(entry) > size:
                break
            listing += entry
        return listing

    def releasedir(self, _node: int, body: bytes) -> Answer:
        self._listings.pop(struct.unpack_from("<Q", body)[0], None)
        return b""

    # faults

    def _fault(self, path: str) -> int | None:
        """Raise the error that this file has now, or return after how many bytes it ends."""
        with suppress(FileNotFoundError):
            changed = self._faults_file.stat().st_mtime_ns
            if changed != self._changed:
                self._changed, self._faults = changed, json.loads(self._faults_file.read_bytes())
        fault = self._faults.get(path, {})
        if fault.get("errno") and fault.get("times", 1) > 0:
            fault["times"] = fault.get("times", 1) - 1
            raise OSError(fault["errno"], "injected")
        return fault.get("bytes")


def serve(backing: Path, mount: Path, faults: Path) -> None:
    """Mount the folder, say so, and answer the kernel until it is unmounted."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    if _LIBC.mount(b"signage-test", os.fsencode(mount), b"fuse", 0, options.encode()) != 0:
        sys.exit(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    sys.stdout.write("mounted\n")
    sys.stdout.flush()
    FuseFolder(backing, faults).serve(device)


class FailingDisk:
    """A mounted folder and the faults of its files."""

    def __init__(self, mount: Path, faults: Path) -> None:
        self.mount = mount
        self._faults = faults

    def set_faults(self, faults: dict[str, Any]) -> None:
        """Replace all faults, by the path of the file below the folder."""
        new = self._faults.with_suffix(".new")
        new.write_text(json.dumps(faults))
        new.replace(self._faults)


@contextmanager
def failing_disk(folder: Path) -> Iterator[FailingDisk]:
    """Mount `folder`/disk, whose files are in `folder`/backing."""
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("NOT TESTED: a disk that fails under the real player takes root and /dev/fuse")
    backing, mount, faults = folder / "backing", folder / "disk", folder / "faults.json"
    for each in (backing, mount):
        each.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.fuse_folder", str(backing), str(mount), str(faults)]
    process = subprocess.Popen(command, cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "mounted\n":
            pytest.skip(f"NOT TESTED: a disk that fails under the real player: {process.communicate()[1].strip()}")
        yield FailingDisk(mount, faults)
    finally:
        _LIBC.umount2(os.fsencode(mount), _DETACH)
        process.kill()
        process.communicate()
        shutil.rmtree(backing)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
