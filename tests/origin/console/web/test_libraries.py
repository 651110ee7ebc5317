"""What the console uses of others: locked by hash and no host, loaded by an import map."""

import base64
import hashlib
import json
import re
import subprocess

from sync.origin.console.server import WEB
from tests.origin.running_origin import RunningOrigin

TOP = WEB.parents[3]
LOCK = WEB.parent / "package-lock.json"
PAGE = WEB / "index.html"


def _imports() -> dict[str, str]:
    found = re.search(r'<script type="importmap">(.*?)</script>', PAGE.read_text(), re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1])["imports"])


def test_the_lock_has_hashes_and_names_no_host() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all(package["integrity"].startswith("sha512-") for name, package in packages.items() if name)
    wanted = json.loads((WEB.parent / "package.json").read_text())["dependencies"]
    assert packages[""]["dependencies"] == wanted


def test_what_is_installed_is_what_the_lock_says_and_a_second_run_needs_no_network() -> None:
    state = hashlib.sha256(LOCK.read_bytes() + (TOP / "script/libraries").read_bytes()).hexdigest()
    assert (WEB / "libraries/made-from").read_text().strip() == state, "run script/libraries"
    nothing = {"PATH": "/usr/bin:/bin", "https_proxy": "http://127.0.0.1:9", "npm_config_offline": "true"}
    again = subprocess.run([TOP / "script/libraries"], env=nothing, capture_output=True, text=True, timeout=60)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_each_entry_of_the_import_map_is_a_file_that_is_there_and_no_file_is_for_nothing() -> None:
    targets = {(WEB / target).resolve() for target in _imports().values()}
    assert all(target.is_file() for target in targets)
    said = PAGE.read_text() + "".join(file.read_text() for file in WEB.rglob("*.js") if "libraries" not in file.parts)
    for file in (WEB / "libraries").rglob("*"):
        if file.suffix in (".js", ".mjs", ".css") and "@fluent" not in file.parts:
            assert file.name in said, f"nothing loads {file.name}: leave it out of script/libraries"


async def test_the_page_may_run_its_own_files_and_its_import_map_and_nothing_else(server: RunningOrigin) -> None:
    page = await server.ask("GET", "/console/")
    policy = page.headers["Content-Security-Policy"]
    found = re.search(r'<script type="importmap">(.*?)</script>', page.text, re.DOTALL)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}'" in policy and "unsafe" not in policy
    moved = await server.ask("GET", "/console", allow_redirects=False)
    assert (moved.status, moved.headers["Location"]) == (308, "console/")
    for path in (*_imports().values(), "words/de/ui.ftl", "styles/base.css"):
        part = await server.ask("GET", f"/console/{path.removeprefix('./')}")
        assert part.status == 200, path
        assert part.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/console/../server.py", "/console/package.json", "/console/libraries/made-from", "/console/words"):
        assert (await server.ask("GET", path)).status == 404, path
