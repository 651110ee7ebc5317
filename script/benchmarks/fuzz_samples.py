"""What the fuzzing of the origin begins with: a whole file of each format, and files that refer to other files."""

import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pillow_heif
from PIL import Image

_FILM = ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=0.8", "-f", "lavfi", "-i", "sine=440:d=0.8")
_SOUND = ("-f", "lavfi", "-i", "sine=440:d=1")
_X264 = (*_FILM, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
_BY_FFMPEG: dict[str, tuple[str, ...]] = {
    "H.264 mp4": (*_X264, "-f", "mp4"),
    "H.264 fragments": (*_X264, "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"),
    "H.264 bare": (*_FILM[:4], "-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "h264"),
    "H.264 flv": (*_X264, "-ar", "44100", "-f", "flv"),
    "HEVC mkv": (*_FILM, "-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "flac", "-f", "matroska"),
    "VP9 webm": (*_FILM, "-c:v", "libvpx-vp9", "-c:a", "libopus", "-f", "webm"),
    "VP8 ivf": (*_FILM[:4], "-c:v", "libvpx", "-f", "ivf"),
    "MPEG-2 ts": (*_FILM, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "mpegts"),
    "MPEG-2 ps": (*_FILM, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "mpeg"),
    "MPEG-4 avi": (*_FILM, "-c:v", "mpeg4", "-c:a", "mp3", "-f", "avi"),
    "ProRes mov": (*_FILM, "-c:v", "prores_ks", "-c:a", "pcm_s16le", "-f", "mov"),
    "WMV asf": (*_FILM, "-c:v", "wmv2", "-c:a", "wmav2", "-f", "asf"),
    "MXF": (*_FILM, "-ar", "48000", "-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-f", "mxf"),
    "DV": (*_FILM[:4], "-t", "0.2", "-vf", "scale=720:576,setsar=1", "-pix_fmt", "yuv420p", "-f", "dv"),
    "NUT": (*_FILM, "-c:v", "mpeg4", "-c:a", "mp2", "-f", "nut"),
    "RealMedia": (*_FILM, "-vf", "scale=176:144", "-c:v", "rv20", "-c:a", "ac3", "-f", "rm"),
    "YUV4MPEG": (*_FILM[:4], "-t", "0.2", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe"),
    "AC-3": (*_SOUND, "-c:a", "ac3", "-f", "ac3"),
    "AIFF": (*_SOUND, "-f", "aiff"),
    "WavPack": (*_SOUND, "-c:a", "wavpack", "-f", "wv"),
    "MP3": (*_SOUND, "-c:a", "mp3", "-metadata", "title=A song", "-f", "mp3"),
    "WAV": (*_SOUND, "-f", "wav"),
    "FLAC": (*_SOUND, "-f", "flac"),
    "Vorbis ogg": (*_SOUND, "-c:a", "libvorbis", "-f", "ogg"),
    "AAC m4a": (*_SOUND, "-c:a", "aac", "-f", "mp4"),
}
_BY_PILLOW: dict[str, tuple[str, str, bool]] = {  # format, mode, moving
    "JPEG": ("JPEG", "RGB", False),
    "JPEG CMYK": ("JPEG", "CMYK", False),
    "PNG": ("PNG", "RGBA", False),
    "PNG moving": ("PNG", "RGBA", True),
    "GIF moving": ("GIF", "P", True),
    "WebP": ("WEBP", "RGB", False),
    "WebP moving": ("WEBP", "RGBA", True),
    "AVIF": ("AVIF", "RGB", False),
    "AVIF moving": ("AVIF", "RGB", True),
    "TIFF": ("TIFF", "RGB", False),
    "BMP": ("BMP", "RGB", False),
}


def make_film(path: Path) -> None:
    """Make a film that every player shows."""
    subprocess.run(("ffmpeg", "-v", "error", "-y", *_X264, "-f", "mp4", str(path)), check=True)


def make_samples(folder: Path) -> dict[str, bytes]:
    """Return a whole file of each format."""
    made = {}
    path = folder / "sample"
    for name, how in _BY_FFMPEG.items():
        subprocess.run(("ffmpeg", "-v", "error", "-y", *how, str(path)), check=True)
        made[name] = path.read_bytes()
    frames = [Image.linear_gradient("L").resize((160, 90)).rotate(90 * n).convert("RGB") for n in range(4)]
    for name, (kind, mode, moving) in _BY_PILLOW.items():
        own = [frame.convert(mode) for frame in frames]
        more = {"save_all": True, "append_images": own[1:], "duration": 100} if moving else {}
        own[0].save(path, kind, **more)
        made[name] = path.read_bytes()
    pillow_heif.from_pillow(frames[0]).save(path)
    return made | {"HEIC": path.read_bytes()}


# ── files that refer to other files and to hosts ───────────────────────────────────────────────────────────────────


def make_references(folder: Path, canary: Path, url: str) -> dict[str, bytes]:
    """Return files that ask whoever opens them to open the canary, a film, or the address."""
    lists: dict[str, str] = {
        "ffconcat": f"ffconcat version 1.0\nfile '{canary}'\n",
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{canary}\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n",
        "m3u8 subfile": f"#EXTM3U\n#EXTINF:2,\nsubfile,,start,0,end,0,,:{canary}\n#EXTINF:2,\nconcat:{canary}|{url}\n",
        "asx": f'<asx version="3.0"><entry><ref href="{canary}"/><ref href="{url}"/></entry></asx>',
        "smil": f'<smil><body><video src="{canary}"/></body></smil>',
        "mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        f'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
        f'bandwidth="1"><BaseURL>{canary}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{canary}"/><image href="{url}"/></svg>',
        "xml entity": f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file://{canary}">]><svg>&b;</svg>',
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        "pls": f"[playlist]\nFile1={canary}\nFile2={url}\n",
        "cue": f'FILE "{canary}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
        "vobsub": "# VobSub index file, v7\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos: 000000000\n",
        "postscript": f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({canary}) (r) file ({canary}) run\n",
        "pdf": f"%PDF-1.4\n1 0 obj<</Type/Filespec/F({canary})/UF({url})>>endobj\ntrailer<</Root 1 0 R>>\n",
        "mvg": f"push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 'msl:{canary}'\npop graphic-context\n",
        "imf": '<?xml version="1.0"?><AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><AssetList><Asset>'
        f"<ChunkList><Chunk><Path>{canary}</Path></Chunk></ChunkList></Asset></AssetList></AssetMap>",
    }
    texts = {name: text.encode() for name, text in lists.items()}
    behind_tag = {f"{name} behind ID3": _id3() + texts[name] for name in ("m3u8", "ffconcat", "mpd")}
    behind_nul = {f"{name} with NUL": texts[name] + bytes(64) for name in ("m3u8", "ffconcat", "asx", "svg")}
    in_picture = {f"{name} behind JPEG": b"\xff\xd8\xff\n" + texts[name] for name in ("postscript", "mvg")}
    return {**texts, **behind_tag, **behind_nul, **in_picture, **_in_containers(folder, canary, url, texts["m3u8"])}


def _id3() -> bytes:
    return b"ID3\x03\0\0\0\0\0\x0a" + bytes(10)


def _in_containers(folder: Path, canary: Path, url: str, playlist: bytes) -> dict[str, bytes]:
    made = {}
    film = folder / "film"
    subprocess.run(("ffmpeg", "-v", "error", "-y", *_X264, "-f", "mov", str(film)), check=True)
    own = b"\0\0\0\x0curl \0\0\0\x01"  # the samples are in this file
    for name, kind, target in (
        ("mov file", b"url ", f"file://{canary}"),
        ("mov http", b"url ", url),
        ("mov path", b"alis", str(canary)),
    ):
        made[name] = _with_reference(film.read_bytes(), own, kind, target.encode() + b"\0")
    rdrf = struct.pack(">I4sI4sI", 21 + len(str(canary)), b"rdrf", 0, b"url ", len(str(canary)) + 1)
    inner = rdrf + str(canary).encode() + b"\0"
    for box in (b"rmda", b"rmra", b"moov"):
        inner = struct.pack(">I4s", 8 + len(inner), box) + inner
    made["mov reference movie"] = b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + inner
    (folder / "list").write_bytes(playlist)
    attached = ("-attach", str(folder / "list"), "-metadata:s:t", "mimetype=application/x-mpegurl")
    named = ("-metadata:s:t", f"filename={canary}")
    subprocess.run(
        ("ffmpeg", "-v", "error", "-y", "-i", str(film), "-c", "copy", *attached, *named, "-f", "matroska",
         str(folder / "mkv")), check=True,
    )  # fmt: skip
    made["mkv attachment"] = (folder / "mkv").read_bytes()
    tags = json.dumps({"file": str(canary), "url": url})
    subprocess.run(
        ("ffmpeg", "-v", "error", "-y", "-i", str(film), "-c", "copy", "-metadata", f"comment={tags}", "-metadata",
         f"title={canary}", "-f", "mp4", str(folder / "tags")), check=True,
    )  # fmt: skip
    return made | {"mp4 tags": (folder / "tags").read_bytes()}


def _with_reference(whole: bytes, own: bytes, kind: bytes, target: bytes) -> bytes:
    """Return a film whose samples are said to be elsewhere; its boxes grow, and the offsets of samples stay wrong."""
    entry = struct.pack(">I4sI", 12 + len(target), kind, 0) + target
    raw, at = bytearray(whole), whole.find(own)
    while at >= 0:
        raw[at : at + len(own)] = entry
        for name in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
            box = raw.rfind(name, 0, at)
            size = struct.unpack(">I", raw[box - 4 : box])[0]
            raw[box - 4 : box] = struct.pack(">I", size + len(entry) - len(own))
        at = raw.find(own, at + len(entry))
    return bytes(raw)


PLANS: tuple[Callable[[str, str], str], ...] = (
    lambda canary, url: f'[[items]]\nfile = "{canary}"\n',
    lambda canary, url: '[[items]]\nfile = "../canary/film"\n[[items]]\nfile = "link"\n[[items]]\nfile = "good.png"\n',
    lambda canary, url: f'[[items]]\nurl = "file://{canary}"\n[[items]]\nurl = "{url}"\n',
    lambda canary, url: f'fallback = "{canary}"\nname = "x"\n[[items]]\nfile = "good.png"\nduration_ms = 5000\n',
    lambda canary, url: f'[[overlays]]\nkind = "logo"\nfile = "{canary}"\ncorner = "top_left"\n',
    lambda canary, url: f'[[ads]]\nname = "a"\nadvertiser = "b"\n[[ads.creatives]]\nfile = "{canary}"\n',
)
"""Plans of a folder that name what is not in it."""
