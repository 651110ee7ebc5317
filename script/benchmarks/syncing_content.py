"""What `syncing` transfers and who serves it: signed trees of random files, nginx with and without TLS, our origin."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running

from sync.wire.chunk_index import chunk_length
from sync.wire.release import Asset
from tests.sync.file_tree_origin import Publisher, release_of

BIN = Path(sys.executable).parent
_NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log; user root;
events {{ worker_connections 512; }}
http {{
    sendfile on; tcp_nopush on; keepalive_requests 100000;
    log_format sent '$body_bytes_sent $uri'; access_log {log} sent;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen {place}{tls}; location /content/ {{ alias {tree}/; {more} }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Content:
    """A signed tree, and the assets of its newest release."""

    publisher: Publisher
    assets: tuple[Asset, ...]

    @property
    def tree(self) -> Path:
        """The folder that is served."""
        return self.publisher.folder

    @property
    def size_bytes(self) -> int:
        """The bytes of all assets."""
        return sum(asset.size_bytes for asset in self.assets)


def random_content(folder: Path, count: int, size_bytes: int) -> Content:
    """Publish `count` files of random bytes, in fixed chunks."""
    publisher = Publisher(folder)
    assets = tuple(publisher.asset(os.urandom(size_bytes), chunk_length(size_bytes)) for _ in range(count))
    publisher.publish_release(release_of(assets))
    return Content(publisher, assets)


def has_nginx() -> str | None:
    """Return the path of nginx, None if it is not installed."""
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")


@asynccontextmanager
async def nginx(
    folder: Path,
    tree: Path,
    *,
    certificate: Path | None = None,
    log: str = "/dev/null",
    more: str = "",
    host: str = "",
    under: tuple[str, ...] = (),
) -> AsyncIterator[str]:
    """Serve `tree` with nginx on loopback; yield the address. `log` names a file for the bytes of each answer.

    With `host`, serve it there, `under` another program; then it may not listen yet.
    """
    folder.mkdir(parents=True)
    port = free_port(0)
    tls = f" ssl; ssl_certificate {certificate}; ssl_certificate_key {certificate}" if certificate else ""
    config = folder / "nginx.conf"
    place = f"{host or '127.0.0.1'}:{port}"
    config.write_text(_NGINX.format(folder=folder, place=place, tree=tree, tls=tls, log=log, more=more))
    command = (*under, has_nginx() or "nginx", "-p", str(folder), "-c", str(config))
    async with running(command, folder / "nginx.log", {}):
        if not host:
            await listening(port)
        yield f"http{'s' if certificate else ''}://{host or 'localhost'}:{port}"


@asynccontextmanager
async def our_origin(folder: Path, tree: Path) -> AsyncIterator[str]:
    """Serve `tree` with `signage-origin serve`; yield the address."""
    port = free_port(0)
    environment = {
        "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(folder),
        "SIGNAGE_ORIGIN__SERVER__PORT": str(port),
    }
    async with running((str(BIN / "signage-origin"), "serve"), folder / "origin.log", environment):
        await listening(port)
        for kind in ("assets", "index", "releases", "channels"):
            shutil.copytree(tree / kind, folder / "content" / kind, dirs_exist_ok=True, copy_function=os.link)
        yield f"http://localhost:{port}"


async def listening(port: int) -> None:
    """Wait until somebody listens on a port of loopback."""
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError(f"nobody listens on port {port} after 30 s")


def self_signed(folder: Path) -> Path:
    """Make a certificate of `localhost` that is its own issuer; return the file with it and its key."""
    target = folder / "localhost.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         *subject, "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    target.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return target


@contextmanager
def disk_of_its_own(folder: Path, size_bytes: int) -> Iterator[tuple[Path, str] | None]:
    """Mount an empty ext4 file system whose flushes and writes nobody else shares; yield its folder and device.

    None: it takes root and loop devices.
    """
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir(exist_ok=True)
    with image.open("wb") as file:
        file.truncate(size_bytes)
    made = not subprocess.run(["mkfs.ext4", "-q", "-F", image], check=False, capture_output=True).returncode
    if not made or subprocess.run(["mount", "-o", "loop", image, mounted], check=False, capture_output=True).returncode:
        image.unlink()
        yield None
        return
    try:
        named = subprocess.run(["losetup", "-j", image, "-O", "NAME", "-n"], check=True, capture_output=True, text=True)
        yield mounted, Path(named.stdout.strip()).name
    finally:
        subprocess.run(["umount", "-l", mounted], check=True)
        image.unlink()


def written(device: str) -> tuple[int, int]:
    """Return how many flushes and bytes were written to a block device (Linux, `iostats.rst`)."""
    lines = (line.split() for line in Path("/proc/diskstats").read_text().splitlines())
    fields = next(fields for fields in lines if fields[2] == device)
    return int(fields[18]), 512 * int(fields[9])
