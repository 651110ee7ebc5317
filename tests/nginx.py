"""Starts a real nginx before an origin, as a person would configure it."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import TOP

_MAIN = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{servers}
}}
"""


def documented_server() -> str:
    """Return the configuration of docs/operations.md, which people copy."""
    text = (TOP / "docs/operations.md").read_text()
    return text.partition("```nginx\n")[2].partition("```")[0]


def shipped_server(data_dir: Path, port: int, origin: str) -> str:
    """Return config/nginx.conf for an origin of a test, without TLS."""
    text = (TOP / "config/nginx.conf").read_text()
    for shipped, here in (
        ("127.0.0.1:8090", origin.removeprefix("http://")),
        ("listen 443 ssl", f"listen 127.0.0.1:{port}"),
        ("/var/lib/signage-origin", str(data_dir)),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    return re.sub(r" *ssl_certificate.*\n", "", text)


def plain_server(path: str, port: int, origin: str, more: str = "") -> str:
    """Return nginx as it comes: nothing but the address to pass requests on to."""
    return f"server {{ listen 127.0.0.1:{port}; location {path} {{ proxy_pass {origin}/; {more} }} }}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def nginx(folder: Path, servers: str, port: int) -> Iterator[None]:
    """Run nginx until the end of the block; it listens on `port` when the block begins."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        pytest.skip("NOT TESTED: nginx is not installed (apt-get install nginx-light)")
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, servers=servers))
    process = subprocess.Popen((program, "-p", str(folder), "-c", str(folder / "nginx.conf")), stderr=subprocess.PIPE)
    try:
        while True:
            assert process.poll() is None, process.communicate()[1]
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)
