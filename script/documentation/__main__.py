"""Writes `docs/reference` and the examples in `config/` from the code, so that what they say is true."""

import argparse
import gc
import sys
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).parents[2]
sys.path[:0] = [str(TOP), str(TOP / "script" / "benchmarks")]
gc.disable()  # it would look at the syntax trees of all files again and again, half of the time

import commands  # noqa: E402 - found by the line above
import endpoints  # noqa: E402
import examples  # noqa: E402
import formats  # noqa: E402
import metrics  # noqa: E402
import problems  # noqa: E402
import roles  # noqa: E402
import rooms  # noqa: E402
import scale_page  # noqa: E402
import settings  # noqa: E402
import states  # noqa: E402
import words  # noqa: E402

FOLDER = TOP / "docs" / "reference"

PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "settings.md": ("every setting of device and origin", settings.page),
    "commands.md": ("`signage-player` and `signage-origin`", commands.page),
    "api-device.md": ("what a device answers over HTTP", endpoints.device_page),
    "api-origin.md": ("what an origin answers over HTTP", endpoints.origin_page),
    "examples.md": ("an example of each operation of an origin", examples.page),
    "roles.md": ("who may call what of an origin", roles.page),
    "metrics.md": ("what Prometheus can read", metrics.page),
    "problems.md": ("the codes of what a device tells", problems.page),
    "words.md": ("the codes of all that an origin tells", words.page),
    "formats.md": ("the documents on the wire and on disk", formats.page),
    "rooms.md": ("the folders of the code, and what each owns", rooms.page),
    "states.md": ("the states of things, drawn", states.page),
}
HEAD = "<!-- Made by script/reference from the code. Change the code, not this page. -->\n\n"


def pages() -> dict[str, str]:
    """Return the text of each page and example file, by its path from the folder of the reference."""
    index = "\n".join(f"- [{name}]({name}): {what}" for name, (what, _) in PAGES.items())
    made = {"README.md": f"# Reference\n\nMade from the code by `script/reference`.\n\n{index}\n"}
    found = {name: HEAD + text for name, text in (made | {name: make() for name, (_, make) in PAGES.items()}).items()}
    return found | {
        "../scale.md": HEAD + scale_page.page(),
        "../../config/player.toml": settings.player_file(),
        "../../config/origin.toml": settings.origin_file(),
    }


def main(argv: list[str] | None = None) -> int:
    """Write the pages, or with `--check` say which are out of date."""
    parser = argparse.ArgumentParser(prog="script/reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")
    check = parser.parse_args(argv).check
    FOLDER.mkdir(exist_ok=True)
    old = [name for name, text in pages().items() if not _is_current(FOLDER / name, text, check)]
    if check and old:
        print(f"out of date: {', '.join(old)}; run script/reference", file=sys.stderr)
        return 1
    return 0


def _is_current(path: Path, text: str, check: bool) -> bool:
    if path.exists() and path.read_text() == text:
        return True
    if not check:
        path.write_text(text)
    return False


if __name__ == "__main__":
    sys.exit(main())
