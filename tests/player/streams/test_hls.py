"""HLS playlists as ffmpeg gets them: which variant, which addresses, and what is refused."""

import pytest

from player.streams.hls import Carried, StreamPart, lead_through, target
from sync.errors import MediaUnplayable

SCREEN = Carried(1920, 1080)
BASE = StreamPart("s", "http://cdn.example/live/master.m3u8?key=1")
MASTER = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="fr",LANGUAGE="fr",URI="fr.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en, of course",DEFAULT=YES,URI="/en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t",NAME="en",URI="file:///etc/passwd"
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.5"
sound.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="a"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=1280x720,CODECS="avc1.4d401f,mp4a.40.2",AUDIO="a"
mid.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,AUDIO="a"
high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=16000000,RESOLUTION=3840x2160,AUDIO="a"
huge.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,URI="file:///etc/passwd"
"""


def led(text: str, carried: Carried = SCREEN, base: StreamPart = BASE) -> list[str]:
    def address(piece: StreamPart) -> str:
        return f"<{piece.url} {piece.bits} {piece.length_ms}>"

    return lead_through(text, base, carried, address).splitlines()


@pytest.mark.parametrize(
    ("carried", "taken"),
    [
        (Carried(1920, 1080), "high"),
        (Carried(3840, 2160), "huge"),
        (Carried(1366, 768), "mid"),
        (Carried(1080, 1920), "low"),  # a portrait screen
        (Carried(320, 240), "low"),  # all are too large
        (Carried(1920, 1080, 4_000_000), "mid"),
        (Carried(1920, 1080, 2_500_000), "mid"),
        (Carried(1920, 1080, 2_499_999), "low"),
        (Carried(1920, 1080, 1.0), "low"),  # a variant without a picture is none
    ],
)
def test_the_largest_variant_that_screen_and_line_carry(carried: Carried, taken: str) -> None:
    lines = led(MASTER, carried)
    named = [line for line in lines if not line.startswith("#")]
    assert len(named) == 1 and named[0].startswith(f"<http://cdn.example/live/{taken}.m3u8 "), lines
    sounds = [line for line in lines if line.startswith("#EXT-X-MEDIA")]
    assert len(sounds) == 1 and 'URI="<http://cdn.example/en.m3u8' in sounds[0], "its default sound alone"
    assert not any("passwd" in line for line in lines)


@pytest.mark.parametrize(("ranges", "taken"), [(("PQ", "SDR"), "1"), (("HLG", None), "1"), (("PQ", "HLG"), "0")])
def test_of_variants_in_hdr_and_others_the_others_are_taken(ranges: tuple[str | None, ...], taken: str) -> None:
    lines = ["#EXTM3U"]
    for number, kind in enumerate(ranges):
        named = f",VIDEO-RANGE={kind}" if kind else ""
        lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={9 - number}000000,RESOLUTION=1920x1080{named}", f"{number}.m3u8"]
    assert f"/{taken}.m3u8 " in led("\n".join(lines), Carried(1920, 1080))[-1]


def test_what_is_in_a_media_playlist_is_led_through_the_gate_and_the_rest_left_out() -> None:
    text = (
        "#EXTM3U\r\n#EXT-X-VERSION:7\r\n#EXT-X-TARGETDURATION:0\r\n#EXT-X-MEDIA-SEQUENCE:7\r\n# file:///note\r\n"
        '#EXT-X-MAP:URI="init.mp4",BYTERANGE="720@0"\r\n#EXT-X-KEY:METHOD=AES-128,URI=/key?a=b,IV=0x01\r\n'
        "#EXT-X-SECRET:file:///x\r\n#EXTINF:5.5,a title\r\nhttps://other.example/a.ts?x=1\r\n"
        "#EXT-X-DISCONTINUITY\r\n#EXTINF:4,\r\n#EXT-X-BYTERANGE:10@20\r\n//third.example/b.ts\r\n#EXT-X-ENDLIST\r\n"
    )
    assert led(text, base=StreamPart("s", BASE.url, bits=9)) == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:1",
        "#EXT-X-MEDIA-SEQUENCE:7",
        '#EXT-X-MAP:URI="<http://cdn.example/live/init.mp4 9 0>",BYTERANGE="720@0"',
        '#EXT-X-KEY:METHOD=AES-128,URI="<http://cdn.example/key?a=b 9 0>",IV=0x01',
        "#EXTINF:5.5,",
        "<https://other.example/a.ts?x=1 9 5500>",
        "#EXT-X-DISCONTINUITY",
        "#EXTINF:4.0,",
        "#EXT-X-BYTERANGE:10@20",
        "<http://third.example/b.ts 9 4000>",
        "#EXT-X-ENDLIST",
    ]


ELSEWHERE = (
    "file:///etc/passwd", "FILE:/etc/passwd", "gopher://127.0.0.1:70/x", "concat:/etc/passwd|/etc/hosts",
    "data:text/plain,x", "subfile:,,start,0,end,9,,:/etc/passwd", "crypto:http://a.example/x",
    "tcp://127.0.0.1:80", "httpproxy://127.0.0.1:80/a:1", "unix:/run/x", "pipe:0", "crypto+file:/etc/passwd",
    "http://[::1", "http://a.example:99999/", "skd://key", "v4l2:///dev/video0", "rtmp://a.example/b",
)  # fmt: skip
PLACES = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n \t{} \0\n",
    '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{}"\n',
    "#EXTM3U\n#EXT-X-MAP:BYTERANGE=1@0,URI={}\n",
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n",
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="{}"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\nx.m3u8\n',
)


@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_playlist_that_leads_to_anything_but_http_is_refused(where: str) -> None:
    for place in PLACES:
        named = where.partition(",")[0] if "URI={}" in place else where  # there a comma ends the value
        with pytest.raises(MediaUnplayable, match="http and https only"):
            led(place.format(named))


@pytest.mark.parametrize("text", ["#EXTM3U\na.mp4\n", "#EXTM3U\n#EXTINF:3,x\nhttp://a.example/a.mp3\n", "#EXTM3U"])
def test_a_list_of_other_files_is_refused(text: str) -> None:
    with pytest.raises(MediaUnplayable, match="playlist of other files"):
        led(text)


def test_variants_have_no_variants_themselves() -> None:
    with pytest.raises(MediaUnplayable, match="variants themselves"):
        led(MASTER, base=StreamPart("s", BASE.url, bits=1))


def test_long_attributes_cost_little_and_too_many_lines_are_refused() -> None:
    """A name of a megabyte would take hours were it tried from each of its letters."""
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
    for text in ("A" * 1_000_000, 'A="' * 300_000, "A-" * 500_000 + '"'):
        assert len(led(f"{head}#EXT-X-KEY:{text}\n")) == 3
    with pytest.raises(MediaUnplayable, match="150000 lines"):
        led(head + "a\n" * 150_000)


@pytest.mark.parametrize(
    ("uri", "sent"),
    [
        ("a b\x1b[31m.ts", "http://a.example/a%20b%1B[31m.ts"),
        ("é\udcff?x=%0a", "http://a.example/%C3%A9%FF?x=%0a"),
        ("HTTP://b.example/\x85.ts", "http://b.example/%C2%85.ts"),
        ("http://c.example\\@b.example/", "http://c.example%5C@b.example/"),
    ],
)
def test_addresses_are_of_plain_letters_in_requests_and_in_messages(uri: str, sent: str) -> None:
    assert target("http://a.example/x", uri) == sent
    with pytest.raises(MediaUnplayable) as refused:
        target("http://a.example/x", f"ftp://d.example/{uri}")
    assert str(refused.value).isascii() and str(refused.value).isprintable()


def test_a_password_goes_to_its_own_server_alone() -> None:
    base = "http://eve:hush@a.example:8080/live/index.m3u8"
    for uri in ("a.ts", "/live/a.ts", "//a.example:8080/live/a.ts", "http://a.example:8080/live/a.ts"):
        assert target(base, uri) == "http://eve:hush@a.example:8080/live/a.ts"
    for uri in ("https://a.example:8080/", "http://a.example/", "http://b.example:8080/", "http://bob@a.example:8080/"):
        assert target(base, uri) == uri
