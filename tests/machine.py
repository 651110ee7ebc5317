"""A machine of its own: the real systemd as process 1 in namespaces, on a copy of this system that nothing leaves.

Its network is a loopback, its /tmp, /run and /dev are its own, and what is written goes to memory. Our code is at CODE
and a Python that every user can run is at VENV, as `systemd/install` takes it with `VENV=`; both cannot be written.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.runtime.clock import SystemClock
from tests import TOP

CODE = Path("/opt/code")
VENV = Path("/opt/venv")
_PYTHON = Path("/opt/python")
_ALL = ("--pid", "--mount", "--uts", "--ipc", "--cgroup", "--net")
_BOOT = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$FOLDER"
mkdir "$FOLDER/up" "$FOLDER/work" "$FOLDER/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$FOLDER/up,workdir=$FOLDER/work" "$FOLDER/root"
cd "$FOLDER/root"
for name in run tmp var/tmp; do mount -t tmpfs tmpfs "$name"; chmod 1777 "$name"; done
chmod 0755 run
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --rbind /sys sys
mount -o remount,bind,ro sys
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/pts dev/shm
chmod 1777 dev/shm
mount -t devpts -o ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for node in null:c:1:3 zero:c:1:5 full:c:1:7 random:c:1:8 urandom:c:1:9 kmsg:c:1:11 tty:c:5:0 tty0:c:4:0 tty7:c:4:7 \
    console:c:5:1 a-disk:b:7:7; do
    IFS=: read -r name kind major minor <<<"$node"
    mknod -m 0666 "dev/$name" "$kind" "$major" "$minor"
done
mkdir -p ".$PYTHON" ".$CODE" ".$VENV/bin" ".$VENV/lib/$LIBRARY"
for place in "$BASE:.$PYTHON" "$SOURCE:.$CODE" "$PACKAGES:.$VENV/lib/$LIBRARY"; do
    mount --bind "${place%%:*}" "${place#*:}"
    mount -o remount,bind,ro "${place#*:}" # what is removed in here must not be removed out there
done
ln -s "$PYTHON/bin/python3" ".$VENV/bin/python"
echo "home = $PYTHON/bin" >".$VENV/pyvenv.cfg"
for name in player:player sync.origin:origin; do
    program=".$VENV/bin/signage-${name#*:}"
    printf '#!%s/bin/python\\nfrom %s.app.cli import main\\nexit(main())\\n' "$VENV" "${name%:*}" >"$program"
    chmod 0755 "$program"
done
rm -rf etc/systemd/system etc/signage var/lib/signage-*
mkdir -p etc/systemd/system
printf '[Unit]\\nDescription=Machine of a test\\nAllowIsolate=yes\\n' >etc/systemd/system/default.target
echo "$PYTHON/lib" >etc/ld.so.conf.d/00-python.conf
mkdir outside
pivot_root . outside # not chroot: there PrivateUsers= has no namespaces
ldconfig
umount --lazy outside
exec env -i PATH="$PATH" container=lxc /lib/systemd/systemd --system --show-status=no --log-level=err
"""


class Machine:
    """A running machine; `folder` is its root, seen from outside."""

    def __init__(self, init: int) -> None:
        self._init = init
        self.folder = Path(f"/proc/{init}/root")

    def run(self, *command: str, user: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine, as root or as `user`, and return what it printed."""
        enter = ("nsenter", "--target", str(self._init), *_ALL, "--root", "env", "--chdir=/")
        become = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups") if user else ()
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CODE), "VENV": str(VENV)}
        done = subprocess.run([*enter, *become, *command], env=environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def write(self, path: str, text: str) -> None:
        """Write a file of the machine."""
        target = self.folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


@contextmanager
def running_machine() -> Iterator[Machine]:
    """Start a machine; it ends with the block."""
    needed = ("unshare", "nsenter", "setpriv", "useradd", "systemctl")
    if os.geteuid() != 0 or not all(map(shutil.which, needed)) or not Path("/lib/systemd/systemd").exists():
        pytest.skip("NOT TESTED: a systemd of its own takes root and the package systemd")
    with tempfile.TemporaryDirectory(prefix="signage-machine-") as folder:
        library = f"python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        environment = {
            **os.environ, "FOLDER": folder, "PYTHON": str(_PYTHON), "BASE": sys.base_prefix, "LIBRARY": library,
            "CODE": str(CODE), "SOURCE": str(TOP), "VENV": str(VENV), "PACKAGES": f"{sys.prefix}/lib/{library}",
        }  # fmt: skip
        dies_with_us = ("setpriv", "--pdeathsig", "KILL")
        command = [*dies_with_us, "unshare", "--fork", "--kill-child", *_ALL, "bash", "-c", _BOOT]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            yield _booted(process)
        finally:
            process.kill()
            process.communicate()


def _booted(process: "subprocess.Popen[str]") -> Machine:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    clock = SystemClock()
    deadline = clock.monotonic() + 60
    while clock.monotonic() < deadline:
        if process.poll() is not None:
            pytest.skip(f"NOT TESTED: no machine of its own here: {process.stderr and process.stderr.read()[-300:]}")
        pids = children.read_text().split()
        if pids:
            machine = Machine(int(pids[0]))
            if machine.run("systemctl", "is-active", "default.target", check=False).returncode == 0:
                return machine
        time.sleep(0.05)
    raise AssertionError("systemd did not start")
