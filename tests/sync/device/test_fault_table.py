"""The table of faults: what a server, a disk or a clock does to a device, what it promises, and the tests of that.

The numbers are fixed; 24, 25, 27 and 30 are faults of neighbours and of the origin. What one answer of a server can be
is tested here, side by side: what is on disk, on air and on the wire.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from sync.device.store.content_store import ContentStore
from tests import TOP
from tests.sync.conftest import running
from tests.sync.device.transfer import faulty_server
from tests.sync.device.transfer.faulty_server import Fault, cut_after, faulty, headed, location, status
from tests.sync.device.transfer.test_one_bad_asset import origin_at
from tests.sync.file_tree_origin import CHUNK, Publisher, noise, release_of


@dataclass(frozen=True)
class Row:
    """A fault, the promise for it, and the tests that show it: by file below `tests`, then by name."""

    number: int
    fault: str
    promise: str
    tests: tuple[tuple[str, str], ...]


HERE = ("sync/device/test_fault_table.py", "test_one_bad_answer_for_each_asset")
BAD_ASSET = "sync/device/transfer/test_one_bad_asset.py"
BAD = (BAD_ASSET, "test_no_bad_asset_holds_another_one_a_poll_or_a_newer_release")
ODD = ("sync/device/transfer/test_odd_servers.py", "test_an_answer_that_is_wrong_costs_its_asset_one_more_request")
FAULTS = "sync/device/test_faults.py"
CONNECTION = "sync/device/transfer/test_connection.py"
TRUST = "sync/trust/test_acceptance.py"
REFUSED = (TRUST, "test_a_document_that_is_not_valid_is_refused_and_the_old_release_stays_active")
TWO = "sync/trust/test_two_at_once.py"
TIME = "sync/trust/test_time_of_issue.py"
KILL = "sync/device/disk/test_kill.py"
UNSYNCED = "sync/device/disk/test_unsynced_writes.py"
POWER = "sync/device/disk/test_powercut.py"
HOSTILE = "sync/trust/test_hostile_documents.py"
DAMAGE = "sync/device/test_damage.py"

# fmt: off
TABLE = (
    Row(1, "a body is cut short", "what came stays; no byte comes twice", (
        HERE, (BAD_ASSET, "test_a_line_that_breaks_every_connection_inside_a_chunk_still_makes_progress"))),
    Row(2, "bits of a chunk are wrong", "it is not stored; another source is asked; few bytes are lost", (
        HERE, (BAD_ASSET, "test_wrong_bytes_for_a_long_time_cost_one_chunk_a_try_and_less_and_less_often"))),
    Row(3, "the length or the range is another one", "the body is not used", (HERE, BAD, ODD)),
    Row(4, "200 for 206, several parts, 416", "200 is used from its beginning; the others are a fault", (
        HERE, BAD, ODD)),
    Row(5, "5xx, 429 with an hour", "the asset waits, at most 15 minutes; a hint ends it; all else goes on", (
        HERE, (FAULTS, "test_retry_after_is_believed_up_to_a_limit_and_a_hint_ends_it"))),
    Row(6, "an asset is not there (any more)", "the timestamp is read again; nothing incomplete plays", (
        HERE, (FAULTS, "test_a_missing_asset_is_tried_again_after_reading_the_timestamp_again"))),
    Row(7, "one byte at a time", "given up; the others go on", (
        BAD, (BAD_ASSET, "test_slow_bodies_take_turns_and_none_of_them_is_a_problem"))),
    Row(8, "silence, a reset, TLS cut off", "given up and tried again for ever", (
        HERE, (FAULTS, "test_a_silent_server_is_disconnected_and_asked_again"))),
    Row(9, "no name server, a login page", "nothing of it is believed; the status names it", (
        HERE, (CONNECTION, "test_a_name_server_that_does_not_answer_delays_no_stop_and_counts_once_it_does"),
        (CONNECTION, "test_a_login_page_of_the_network_is_named"))),
    Row(10, "IPv6 leads nowhere, or is all there is", "a moment is lost, once", (
        (CONNECTION, "test_an_address_that_leads_nowhere_costs_a_moment_and_once"),
        (CONNECTION, "test_documents_come_by_the_address_that_answered_last"),
        (CONNECTION, "test_an_origin_is_reached_where_there_is_only_ipv6"))),
    Row(11, "a certificate is not right", "nothing is fetched; the reason is told", (
        (CONNECTION, "test_a_company_is_trusted_and_what_is_wrong_with_a_certificate_is_named"),
        (CONNECTION, "test_a_name_that_the_certificate_does_not_have_is_named"))),
    Row(12, "compressed or stale answers", "compressed bytes are refused, an older sequence is ignored", (
        HERE, (TWO, "test_a_mirror_that_is_behind_takes_nothing_back"))),
    Row(13, "the disk is full", "the old release stays; what is not needed goes; it is told", (
        (KILL, "test_a_disk_that_fills_while_downloading_keeps_the_old_release"),
        (KILL, "test_a_file_that_is_too_large_for_the_disk_is_named_and_the_old_release_stays_active"))),
    Row(14, "the disk is read-only", "what is there plays", (
        (KILL, "test_the_active_release_can_be_read_from_a_read_only_disk"),
        (POWER, "test_a_disk_that_the_kernel_makes_read_only_while_a_device_runs_is_told_and_its_content_stays"))),
    Row(15, "a flush fails, or one file cannot be used", "its asset waits and is fetched again; the others go on", (
        (FAULTS, "test_a_file_that_cannot_be_written_is_the_fault_of_its_asset_alone"),
        (FAULTS, "test_a_disk_that_takes_no_file_is_one_problem_and_named_as_such"),
        (FAULTS, "test_one_file_that_cannot_be_used_holds_no_other_asset_and_no_newer_release"),
        (FAULTS, "test_after_a_failed_flush_the_partial_file_is_discarded"),
        ("sync/device/store/test_media_intake.py", "test_bytes_that_the_disk_loses_cost_their_own_file_only"))),
    Row(16, "the catalogue is damaged or lost", "it is rebuilt, and nothing is fetched again", (
        (FAULTS, "test_a_damaged_catalogue_is_rebuilt_without_fetching_anything"),
        (FAULTS, "test_a_catalogue_lost_during_a_download_costs_no_download"),
        ("sync/device/store/test_media_intake.py",
         "test_bits_of_a_file_that_is_gone_never_count_for_the_one_in_its_place"))),
    Row(17, "a power cut or a kill at any step", "old or new release, whole; nothing saved is lost", (
        (UNSYNCED, "test_after_a_power_cut_at_any_step_nothing_is_wrong_and_what_is_missing_is_fetched"),
        (UNSYNCED, "test_a_wrong_order_of_ours_is_found"),
        (KILL, "test_a_device_killed_at_any_moment_keeps_the_invariants_and_converges"),
        (UNSYNCED, "test_bits_that_a_crash_left_behind_do_not_count_once_their_asset_is_damaged"),
        (POWER, "test_after_a_power_cut_at_any_moment_the_acknowledged_release_plays"))),
    Row(18, "bits rot on the disk", "found by a turn or a decoder, and fetched again", (
        (DAMAGE, "test_where_a_decoder_stumbles_damage_is_mended_at_once_with_what_is_missing"),
        (DAMAGE, "test_damage_of_a_file_that_was_fetched_in_two_runs_is_mended"))),
    Row(19, "clocks are years off, or jump", "nothing is deleted; what plays goes on", (
        (TIME, "test_a_device_in_1970_accepts_and_keeps_no_time_until_its_clock_is_set"),
        (TIME, "test_a_device_in_2090_says_that_its_clock_may_be_wrong_and_goes_on_once_it_is_set"),
        (TIME, "test_a_clock_that_jumps_while_the_device_runs_only_delays_new_content"))),
    Row(20, "roll-back, freeze, mix-and-match", "refused and told apart", (REFUSED,)),
    Row(21, "documents that break parsers", "refused in a sentence; the old one stays", (
        REFUSED, (HOSTILE, "test_what_breaks_parsers_is_refused_in_a_sentence"),
        (HOSTILE, "test_a_document_that_gives_a_field_twice_is_refused"),
        (HOSTILE, "test_a_document_with_more_values_than_any_of_ours_is_not_parsed"))),
    Row(22, "two origins, one sequence; the same a hundred times", "the first is kept; no byte is fetched", (
        (TWO, "test_of_two_origins_with_one_key_the_first_is_kept_and_the_other_told"),
        (TWO, "test_the_same_timestamp_a_hundred_times_costs_no_content"))),
    Row(23, "a root is missing, a revoked key signs", "new content is refused until the chain is whole", (
        (TWO, "test_a_step_of_the_root_that_is_missing_stops_new_content_until_it_is_there"),
        (TRUST, "test_a_new_signing_key_is_followed_through_the_root_chain_and_the_old_one_ends"))),
    Row(26, "names that climb out, links, twins", "never used as a path", (
        (TWO, "test_links_and_twins_in_the_store_are_no_content_and_lead_nowhere"),
        ("sync/device/store/test_content_store.py", "test_a_name_that_is_not_a_hash_is_never_used_as_a_path"))),
    Row(28, "very many, very small, very large", "one flush for many; what never fits is told before", (
        ("sync/device/store/test_media_intake.py", "test_many_small_files_share_their_flushes_and_one_commit"),
        (FAULTS, "test_a_release_that_does_not_fit_is_refused_before_a_byte_is_fetched"))),
    Row(29, "two processes on one store", "the second one ends with a message", (
        (KILL, "test_a_second_process_on_the_same_state_ends_with_a_clear_message"),)),
)
# fmt: on


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests in a file below `tests`."""
    body = ast.parse((TOP / "tests" / file).read_text()).body
    return frozenset(one.name for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.number}")
