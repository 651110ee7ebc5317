"""Takes rights away from this process and all that it starts; also a program that does so and becomes another one.

`python -I -S restrict.py [listed|read|write PATH]… [sockets KIND] -- COMMAND…` imports little of the standard library
and nothing else: it starts with each tool. Files are restricted by Landlock (Linux 5.13), system calls by a seccomp
filter that libseccomp makes. `missing_restrictions` says what this machine lacks; without that a process keeps those
rights.
"""

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:  # this costs 10 ms at each start
    from pathlib import Path

# <linux/landlock.h>; the numbers of these system calls are the same on all processors.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = (1 << bit for bit in (0, 1, 2, 3, 14, 15))
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_RIGHTS_KNOWN = {1: 13, 2: 14, 3: 15, 4: 15}  # by version, as a number of bits; 16 since version 5
SCOPES_SINCE, _SCOPE_SIGNAL = 6, 2  # signals to processes outside
_SET_NO_NEW_PRIVILEGES = 38
_SIGPIPE, _SIGXFSZ, _DEFAULT = 13, 25, None

CANNOT_RUN = 127
"""The exit code if rights cannot be given up, or there is no such command, as shells have it."""

# <seccomp.h>
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000  # plus the error that the caller gets
_NOT_EQUAL, _GREATER, _MASKED_EQUAL = 1, 6, 7
_UNKNOWN_CALL = -1
_NEW_USER_NAMESPACE = 0x10000000
_PROCESSES_OF_OTHERS = ("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd")
_KERNEL = ("bpf", "perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl", "unshare", "setns", "mount")
_RINGS = ("io_uring_setup", "io_uring_enter", "io_uring_register")  # they open sockets past a filter


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _Comparison(ctypes.Structure):
    _fields_ = (("argument", ctypes.c_uint), ("how", ctypes.c_int), ("one", ctypes.c_uint64), ("two", ctypes.c_uint64))


