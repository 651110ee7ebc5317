"""One door to the files of a device: what goes past it is under no test that lets the disk fail."""

import ast

import pytest

from tests.test_layers import MODULES, room_of

ROOMS = {"sync/device", "sync/device/store", "player/evidence", "player/settings"}
FILES = {"player/endpoint/auth", "player/stage/self_restart"}
PAST_THE_DOOR = {"read_bytes", "read_text", "write_bytes", "write_text", "open"}
ALLOWED = {
    ("sync/device/store/content_store", "open"),  # the ballast, whose content nobody reads
    ("sync/device/store/partial_file", "open"),  # descriptors that the door reads and writes
    ("sync/device/store/media_files", "open"),
    ("sync/device/downloader", "open"),
    ("sync/device/origin_client", "open"),  # a connection, for the meter
    ("sync/device/origin_client", "open"),  # connections, no files
}


@pytest.mark.parametrize("module", [each for each in MODULES if room_of(each) in ROOMS or each in FILES])
def test_the_files_of_a_device_are_read_and_written_through_one_door(module: str) -> None:
    called = {node.func.attr for node in ast.walk(MODULES[module]) if isinstance(node, ast.Call)
              and isinstance(node.func, ast.Attribute)}  # fmt: skip
    past = {name for name in called & PAST_THE_DOOR if (module, name) not in ALLOWED}
    assert not past, f"{module} calls {', '.join(sorted(past))}: use sync/runtime/durable_files.py"
