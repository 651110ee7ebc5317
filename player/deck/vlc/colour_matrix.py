"""Lets libVLC's output in software show the colours of BT.709, which it would convert as if they were those of BT.601.

libVLC 3 names no matrix when it asks libswscale to convert a picture, and so gets the default of that library: a table
of four numbers. `set_default_matrix` writes the numbers of the wanted matrix there, in the memory of this process. An
output in hardware goes by the tags of the film, and asks libswscale for nothing.
"""

import ctypes
import mmap
from collections.abc import Iterator
from enum import IntEnum
from functools import cache
from pathlib import Path

_HEAD_BYTES = 64 * 1024  # of a film from the origin: its index comes first
_VERSIONS = (9, 8, 7, 6, 5)  # of FFmpeg 8 to 4
_DEFAULT, _NUMBER_BYTES = 5, 16  # SWS_CS_DEFAULT, and its four numbers of 32 bits
_READ, _WRITE = 1, 2  # PROT_READ, PROT_WRITE


class Matrix(IntEnum):
    """How luma and differences of colour become red, green and blue, in libswscale's numbers (`SWS_CS_…`)."""

    BT709 = 1
    BT601 = 5
    SMPTE_240M = 7
    BT2020 = 9


_CODE_POINTS = {1: Matrix.BT709, 5: Matrix.BT601, 6: Matrix.BT601, 7: Matrix.SMPTE_240M, 9: Matrix.BT2020}  # H.273


def film_matrix(path: str) -> Matrix:
    """Return the matrix that a film states in its box `colr`; BT.601 if there is none, or it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return matrix_in(file.read(_HEAD_BYTES))
    except OSError:  # libVLC says what is wrong with it
        return Matrix.BT601


def matrix_in(head: bytes) -> Matrix:
    """Return the matrix that the first bytes of an MP4 state, else BT.601, as libVLC has it."""
    colours = head.find(b"colrnclx")
    code = int.from_bytes(head[colours + 12 : colours + 14], "big") if colours >= 0 else 0
    return _CODE_POINTS.get(code, Matrix.BT601)


def set_default_matrix(matrix: Matrix) -> bool:
    """Let the conversions that begin from now on use this matrix; tell whether that is so.

    Nothing changes where the memory of the library cannot be written.
    """
    return all([_overwrite(table, _numbers()[index][matrix]) for index, table in enumerate(_tables())])


@cache
def _libraries() -> tuple[ctypes.CDLL, ...]:
    return tuple(_load())


def _load() -> Iterator[ctypes.CDLL]:
    for version in _VERSIONS:
        try:
            library = ctypes.CDLL(f"libswscale.so.{version}")
        except OSError:
            continue
        library.sws_getCoefficients.restype = ctypes.c_void_p
        yield library


def _tables() -> list[int]:
    return [library.sws_getCoefficients(_DEFAULT) for library in _libraries()]


@cache
def _numbers() -> tuple[dict[Matrix, bytes], ...]:
    """Return the numbers of each matrix in each library, as they were before anything was written."""
    return tuple(
        {matrix: ctypes.string_at(library.sws_getCoefficients(int(matrix)), _NUMBER_BYTES) for matrix in Matrix}
        for library in _libraries()
    )


def _overwrite(table: int, numbers: bytes) -> bool:
    if ctypes.string_at(table, _NUMBER_BYTES) == numbers:
        return True
    first = table - table % mmap.PAGESIZE
    page, span = ctypes.c_void_p(first), ctypes.c_size_t(table + _NUMBER_BYTES - first)
    libc = ctypes.CDLL(None)
    if libc.mprotect(page, span, _READ | _WRITE) != 0:
        return False
    ctypes.memmove(table, numbers, _NUMBER_BYTES)
    libc.mprotect(page, span, _READ)
    return True