_REFUSED_SOCKETS = {
    "pairs": None,
    "local": _Comparison(0, _NOT_EQUAL, 1),
    "internet": _Comparison(0, _GREATER, 10),  # AF_INET6; AF_INET is 2, and Netlink, raw packets and VSOCK are above
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

_MOST_HELD_BYTES = 32 * 1024 * 1024  # of a file: more than a fallback picture has


def missing_restrictions() -> list[str]:
    """Return what this machine cannot take away from a process, as sentences that say what to do."""
    missing = []
    if landlock_version() < 1:
        missing.append(
            "child processes see all files of their user: this kernel has no Landlock, or lsm= leaves it out"
        )
    if _seccomp() is None:
        missing.append("child processes may open sockets: install libseccomp2")
    return missing


def everything_but(hidden: "Path") -> list[str]:
    """Return the paths that together hold all files but those below `hidden`.

    What is made later beside `hidden`, or beside a folder that holds it, is in none of them, nor are large files there:
    the kernel would free their space only when the last process ends that may open them.
    """
    found: list[str] = []
    avoided = hidden.resolve()
    for folder in avoided.parents:
        with suppress(OSError):  # not ours to list, or gone
            found += [str(path) for path in folder.iterdir() if path != avoided and _may_be_held(path)]
        avoided = folder
    return found


def _may_be_held(path: "Path") -> bool:
    found = path.lstat()
    return not stat.S_ISLNK(found.st_mode) and (stat.S_ISDIR(found.st_mode) or found.st_size <= _MOST_HELD_BYTES)


def restrict_files(*, listed: Iterable[str] = (), read: Iterable[str] = (), write: Iterable[str] = ()) -> None:
    """Keep only these paths and all below them, for the calling thread and all that it starts.

    Of what is `listed` it sees the names in folders; what is `read` it may run too; with what is `write` it may do all.
    Open files stay open. The memory of processes outside is closed to it as well (`/proc/…/environ`, ptrace), and since
    version 6 of Landlock so are signals to them. A path that is not there is left out. Without Landlock nothing
    changes.

    Raises:
        OSError: the kernel refuses.
    """
    version = landlock_version()
    if version < 1:
        return
    known = (1 << _RIGHTS_KNOWN.get(version, 16)) - 1
    attributes = (ctypes.c_uint64 * 3)(known, 0, _SCOPE_SIGNAL)
    size = 24 if version >= SCOPES_SINCE else 8
    ruleset = _call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0)
    reading = _READ_DIR | _READ_FILE | _EXECUTE
    try:
        for paths, rights in ((listed, _READ_DIR), (read, reading), (write, known)):
            for path in paths:
                _add_rule(ruleset, path, rights)
        _libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _add_rule(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # it is not there, or is not ours to see anyway
        return
    try:
        rule = _Rule(rights if stat.S_ISDIR(os.fstat(opened).st_mode) else rights & _OF_FILES, opened)
        if rule.rights:
            _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(opened)


def refuse_calls(sockets: str = "pairs") -> None:
    """Refuse system calls that nothing which decodes media needs, for the calling thread and all that it starts.

    Sockets: none but `pairs`, or `local` ones (AF_UNIX) too, or those of the `internet` too. Refused besides: debugging
    and limiting other processes, namespaces, mounts, keys, BPF. Open sockets stay open. Without libseccomp nothing
    changes.

    Raises:
        OSError: the kernel refuses.
    """
    library = _seccomp()
    if library is None:
        return
    made = ctypes.c_void_p(library.seccomp_init(_ALLOW))
    try:
        add_refusals(library, made, sockets)
        _check(library.seccomp_load(made), "seccomp_load")
    finally:
        library.seccomp_release(made)


def refused_calls(sockets: str) -> "list[tuple[str, int, _Comparison | None]]":
    """Return what is refused: the name of a call, the error that it gets, and the only arguments for which it does."""
    return [
        *((name, errno.EPERM, None) for name in (*_PROCESSES_OF_OTHERS, *_KERNEL)),
        *((name, errno.ENOSYS, None) for name in (*_RINGS, "clone3")),  # libraries then use the older calls
        ("clone", errno.EPERM, _Comparison(0, _MASKED_EQUAL, _NEW_USER_NAMESPACE, _NEW_USER_NAMESPACE)),
        ("prlimit64", errno.EPERM, _Comparison(0, _NOT_EQUAL, 0)),
        ("socket", errno.EACCES, _REFUSED_SOCKETS[sockets]),
    ]


def add_refusals(library: ctypes.CDLL, made: ctypes.c_void_p, sockets: str) -> None:
    """Add what is refused to a filter of libseccomp, for the processors that it is for; raises OSError."""
    for name, error, only_if in refused_calls(sockets):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == _UNKNOWN_CALL:  # to an old libseccomp
            continue
        conditions = (0, None) if only_if is None else (1, ctypes.byref(only_if))
        _check(library.seccomp_rule_add_array(made, ctypes.c_uint32(_REFUSE | error), number, *conditions), name)


def _check(status: int, what: str) -> None:
    if status < 0:
        raise OSError(-status, os.strerror(-status), what)


def _seccomp() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def landlock_version() -> int:
    """Return the version of Landlock in this kernel; below 1: there is none."""
    return int(_libc.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION)))


def _call(number: int, *arguments: object) -> int:
    answer = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"the kernel refuses to restrict files: {os.strerror(code)}")
    return answer


def main(arguments: list[str]) -> None:
    """Give up rights and become the command, which begins with a path; exit code CANNOT_RUN if that is not possible."""
    border = arguments.index("--")
    words, command = arguments[:border], arguments[border + 1 :]
    kept: dict[str, list[str]] = {"listed": [], "read": [], "write": [], "sockets": ["pairs"]}
    for word, path in zip(words[::2], words[1::2], strict=True):
        kept[word].append(path)
    try:
        restrict_files(listed=kept["listed"], read=kept["read"], write=kept["write"])
        refuse_calls(kept["sockets"][-1])
        for number in (_SIGPIPE, _SIGXFSZ):  # Python ignores them, and so would the command
            _libc.signal(number, _DEFAULT)
        os.execv(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(CANNOT_RUN)


if __name__ == "__main__":
    main(sys.argv[1:])
