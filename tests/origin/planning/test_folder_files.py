"""What is found in a folder: media by their bytes, all else by its name with what to do, and nothing that hangs."""

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.errors import Rejected
from sync.origin.planning.folder_files import PLAN_FILE, read_folder
from sync.origin.planning.folder_plan import read_folder_plan
from sync.origin.planning.plan_fields import MAX_ITEMS

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
MXF = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\0" + bytes(40)
NOBODY = 65_534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything; the files that a person cannot read are those that this user cannot."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(own)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("any.name", PNG),
        ("no ending", b"\xff\xd8\xff\xe0" + bytes(40)),
        ("a.mxf", MXF),
        ("run-in.dat", b"camera" * 50 + MXF),
        ("film.bin", b"\0\0\0\x18ftypmp42"),
        ("old.bin", b"\0\0\0\x08wide\0\0\0\0mdat"),
        ("a.vro", b"\0\0\x01\xba\x44\0"),
        ("ts.rec", (b"\x47\x1f\xff" + bytes(185)) * 21),
        ("camera.rec", (bytes(4) + b"\x47\x1f\xff" + bytes(185)) * 21),
        ("cut.rec", bytes(77) + (b"\x47\x1f\xff" + bytes(185)) * 20),
        ("a.mk3d", b"\x1a\x45\xdf\xa3" + bytes(20)),
        ("win", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(20)),
        ("sound.bwf", b"RIFF\0\0\0\0WAVEfmt "),
        ("long.w64", b"RF64\0\0\0\0WAVEds64"),
        ("tune", b"\xff\xfb\x90\x44" + bytes(40)),
        ("tune2", b"ID3\x04" + bytes(40)),
        ("tune.aiff", b"FORM\0\0\0\0AIFF"),
        ("dolby", b"\x0b\x77\x24\xf1\x10" + bytes(40)),
        ("lossless", b"\xf0\x6e\x23\x12\xf8\x72\x6f\xba" + bytes(40)),
        ("film.nut", b"nut/multimedia container\0" + bytes(40)),
        ("bare", b"\0\0\x01\xb0\x01\0\0\x01\xb5" + bytes(40)),
        ("drawn", b"BM" + bytes(12) + b"\x28\0\0\0" + bytes(20)),
        ("by ending.mp4", b"this is no video"),  # the pipeline says so, and nothing is published
        ("UPPER.JPG", b"x"),
    ],
)
def test_what_its_bytes_or_its_ending_call_media_plays(folder: Path, name: str, head: bytes) -> None:
    (folder / name).write_bytes(head)
    found = read_folder(folder)
    assert (found.playing, found.left_out, found.must_play) == ((name,), {}, {})


@pytest.mark.parametrize(
    ("name", "head", "words"),
    [
        ("a.pdf", b"%PDF-1.7", "PDF document: save its pages as pictures"),
        ("deck.pptx", b"PK\x03\x04", "presentation"),
        ("deck.odp", b"PK\x03\x04", "presentation"),
        ("old.ppt", b"\xd0\xcf\x11\xe0", "presentation"),
        ("letter.docx", b"PK\x03\x04", "text document"),
        ("prices.xlsx", b"PK\x03\x04", "table"),
        ("media.zip", b"PK\x03\x04", "unpack it"),
        ("no ending", b"Rar!\x1a\x07", "unpack it"),
        ("a.tar.gz", b"\x1f\x8b\x08", "unpack it"),
        ("slides.png.gz", b"\x1f\x8b\x08", "unpack it"),
        ("font.ttf", b"\0\x01\0\0\0\x0f", "font"),
        ("font.woff2", b"wOF2", "font"),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0", "Windows"),
        ("desktop.ini", b"[x]", "Windows"),
        (".DS_Store", b"\0\0\0\x01Bud1", "macOS"),
        ("._menu.jpg", b"\0\x05\x16\x07", "macOS"),
        (".hidden.png", PNG, "hidden"),
        ("film.mp4.part", b"\0\0\0\x18ftypmp42", "not finished"),
        ("a.crdownload", PNG, "not finished"),
        ("~$deck.pptx", b"x", "open"),
        ("notes.txt", b"buy milk", "text"),
        ("notes.md", "Grüße".encode(), "text"),
        ("page.html", b"<!DOCTYPE html>", "web page"),
        ("film.srt", b"1\n00:00", "subtitles"),
        ("logo.svg", b"<svg/>", "PNG"),
        ("list.m3u", b"#EXTM3U", "copy the files themselves"),
        ("photo.nef", b"II*\0", "JPEG"),
        ("setup.exe", b"MZ\x90", "program"),
        ("tool", b"\x7fELF", "program"),
        ("Playlist.toml", b"name = 'x'", "rename it"),
        ("empty.bin", b"", "empty"),
        ("favicon.ico", b"\0\0\1\0" * 9, "no picture, film or sound"),
        ("picture.iff", b"FORM\0\0\0\0ILBM", "save it as WAV, MP3 or PNG"),
        ("noise.bin", b"\x01\x02\0\x03" * 100, "no picture, film or sound"),
    ],
)
def test_what_cannot_play_is_named_with_what_to_do(folder: Path, name: str, head: bytes, words: str) -> None:
    (folder / name).write_bytes(head)
    found = read_folder(folder)
    assert found.playing == () and list(found.left_out) == [name]
    assert words in found.left_out[name]


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