def test_each_fault_has_its_tests(row: Row) -> None:
    assert row.tests
    assert all(name in names_in(file) for file, name in row.tests), row


SIZE = 4 * CHUNK
HEAD_BYTES = 200  # a head that is counted as a body
PARTS = "Content-Type: multipart/byteranges; boundary=x\r\nContent-Range: \r\n"

# What one answer is, then the most bytes of bodies that the asset costs: those that it has, or those sent in vain too.
ANSWERS: dict[str, tuple[Fault, int]] = {
    "1 cut short inside a chunk": (cut_after(CHUNK + 1000), SIZE),
    "1 cut short at once": (cut_after(0), SIZE),
    "2 wrong bytes": (faulty_server.wrong_bytes, 2 * SIZE),
    "3 another range": (headed("Content-Range: bytes 0-0/1\r\n"), 2 * SIZE),
    "3 another size": (headed(f"Content-Range: bytes 0-{SIZE - 1}/{SIZE + 1}\r\n"), 2 * SIZE),
    "3 too long": (headed("", extra=1), 2 * SIZE),
    "4 200 for 206": (faulty_server.whole, 2 * SIZE),  # in vain if the span asked for is not the first
    "4 several parts": (headed(PARTS), 2 * SIZE),
    "4 416": (status("416 Range Not Satisfiable"), SIZE),
    "5 503": (status("503 Service Unavailable"), SIZE),
    "5 429 with an hour": (status("429 Too Many Requests", "Retry-After: 3600\r\n"), SIZE),
    "5 503 until a date": (
        status("503 Service Unavailable", "Retry-After: Mon, 02 Mar 2099 12:00:00 GMT\r\n"),
        SIZE,
    ),
    "6 404": (status("404 Not Found"), SIZE),
    "7 headers at a byte a time": (faulty_server.trickling_head, SIZE),
    "8 silence": (faulty_server.silence, SIZE),
    "8 a reset": (faulty_server.reset, SIZE),
    "9 a login page": (faulty_server.web_page, SIZE),
    "9 a redirect to a login page": (location("/login"), SIZE),
    "9 a redirect elsewhere": (location("http://127.0.0.1:1/x"), SIZE),
    "12 gzip unasked": (headed("Content-Encoding: gzip\r\n"), 2 * SIZE),
}


