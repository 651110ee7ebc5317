"""Tells by name and first bytes whether a file may be a picture, a film or a sound, and else what it is.

This only sorts the files of a folder. What a file really is, and whether it can be shown, the pipeline finds out.
"""

import codecs
from pathlib import PurePath

_MEDIA_ENDINGS = frozenset(
    f".{ending}"
    for line in (
        "apng avif avifs bmp gif heic heics heif hif jfif jpe jpeg jpg png tif tiff webp",
        "3g2 3gp asf avi dv flv m1v m2t m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mts mxf ogv qt ts vob webm wmv",
        "aac flac m4a mka mp2 mp3 oga ogg opus wav weba wma",
    )
    for ending in line.split()
)

_MAGIC = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # pictures
    *(b"\x1a\x45\xdf\xa3", b"FLV\x01", b"OggS", b"DKIF", b"fLaC", b"ID3"),  # Matroska, Flash, Ogg, IVF, FLAC, MP3
    *(b"nut/multimedia container\0", b".RMF", b"YUV4MPEG2", b"\0\0\0\0\x01\xbc", b"NSVf", b"NSVs", b"\xb7\xd8\0\x20"),
    *(b"\x0b\x77", b"\x77\x0b", b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"DTSHDHDR"),  # Dolby Digital, DTS
    *(b"caff", b"#!AMR", b"MAC ", b"wvpk", b"TTA1", b"tBaK", b".snd", b"MPCK", b"MP+", b"DSD ", b"Creative Voice File"),
    *(b"riff\x2e\x91\xcf\x11", b"DHAV", b"\x12\0\x0a"),  # Wave64, recorders, AV1
    *(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\x1f\x07\0"),  # Windows Media, DV
    *(b"\0\0\x01\xba", b"\0\0\x01\xb3", b"\0\0\x01\xb0", b"\0\0\x01\x0f"),  # MPEG and VC-1
    *(b"\0\0\x01\x67", b"\0\0\0\x01\x67", b"\0\0\0\x01\x09", b"\0\0\0\x01\x40\x01"),  # H.264, HEVC
)
_RIFF_KINDS = (b"WEBP", b"AVI ", b"WAVE")
_FORM_KINDS = (b"AIFF", b"AIFC")
_DOLBY_LOSSLESS = (b"\xf8\x72\x6f\xba", b"\xf8\x72\x6f\xbb")  # TrueHD and MLP, behind the head of the first unit
_QUICKTIME_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"pnot")
_MXF_HEADER = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02"  # may stand behind a run-in (SMPTE 377)
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})  # bytes
_MPEG_AUDIO = frozenset({0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2, 0xFD, 0xFC, 0xF5, 0xF4, 0xF1, 0xF9})  # MP3, MP2, AAC
_TS_PACKETS = (188, 192, 204)  # bytes: broadcast, cameras (with a time before each packet), with error correction