def _unreadable(path: Path) -> None:
    path.write_bytes(PNG)
    path.chmod(0)


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (os.mkfifo, "pipe"),
    "socket": (_socket, "socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "link out of this folder"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "link out of this folder"),
    "loop": (lambda path: path.symlink_to(path.name), "circle"),
    "outside": (lambda path: path.symlink_to("/etc/hostname"), "link out of this folder"),
    "up": (lambda path: path.symlink_to(".."), "link out of this folder"),
    "dangling": (lambda path: path.symlink_to("nothing"), "not there"),
    "empty": (Path.touch, "empty"),
    "unreadable": (_unreadable, "not allowed"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_readable_file_of_this_folder_is_refused_by_name(folder: Path, kind: str) -> None:
    make, words = ODD[kind]
    (folder / "good.png").write_bytes(PNG)
    (folder.parent).chmod(0o755)
    make(folder / "odd")
    with without_privileges():
        found = read_folder(folder)
    assert found.playing == ("good.png",) and words in found.left_out["odd"]
    (folder / PLAN_FILE).write_text("[[items]]\nfile = 'odd'\n")
    with without_privileges(), pytest.raises(Rejected, match="odd") as caught:
        read_folder_plan(folder)
    assert words in caught.value.fields["items.0.file"]
    (folder / PLAN_FILE).unlink()
    if kind == "up":
        return  # a folder is none of the files that are meant to play
    (folder / "odd").unlink()
    make(folder / "odd.mp4")
    with without_privileges(), pytest.raises(Rejected, match=r"odd\.mp4"):
        read_folder_plan(folder)


@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "empty"])
def test_a_plan_that_is_no_readable_file_is_refused(folder: Path, kind: str) -> None:
    make, words = ODD[kind]
    (folder / "good.png").write_bytes(PNG)
    (folder.parent).chmod(0o755)
    make(folder / PLAN_FILE)
    with without_privileges(), pytest.raises(Rejected, match=words):
        read_folder_plan(folder)


def test_links_and_names_inside_the_folder_are_as_good_as_files(folder: Path) -> None:
    (folder / "good.png").write_bytes(PNG)
    (folder / "again.png").symlink_to("good.png")
    (folder.parent / "link").symlink_to(folder)
    found = read_folder(folder.parent / "link")
    assert found.playing == ("again.png", "good.png")
    assert all(stat.S_ISREG(path.lstat().st_mode) for path in found.paths.values())


