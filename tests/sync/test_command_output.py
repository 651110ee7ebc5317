import subprocess
import sys

import pytest

from sync.command_output import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wrong key\nERROR sync forged", "wrong key?ERROR sync forged"),
        ("\x1b[2Jred\x9b31m\x07", "?[2Jred?31m?"),
        ("a\r\x00\x7f\x85\u2028b", "a?????b"),
        ("\u202egnp.exe\u2066", "?gnp.exe?"),
        ("Grüße, שלום, 日本 100% 👩\u200d🍳", "Grüße, שלום, 日本 100% 👩\u200d🍳"),
    ],
)
def test_what_strangers_wrote_is_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_message_is_one_line_and_its_traceback_stays() -> None:
    program = (
        "import logging, sync.command_output\n"
        "sync.command_output.log_to_stderr('INFO', '%(levelname)s %(message)s')\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.exception('path=%s', '/v1/x\\nERROR forged')"
    )
    logged = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
    lines = logged.splitlines()
    assert (lines[0], lines[1][:9], lines[-1][:17]) == (
        "ERROR path=/v1/x?ERROR forged",
        "Traceback",
        "ZeroDivisionError",
    )
