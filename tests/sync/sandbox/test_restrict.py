"""The filter of system calls on the processors of screens: made here for each of them, and run step by step."""

import ctypes
import errno
import os
import struct

import pytest

from sync.sandbox import restrict

LIBRARY = restrict._seccomp()
PROCESSORS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "arm": 0x40000028}  # AUDIT_ARCH_… of <linux/audit.h>
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x00000000
NEW_USER, NEW_THREAD = 0x10000000, 0x00010F00

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="NOT TESTED: libseccomp2 is not installed")


def filter_for(processor: int, sockets: str) -> list[tuple[int, int, int, int]]:
    """Return the program (struct sock_filter of <linux/filter.h>) for a processor that this machine need not have."""
    assert LIBRARY
    made = ctypes.c_void_p(LIBRARY.seccomp_init(ALLOW))
    if LIBRARY.seccomp_arch_exist(made, ctypes.c_uint32(processor)):
        assert LIBRARY.seccomp_arch_add(made, ctypes.c_uint32(processor)) == 0
        assert LIBRARY.seccomp_arch_remove(made, ctypes.c_uint32(0)) == 0  # the one of this machine
    restrict.add_refusals(LIBRARY, made, sockets)
    reading, writing = os.pipe()
    assert LIBRARY.seccomp_export_bpf(made, writing) == 0
    os.close(writing)
    LIBRARY.seccomp_release(made)
    with os.fdopen(reading, "rb") as program:
        return list(struct.iter_unpack("=HBBI", program.read()))


def answer(program: list[tuple[int, int, int, int]], processor: int, name: str, *arguments: int) -> int:
    """Run the program on a call, as the kernel does (struct seccomp_data of <linux/seccomp.h>)."""
    assert LIBRARY
    number = LIBRARY.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(processor), name.encode())
    assert number >= 0, f"{name} has no number"
    data = struct.pack("=iIQ6Q", number, processor, 0, *arguments, *[0] * (6 - len(arguments)))
    value, place = 0, 0
    while True:
        code, if_true, if_false, constant = program[place]
        place += 1
        match code:
            case 0x20:  # load a word
                (value,) = struct.unpack_from("=I", data, constant)
            case 0x54:  # and
                value &= constant
            case 0x05:  # jump
                place += constant
            case 0x15 | 0x25 | 0x35 | 0x45:  # jump if it is equal, greater, not less, has a bit
                holds = {0x15: value == constant, 0x25: value > constant, 0x35: value >= constant}
                place += if_true if holds.get(code, bool(value & constant)) else if_false
            case 0x06:
                return constant
            case _:
                raise AssertionError(f"instruction {code:#x}")


@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=PROCESSORS.keys())
@pytest.mark.parametrize(("sockets", "families"), [("pairs", ()), ("local", (1,)), ("internet", (1, 2, 10))])
def test_the_filter_refuses_the_same_on_every_processor(
    processor: int, sockets: str, families: tuple[int, ...]
) -> None:
    program = filter_for(processor, sockets)
    for name, error, only_if in restrict.refused_calls(sockets):
        if only_if is None:
            assert answer(program, processor, name) == REFUSE | error, name
    for family in (1, 2, 10, 16, 17, 38, 40):
        allowed = answer(program, processor, "socket", family) == ALLOW
        assert allowed is (family in families), family
    for name, arguments, expected in (
        ("socketpair", (1,), ALLOW),
        ("read", (), ALLOW),
        ("clone", (NEW_THREAD,), ALLOW),
        ("clone", (NEW_USER | NEW_THREAD,), REFUSE | errno.EPERM),
        ("prlimit64", (0,), ALLOW),
        ("prlimit64", (1,), REFUSE | errno.EPERM),
    ):
        assert answer(program, processor, name, *arguments) == expected, (name, arguments)
    for other in PROCESSORS.values():
        assert other == processor or answer(program, other, "read") == KILL