_PAGES = "save its pages as pictures, or record it as a film"
_PACKED = "an archive: unpack it here"
_PARTIAL = "a download or copy that is not finished: wait until it is, or delete it"
_BY_ENDING = {
    **dict.fromkeys((".part", ".crdownload", ".download", ".partial", ".filepart", ".opdownload", ".!qb"), _PARTIAL),
    **dict.fromkeys((".tmp", ".temp", ".aria2", ".!ut", ".bc!"), _PARTIAL),
}
_BY_NAME = {
    ".ds_store": "macOS keeps how the folder looks in it: nothing is to be done",
    "thumbs.db": "Windows keeps small pictures of the folder in it: nothing is to be done",
    "ehthumbs.db": "Windows keeps small pictures of the folder in it: nothing is to be done",
    "desktop.ini": "Windows keeps how the folder looks in it: nothing is to be done",
}
_RAW_PHOTOS = (".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2")  # many are TIFF with a small picture
_DOCUMENTS = {
    **dict.fromkeys((".pptx", ".ppt", ".ppsx", ".pps", ".odp", ".key"), f"a presentation: {_PAGES}"),
    **dict.fromkeys((".docx", ".doc", ".odt", ".rtf", ".pages"), f"a text document: {_PAGES}"),
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers", ".csv"), f"a table: {_PAGES}"),
    **dict.fromkeys((".srt", ".vtt", ".ass", ".sub"), "a file of subtitles: make them part of the picture"),
    **dict.fromkeys((".m3u", ".m3u8", ".pls", ".xspf", ".cue"), "a list of files: copy the files themselves here"),
    **dict.fromkeys((".url", ".webloc", ".lnk", ".desktop"), "a shortcut: copy the file itself here"),
    **dict.fromkeys(_RAW_PHOTOS, "a raw photo: save it as JPEG"),
    **dict.fromkeys((".psd", ".ai", ".eps", ".xcf", ".indd", ".svg", ".svgz"), "a drawing: save it as PNG"),
    **dict.fromkeys((".prproj", ".aep", ".drp", ".veg", ".fcpxml"), "a project of a film editor: export the film"),
    **dict.fromkeys((".html", ".htm", ".mht", ".xhtml"), "a web page: save it as a picture"),
    **dict.fromkeys((".swf", ".fla"), "an animation for Flash: export it as a film"),
    **dict.fromkeys((".exe", ".msi", ".dmg", ".apk", ".sh", ".bat"), "a program: delete it"),
    **dict.fromkeys((".toml",), "only playlist.toml is read as a plan: rename it if it is the plan"),
}
_BY_MAGIC = (
    (b"%PDF", f"a PDF document: {_PAGES}"),
    (b"PK\x03\x04", _PACKED),
    (b"PK\x05\x06", _PACKED),
    (b"Rar!", _PACKED),
    (b"7z\xbc\xaf", _PACKED),
    (b"\x1f\x8b", _PACKED),
    (b"BZh", _PACKED),
    (b"\xfd7zXZ", _PACKED),
    (b"\x28\xb5\x2f\xfd", _PACKED),
    (b"\xd0\xcf\x11\xe0", f"an office document: {_PAGES}"),
    (b"\0\x01\0\0", "a font: install it where its text is made"),
    (b"OTTO", "a font: install it where its text is made"),
    (b"ttcf", "a font: install it where its text is made"),
    (b"wOFF", "a font: install it where its text is made"),
    (b"wOF2", "a font: install it where its text is made"),
    (b"8BPS", "a drawing: save it as PNG"),
    (b"\x7fELF", "a program: delete it"),
    (b"MZ", "a program: delete it"),
    (b"FORM", "a sound or picture of an old kind: save it as WAV, MP3 or PNG"),
    (b"\0\0\0\x0cjP  ", "a picture of a rare kind (JPEG 2000): save it as JPEG or PNG"),
    (b"\0\0\0\x0cJXL ", "a picture of a rare kind (JPEG XL): save it as JPEG or PNG"),
    (b"\xff\x0a", "a picture of a rare kind (JPEG XL): save it as JPEG or PNG"),
    (b"MThd", "notes for an instrument (MIDI): save it as MP3"),
    (b"SQLite format 3", "a database: nothing in it can be shown"),
)
_BY_TEXT = ((b"#extm3u", _DOCUMENTS[".m3u"]), (b"<svg", _DOCUMENTS[".svg"]), (b"<!doctype html", _DOCUMENTS[".html"]))


def has_media_ending(name: str) -> bool:
    """Tell whether a name ends as pictures, films and sounds do."""
    if made_by_a_system(name) is not None:
        return False
    return PurePath(name).suffix.lower() in _MEDIA_ENDINGS


def made_by_a_system(name: str) -> str | None:
    """Return what a file is that people do not mean to show, by its name: hidden, half copied, or a system's own."""
    lower = name.lower()
    if lower in _BY_NAME:
        return _BY_NAME[lower]
    if lower.startswith("~$"):
        return "an office program has a document open: close it there"
    if lower.startswith("._"):
        return "macOS keeps notes about another file in it: nothing is to be done"
    if lower.startswith("."):
        return "its name begins with a dot, and hidden files never play: rename it if it is to play"
    why = _BY_ENDING.get(PurePath(lower).suffix)
    return why and f"it is {why}"


def is_media(name: str, head: bytes) -> bool:
    """Tell from its first bytes whether a file may be a picture, a film or a sound that the pipeline takes."""
    if PurePath(name).suffix.lower() in _RAW_PHOTOS:
        return False
    if head.startswith(_MAGIC) or head[4:8] in _QUICKTIME_BOXES or _MXF_HEADER in head:
        return True
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] in _RIFF_KINDS:
        return True
    if (head[:4] == b"FORM" and head[8:12] in _FORM_KINDS) or head[4:8] in _DOLBY_LOSSLESS:
        return True
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return True
    return (head[:1] == b"\xff" and head[1:2] != b"" and head[1] in _MPEG_AUDIO) or _is_transport_stream(head)


def unusable_kind(name: str, head: bytes) -> str:
    """Return what a file is that is not media, and what to do with it."""
    ending = PurePath(name).suffix.lower()
    magic = next((words for start, words in _BY_MAGIC if head.startswith(start)), None)
    if ending in _DOCUMENTS and (magic is None or not magic.startswith("a PDF")):
        return f"it is {_DOCUMENTS[ending]}" if ending != ".toml" else _DOCUMENTS[ending]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    text = next((words for begin, words in _BY_TEXT if start.startswith(begin)), None)
    if magic or text:
        return f"it is {magic or text}"
    if b"\0" not in head and _is_text(head):
        return "it is text: make it part of a picture, or show it as a ticker (overlays in playlist.toml)"
    return "it is no picture, film or sound that is known here: save it as JPEG, PNG or MP4, or delete it"


def _is_text(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True


def _is_transport_stream(head: bytes) -> bool:
    """Tell whether the sync byte 0x47 comes in every packet, perhaps after a few bytes of another packet."""
    for size in _TS_PACKETS:
        for first in range(min(size, len(head))):
            places = range(first, len(head), size)
            if head[first] == 0x47 and len(places) > 4 and all(head[at] == 0x47 for at in places):
                return True
    return False
