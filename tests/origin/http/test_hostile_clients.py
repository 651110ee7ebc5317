"""What a stranger's bytes must never do: end as a fault of ours, hold something for ever, or fill the log."""

import asyncio
import base64
import io
import json
import logging
from dataclasses import dataclass

import pytest

from tests.origin.running_origin import RunningOrigin

FAR = {"name": "a", "advertiser": "b", "starts_at": "0001-01-01T00:00:00+23:00", "ends_at": "9999-12-31T23:59:59-23:00"}
MARKS = (b"[" * 5000, b"[Infinity,1,2,1]", b'[9e99,"a","b",1]', b'[1,"\\ud800","b",1]', b"[1]", b"{}", b"null")


async def speak(server: RunningOrigin, request: bytes) -> tuple[int, str]:
    """Send bytes as they are; return the status and the rest of the answer."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    status = int((await asyncio.wait_for(reader.readline(), 60)).split()[1])
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    return status, body.decode()


def request_of(method: str, path: str, headers: bytes, body: bytes = b"") -> bytes:
    start = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n".encode()
    return start + headers + b"\r\n" + body


@pytest.mark.parametrize("headers", [b"Authorization: Bearer \xff\xfe\r\n", b"Cookie: signage_session=\xff\xfe\r\n"])
@pytest.mark.parametrize("path", ["/v1/media", "/v1/pairings/x"])
async def test_a_token_of_any_bytes_is_only_a_wrong_token(server: RunningOrigin, path: str, headers: bytes) -> None:
    status, text = await speak(server, request_of("GET", path, headers))
    assert status == 401 or json.loads(text) == {"status": "expired", "device": None, "token": None, "channel": None}


async def test_an_origin_that_is_no_address_is_a_foreign_page(server: RunningOrigin) -> None:
    status, _ = await speak(server, request_of("POST", "/v1/session", b"Origin: http://[evil\r\n", b"{}"))
    assert status == 403


@pytest.mark.parametrize("version", ['"99999999999999999999"', f'"{"9" * 5000}"', '"\u0663"', "*", '"-1"'])
async def test_a_version_nobody_can_count_to_is_refused(server: RunningOrigin, version: str) -> None:
    headers = {"If-Match": version}
    answer = await server.ask("PUT", "/v1/playlists/x", server.writer, {"name": "p"}, headers=headers)
    assert answer.status == 422
    assert list(answer.document["fields"]) == ["If-Match"]


@pytest.mark.parametrize("mark", MARKS)
async def test_a_page_mark_nobody_gave_is_refused(server: RunningOrigin, mark: bytes) -> None:
    after = base64.urlsafe_b64encode(mark).decode()
    answer = await server.ask("GET", f"/v1/plays?after={after}", server.reader)
    assert answer.status == 422
    assert list(answer.document["fields"]) == ["after"]


async def test_an_instant_beyond_the_calendar_is_a_wrong_field(server: RunningOrigin) -> None:
    asked = await server.ask("GET", "/v1/plays?from=9999-12-31T23:59:59-23:00", server.reader)
    assert (asked.status, list(asked.document["fields"])) == (422, ["from"])
    line = {"name": "l", "creatives": [{"media": "m"}]}
    booked = await server.ask("POST", "/v1/campaigns", server.writer, {**FAR, "lines": [line]})
    assert (booked.status, set(booked.document["fields"])) == (422, {"starts_at", "ends_at"})


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "nonsense"])
async def test_a_packed_body_is_refused_before_it_is_unpacked(server: RunningOrigin, coding: str) -> None:
    headers = {"Content-Encoding": coding}
    answer = await server.ask("POST", "/v1/session", body=b"\x1f\x8b broken", headers=headers)
    assert answer.status == 415


async def test_a_body_in_broken_pieces_is_a_problem_and_no_line_in_the_log(
    server: RunningOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, text = await speak(server, head + b"5\r\nhello\r\nnonsense\r\n\r\n")
    assert (status, json.loads(text)["type"]) == (400, "urn:signage:problem:bad-request")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_body_that_stops_coming_is_given_up(server: RunningOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.http.bodies.IDLE_BODY_S", 0.1)
    head = b"POST /v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    status, text = await speak(server, head + b'{"token":')
    assert (status, json.loads(text)["type"]) == (408, "urn:signage:problem:request-timeout")


async def test_a_body_that_trickles_is_given_up(server: RunningOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.http.bodies.WHOLE_BODY_S", 0.1)
    head = b"POST /v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    assert (await speak(server, head + b'{"token":'))[0] == 408


async def test_an_upload_whose_sender_vanished_keeps_what_came_and_can_go_on(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.http.bodies.IDLE_BODY_S", 0.1)
    tus = {"Tus-Resumable": "1.0.0"}
    begun = await server.ask("POST", "/v1/uploads", server.writer, headers={**tus, "Upload-Length": "10"})
    where = begun.headers["Location"]
    chunk = b"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
    head = (
        f"PATCH {where} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nAuthorization: Bearer {server.writer}\r\n"
    )
    assert (await speak(server, head.encode() + chunk + b"\r\nhello"))[0] == 408
    assert (await server.ask("HEAD", where, server.writer, headers=tus)).headers["Upload-Offset"] == "5"
    more = {**tus, "Upload-Offset": "5", "Content-Type": "application/offset+octet-stream"}
    assert (await server.ask("PATCH", where, server.writer, b"again", headers=more)).status == 204


async def test_a_connection_that_asks_nothing_is_closed(server: RunningOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.http.listener.IDLE_S", 0.1)
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /healthz HTTP/1.1\r\nHo")  # and never another byte
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("name", ["a\x00b", "\x1b[31mred", "two\nlines"])
async def test_a_name_holds_nothing_a_terminal_or_a_log_would_obey(server: RunningOrigin, name: str) -> None:
    made = await server.ask("POST", "/v1/playlists", server.writer, {"name": name})
    assert (made.status, list(made.document["fields"])) == (422, ["name"])
    asked = await server.ask("POST", "/v1/pairings", body={"name": name, "secret": "5" * 64})
    assert (asked.status, list(asked.document["fields"])) == (422, ["name"])


@dataclass(frozen=True)
class Many:
    """A document that repeats an entry, each time with another number; made by the test that sends it."""

    start: bytes
    entry: bytes
    count: int
    end: bytes

    def __bytes__(self) -> bytes:
        return self.start + b",".join(self.entry.replace(b"#", b"%d" % n) for n in range(self.count)) + self.end


FLOODS: dict[str, tuple[str, str, Many | bytes]] = {
    "wrong plays": ("POST", "/v1/plays", Many(b'{"plays":[', b"1", 49_000, b"]}")),
    "more plays than are read": ("POST", "/v1/plays", Many(b'{"plays":[', b"1", 1_000_000, b"]}")),
    "plays with nothing in them": ("POST", "/v1/plays", Many(b'{"plays":[', b"{}", 500, b"]}")),
    "wrong items": ("POST", "/v1/playlists", Many(b'{"name":"a","items":[', b"{}", 50_000, b"]}")),
    "unknown fields": ("POST", "/v1/playlists", Many(b'{"name":"a",', b'"f#":1', 90_000, b"}")),
    "unknown fields of an item": ("POST", "/v1/playlists", Many(b'{"name":"a","items":[{', b'"f#":1', 80_000, b"}]}")),
    "wrong windows": ("POST", "/v1/campaigns", Many(b'{"lines":[{"windows":[', b"1", 90_000, b"]}]}")),
    "wrong weekdays": ("PUT", "/v1/schedule/a", Many(b'{"dayparts":[{"weekdays":[', b"9", 90_000, b"]}]}")),
    "wrong health": ("POST", "/v1/heartbeats", Many(b'{"health":{', b'"f#":[]', 1_500, b"}}")),
    "a name of a field as long as a book": ("POST", "/v1/playlists", b'{"' + b"f" * 900_000 + b'":1}'),
    "a title as long as a book": ("POST", "/v1/playlists", b'{"name":"' + b"a" * 900_000 + b'"}'),
    "media nobody has": ("POST", "/v1/playlists", Many(b'{"name":"a","items":[', b'{"media":"m#"}', 9_000, b"]}")),
    "much that is unknown and much that is missing": (
        "POST",
        "/v1/campaigns",
        Many(b'{"x":[', b'{"a":[1,2,3],"b":"c"}', 10_000, b"]}"),
    ),
    "a code as long as a book": ("POST", "/v1/devices", b'{"channel":"a","code":"' + b"a" * 900_000 + b'"}'),
    "endless problems": ("POST", "/v1/heartbeats", Many(b'{"problems":[', b"1", 1_900, b"]}")),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_document_full_of_faults_gets_a_short_answer(server: RunningOrigin, flood: str) -> None:
    """The answer names at most 20 faults, and looks at no more than it needs for that."""
    method, path, body = FLOODS[flood]
    _, device = await server.pair()
    token = device if path in ("/v1/plays", "/v1/heartbeats") else server.writer
    headers = {"If-Match": '"1"'} if method == "PUT" else {}
    answer = await server.ask(method, path, token, io.BytesIO(bytes(body)), headers=headers)
    if flood == "plays with nothing in them":  # each play is judged by itself
        assert {receipt["status"] for receipt in answer.document["receipts"]} == {"invalid"}
    else:
        assert answer.status in (413, 422)
        assert len(answer.document.get("fields", {})) <= 20
        assert len(answer.text) < 5_000
    assert len(answer.text) < 300_000


ODD = {
    "deep": b"[" * 100_000,
    "deep in a name": b'{"name":' + b"[" * 900 + b"]" * 900 + b"}",
    "a number of a million digits": b'{"name":' + b"9" * 60_000 + b',"token":1e' + b"9" * 60_000 + b"}",
    "half a letter": b'{"name":"\\ud800","token":"\\ud800","code":"\\udfff","channel":"\\ud800","url":"\\ud800"}',
    "NUL": b'{"name":"a\\u0000","token":"\\u0000","code":"\\u0000","channel":"\\u0000","url":"http://a\\u0000/"}',
    "a name given twice": b'{"name":"a","name":[]}',
    "no number": b'{"name":NaN,"sequence":Infinity}',
    "a list": b"[]",
    "nothing": b"null",
    "UTF-16": '{"name":"a"}'.encode("utf-16"),
    "no text": b'{"name":"\xff"}',
    "empty": b"",
    "two": b'{"name":"a"}{}',
    "years": b'{"name":"a","advertiser":"b","starts_at":0,"ends_at":"9999-12-31T23:59:59-23:59","lines":[]}',
    "zones": b'{"zone":"../../etc/passwd"}',
}


async def test_odd_documents_are_wrong_documents_everywhere(
    server: RunningOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    device, token = await server.pair()
    paths = (await server.ask("GET", "/v1/openapi.json")).document["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            if "application/json" not in operation.get("requestBody", {}).get("content", {}):
                continue
            key = token if {"device": []} in operation["security"] else server.writer
            for name, body in ODD.items():
                real = path.replace("{id}", device).replace("{channel}", "main")
                answer = await server.ask(method.upper(), real, key, body, headers={"If-Match": '"1"'})
                if (path, answer.status) != ("/v1/exchange", 200):  # a device of a later version may say anything
                    assert 400 <= answer.status < 500, f"{method} {path} {name}: {answer.status} {answer.text}"
                assert len(answer.text) < 3_000, f"{method} {path} {name}"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-02T00:00:00%2b23:00"])
@pytest.mark.parametrize("path", ["/v1/plays", "/v1/plays/summary", "/v1/plays/audit"])
async def test_a_time_nobody_can_reckon_with_is_refused(server: RunningOrigin, path: str, at: str) -> None:
    for field in ("from", "until"):
        answer = await server.ask("GET", f"{path}?{field}={at}", server.reader)
        assert (answer.status, list(answer.document["fields"])) == (422, [field])