async def test_one_bad_answer_for_each_asset(store: ContentStore, tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "tree")
    publisher.publish(noise(1, 5000))
    playing = publisher.release
    async with faulty(tmp_path / "tree") as server:
        server.always["login"] = faulty_server.web_page
        async with running(origin_at(server, publisher), store, head_s=1.0, read_s=1.0) as device:
            await device.plays(playing)
            contents = [noise(seed, SIZE) for seed in range(2, 2 + len(ANSWERS))]
            assets = [publisher.asset(content) for content in contents]
            for asset, (fault, _) in zip(assets, ANSWERS.values(), strict=True):
                server.faults[f"assets/{asset.sha256}"] = [fault]
            gate = publisher.asset(noise(1000, SIZE))
            server.always[f"assets/{gate.sha256}"] = status("404 Not Found")
            publisher.publish_release(release_of((*assets, gate)))
            device.syncer.wake()
            await device.until(lambda: all(store.has_asset(asset.sha256) for asset in assets), pass_s=2)
            assert not any(server.faults.values()), "each fault has happened"
            assert device.syncer.facts().release == playing, "nothing incomplete is on air"
            for asset, content in zip(assets, contents, strict=True):
                assert store.asset_path(asset.sha256).read_bytes() == content
            del server.always[f"assets/{gate.sha256}"]
            await device.until(lambda: device.syncer.facts().release == publisher.release, pass_s=2)
    for asset, (name, (_, most)) in zip(assets, ANSWERS.items(), strict=True):
        assert SIZE <= server.sent_of(f"assets/{asset.sha256}") <= most + HEAD_BYTES, name