def test_every_name_gets_text_of_its_own_and_a_plan_finds_it_in_either_form(folder: Path) -> None:
    for name in (b"e\xcc\x81.png", b"\xc3\xa9.png", b"\xff.png", b"\xfe.png", b"two\nlines.png", b"-rf.png"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(PNG + name)
    found = read_folder(folder)
    assert len(set(found.playing)) == len(found.playing) == 6
    assert {name: found.paths[name].read_bytes()[len(PNG) :] for name in ("\xe9.png", "e\u0301.png")} == {
        "\xe9.png": b"\xc3\xa9.png",
        "e\u0301.png": b"e\xcc\x81.png",
    }
    (folder / "\xe9.png").unlink()
    for spelling in ("\xe9.png", "e\u0301.png"):
        (folder / PLAN_FILE).write_text(f"[[items]]\nfile = '{spelling}'\n")
        files = read_folder(folder)
        (item,) = read_folder_plan(folder, files).items or ()
        assert item.file is not None and files.paths[files.find(item.file) or ""].read_bytes().endswith(
            b"e\xcc\x81.png"
        )


def test_a_folder_plays_in_natural_order(folder: Path) -> None:
    names = ["slide.png", "slide1.png", "Slide2.png", "slide10.png", "スライド１.png"]
    for name in reversed(names):
        (folder / name).write_bytes(PNG)
    assert [item.file for item in read_folder_plan(folder).items or ()] == names


def test_a_folder_with_more_files_than_a_playlist_holds_is_refused(folder: Path) -> None:
    (folder / "0.png").write_bytes(PNG)
    for number in range(1, MAX_ITEMS + 1):
        os.link(folder / "0.png", folder / f"{number}.png")
    with pytest.raises(Rejected, match="at most 10000: use several folders"):
        read_folder_plan(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = " + "[" * 100_000, "too many levels"),
        ("x = " + "[" * 300 + "]" * 300, "x"),
        ("x = " + "{a=" * 50_000, "too many levels"),
        ("a" + ".a" * 100_000 + " = 1", "too many dots"),
        ("a" + ' . "b"' * 1_000 + " = 1", "too many dots"),
        ("[" + "a." * 50_000 + "a]", "too many dots"),
        ("items" + ".a" * 60 + " = 1", "items"),
        ("items = [" + "{file='a.png'}," * (MAX_ITEMS + 1) + "]", "too many entries"),
        ("[[ads]]\nname='a'\nadvertiser='b'\ncreatives=[" + "{file='a.png'}," * 101 + "]", "creatives"),
        ("[[items]]\nfile='a.png'\nstarts_at=2026-02-01T00:00:00Z\nends_at=2026-01-01T00:00:00Z", "ends_at"),
        ("[[dayparts]]\nname='x'\nstart='08:00'\nfirst_day=2026-02-01\nlast_day=2026-01-01", "last_day"),
        ("[[items]]\nfile='.hidden.png'", "hidden"),
        ('[[items]]\nfile="nul\\u0000.png"', "not in the folder"),
        ("x = '" + "a" * 9_000_000 + "'", "too large"),
    ],
)
def test_a_plan_that_asks_too_much_is_refused_at_once(folder: Path, text: str, words: str) -> None:
    for name in ("a.png", ".hidden.png"):
        (folder / name).write_bytes(PNG)
    (folder / PLAN_FILE).write_text(text)
    with pytest.raises(Rejected, match=words) as caught:
        read_folder_plan(folder)
    assert len(str(caught.value)) < 5_000


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_a_plan_may_have_a_byte_order_mark_and_other_encodings_are_named(folder: Path, codec: str) -> None:
    (folder / "a.png").write_bytes(PNG)
    (folder / PLAN_FILE).write_bytes("name = 'Café'\n".encode(codec))
    if codec == "utf-8-sig":
        assert read_folder_plan(folder).name == "Café"
        return
    with pytest.raises(Rejected, match="Save it as UTF-8" if codec == "latin-1" else r"UTF-16.*Save it as UTF-8"):
        read_folder_plan(folder)


@pytest.mark.parametrize("where", ["none", "file", "/dev/null", "fifo", "n" * 300, "closed"])
def test_what_is_no_folder_is_refused(tmp_path: Path, where: str) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "file").write_bytes(PNG)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "closed").mkdir(0o000)
    with without_privileges(), pytest.raises(Rejected, match=r"is not a folder|cannot be read"):
        read_folder_plan(tmp_path / where)
