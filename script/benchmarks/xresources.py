"""Asks an X server, by its X-Resource extension, what the clients of each process hold there."""

from collections import Counter
from typing import Any

from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext.res import LocalClientPIDMask

_MIB = 1024**2
_EVERYBODY = 0
_TRIES = 3
_KINDS = {"WINDOW": "windows", "PIXMAP": "pixmaps"}


class XResources:
    """A client of an X server that only asks.

    Raises:
        RuntimeError: the server has no X-Resource extension, as of 1.2.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._atoms: dict[int, str] = {}
        self._display = Display(name)
        if not self._display.has_extension("X-Resource"):
            raise RuntimeError(f"the X server {name} has no X-Resource extension: nobody can tell who holds what")

    def held(self) -> dict[int, Counter[str]]:
        """Return, for each process: clients, windows, pixmaps, the rest of its resources, and the MiB in pixmaps.

        Empty when clients keep leaving while they are asked about.
        """
        for _ in range(_TRIES):
            try:
                return self._held()
            except (AttributeError, XError):  # one left meanwhile: python-xlib trips over the error that follows,
                self._display.close()  # and hears nothing any more on this connection
                self._display = Display(self._name)
        return {}

    def _held(self) -> dict[int, Counter[str]]:
        found: dict[int, Counter[str]] = {}
        for one in self._display.res_query_client_ids([{"client": _EVERYBODY, "mask": LocalClientPIDMask}]).ids:
            if one.value and one.spec.client:  # 0 is the server itself
                total = found.setdefault(one.value[0], Counter(clients=0, windows=0, pixmaps=0, others=0, mib=0))
                total.update(self._of(one.spec.client))
        return found

    def _of(self, client: int) -> Counter[str]:
        total = Counter[str](clients=1)
        for kind in self._display.res_query_client_resources(client).types:
            total[_KINDS.get(self._atom(kind.resource_type), "others")] += kind.count
        mib: Any = self._display.res_query_client_pixmap_bytes(client).bytes / _MIB
        total["mib"] = mib
        return total

    def _atom(self, atom: int) -> str:
        if atom not in self._atoms:
            self._atoms[atom] = str(self._display.get_atom_name(atom))
        return self._atoms[atom]

    def windows(self) -> int:
        """Return how many top-level windows there are."""
        return len(self._display.screen().root.query_tree().children)

    def close(self) -> None:
        """End the connection."""
        self._display.close()
