"""Forgeries of a right export, each found by name.

The forger is the worst one: the operator himself, who signs the forged file again with the online key of the origin,
and who may certify. He has no key of a screen. What a stranger changes is found by the end of the file besides.
"""

import base64
import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from sync.origin.proof.export.findings import Kind, Verification
from sync.origin.proof.export.records import Record, RootRecord
from sync.origin.proof.export.verifier import verify_export
from sync.origin.proof.export.writer import ExportLines
from sync.proof.checkpoint import CERTIFICATE_DOMAIN, CHECKPOINT_DOMAIN, Checkpoint
from sync.runtime.clock import ClockTrust
from sync.trust.signing import sign_envelope
from sync.wire.device_reports import play_hash
from tests.long_tables import in_bench
from tests.origin.proof.export.signed_screens import BEGINS, ENDS, Operator, SignedScreen, enveloped, key_of
from tests.origin.proof.export.small_verifier import Fault, proven_plays

Documents = list[dict[str, Any]]
_RECORD: TypeAdapter[Any] = TypeAdapter(Record)


class Forgery:
    """An export as documents, to be edited; `only_changed`: of screens whose checkpoints count what played.

    It is of the campaign spring, or of what `of` says: `line=`, or `device=` (then of the lobby alone).
    """

    def __init__(self, *, only_changed: bool = False, **of: str) -> None:
        self.operator = Operator()
        self.operator.rotate()
        self.operator.rotate()
        self.lobby = SignedScreen("lobby", only_changed=only_changed)
        self.window = SignedScreen("window", only_changed=only_changed)
        self.lobby.show(100)
        self.lobby.sign()
        self.lobby.new_log()
        self.lobby.show(140)
        self.window.show(240)
        screens = [self.lobby] if "device" in of else [self.lobby, self.window]
        raw = self.operator.export(*screens, **(of or {"campaign": "spring"}))
        self.documents: Documents = [json.loads(line) for line in raw[:-1]]

    def of(self, record: str) -> Documents:
        """Return the documents of a kind, in their order."""
        return [each for each in self.documents if each["record"] == record]

    def plays(self, outcome: str = "complete") -> Documents:
        """Return the records of plays."""
        return [each for each in self.of("play") if each["play"]["outcome"] == outcome]

    def below(self, checkpoint: dict[str, Any]) -> Documents:
        """Return the plays that stand below a checkpoint."""
        place = self.documents.index(checkpoint) + 1
        end = next((i for i in range(place, len(self.documents)) if self.documents[i]["record"] != "play"), None)
        return self.documents[place:end]

    def remove(self, *documents: dict[str, Any]) -> None:
        """Take records out."""
        gone = {id(each) for each in documents}
        self.documents = [each for each in self.documents if id(each) not in gone]

    def insert_after(self, place: dict[str, Any], *documents: dict[str, Any]) -> None:
        """Add records behind another one."""
        index = next(i for i, each in enumerate(self.documents) if each is place) + 1
        self.documents[index:index] = documents

    def written(self, *, by_operator: bool = True) -> list[bytes]:
        """Return the lines of the forged file."""
        lines = ExportLines()
        key = self.operator.online if by_operator else key_of("stranger")
        raw = [lines.line(_RECORD.validate_python(each)) for each in self.documents]
        return [*raw, lines.end(key)]

    def verified(self, *, by_operator: bool = True) -> Verification:
        """Return what the verifier says of the forged file."""
        return verify_export(self.written(by_operator=by_operator), self.operator.fingerprint())


_RIGHT = Forgery()
_RIGHT_CHANGED = Forgery(only_changed=True)
_RIGHT_LINE = Forgery(line="spring-a")
_RIGHT_SCREEN = Forgery(device="lobby")


def hashed(record: dict[str, Any]) -> None:
    """Give a play the hash of what it says now."""
    record["play"]["hash"] = play_hash(record["play"]["previous_hash"], record["play"])


def payload(record: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(base64.b64decode(record["envelope"]["payload"]))
    return document


def written(record: dict[str, Any], document: dict[str, Any]) -> None:
    """Change what an envelope says, and leave its signature."""
    record["envelope"]["payload"] = base64.b64encode(json.dumps(document).encode()).decode()


def signed_anew(record: dict[str, Any], domain: bytes, by: str, **changes: Any) -> None:
    raw = json.dumps(payload(record) | changes).encode()
    record["envelope"] = enveloped(sign_envelope(domain, raw, key_of(by))).model_dump()


# What a forger does with the plays.


def add_a_play(forged: Forgery) -> None:
    one, other = forged.below(forged.of("checkpoint")[2])[:2]
    added = copy.deepcopy(one)
    added["play"]["sequence"] = other["play"]["sequence"] - 1
    hashed(added)
    forged.insert_after(one, added)


def add_a_play_without_its_path(forged: Forgery) -> None:
    one = forged.plays()[3]
    added = {"record": "play", "play": copy.deepcopy(one["play"])}
    added["play"]["sequence"] += 1
    hashed(added)
    forged.insert_after(one, added)


def add_a_play_of_no_log(forged: Forgery) -> None:
    added = {"record": "play", "play": forged.plays()[-1]["play"] | {"log_epoch": "f" * 32, "sequence": 1}}
    hashed(added)
    forged.insert_after(forged.documents[-1], added)


def remove_a_play(forged: Forgery) -> None:
    forged.remove(forged.plays()[5])


def remove_a_play_that_failed(forged: Forgery) -> None:
    forged.remove(forged.plays("failed")[1])


def remove_all_plays_of_a_log(forged: Forgery) -> None:
    forged.remove(*forged.of("play")[:20])


def move_a_play(forged: Forgery) -> None:
    forged.plays()[5]["play"]["started_at"] = "2026-03-02T10:00:01.000Z"


def move_a_play_and_its_hash(forged: Forgery) -> None:
    move_a_play(forged)
    hashed(forged.plays()[5])


def move_a_play_by_a_correction(forged: Forgery) -> None:
    forged.plays()[5]["corrected_ms"] = 3_600_000


def double_a_play(forged: Forgery) -> None:
    forged.insert_after(forged.plays()[5], copy.deepcopy(forged.plays()[5]))


def double_a_play_under_the_next_checkpoint(forged: Forgery) -> None:
    later = forged.of("checkpoint")[2]
    forged.insert_after(later, copy.deepcopy(forged.below(forged.of("checkpoint")[1])[0]))


def swap_two_plays(forged: Forgery) -> None:
    one, other = forged.below(forged.of("checkpoint")[2])[:2]
    one["play"], other["play"] = other["play"], one["play"]
    one["salt"], other["salt"] = other["salt"], one["salt"]
    one["path"], other["path"] = other["path"], one["path"]


def stretch_a_play(forged: Forgery) -> None:
    forged.plays()[5]["play"]["rendered_ms"] *= 2


def change_an_outcome(forged: Forgery) -> None:
    failed = forged.plays("failed")[1]
    failed["play"] |= {"outcome": "complete", "rendered_ms": 60_000}
    hashed(failed)


def change_a_line(forged: Forgery) -> None:
    one = next(each for each in forged.plays() if each["play"]["line"] == "spring-a")
    one["play"]["line"] = "spring-b"
    hashed(one)


def add_a_field(forged: Forgery) -> None:
    forged.plays()[5]["play"]["viewers"] = 100


def hide_a_play_behind_its_hash(forged: Forgery) -> None:
    hidden = forged.plays()[5]
    del hidden["salt"], hidden["path"]


def change_a_salt(forged: Forgery) -> None:
    forged.plays()[5]["salt"] = "0" * 64


def change_a_path(forged: Forgery) -> None:
    forged.plays()[5]["path"][0] = "0" * 64


def shorten_a_path(forged: Forgery) -> None:
    del forged.plays()[5]["path"][-1]


def take_a_play_of_another_screen(forged: Forgery) -> None:
    stolen = copy.deepcopy(forged.plays()[-1])
    stolen["play"]["device"] = "lobby"
    hashed(stolen)
    forged.insert_after(forged.plays()[5], stolen)


def present_a_later_play_as_covered(forged: Forgery) -> None:
    later = forged.lobby.play("spring-a")
    last = [each for each in forged.plays() if each["play"]["device"] == "lobby"][-1]
    forged.insert_after(last, {**copy.deepcopy(last), "play": later})


# What he does with checkpoints and openings.


def remove_a_checkpoint(forged: Forgery) -> None:
    middle = forged.of("checkpoint")[3]
    forged.remove(middle, *forged.below(middle))


def remove_a_checkpoint_alone(forged: Forgery) -> None:
    forged.remove(forged.of("checkpoint")[3])


def remove_the_first_checkpoint(forged: Forgery) -> None:
    forged.remove(forged.of("checkpoint")[0])


def begin_later(forged: Forgery) -> None:
    first, second = forged.of("checkpoint")[:2]
    forged.remove(first, *forged.below(second))


def cut_off_the_last_hour(forged: Forgery) -> None:
    lobby = [each for each in forged.of("checkpoint") if payload(each)["device"] == "lobby"]
    forged.remove(*lobby[-2:], *forged.below(lobby[-2]), *forged.below(lobby[-1]))


def reorder_checkpoints(forged: Forgery) -> None:
    one, other = forged.of("checkpoint")[2:4]
    one["envelope"], other["envelope"] = other["envelope"], one["envelope"]


def double_a_checkpoint(forged: Forgery) -> None:
    one = forged.of("checkpoint")[2]
    forged.insert_after(forged.below(one)[-1], copy.deepcopy(one))


def renumber_a_checkpoint(forged: Forgery) -> None:
    one = forged.of("checkpoint")[2]
    written(one, payload(one) | {"number": 9})


def lower_a_count(forged: Forgery) -> None:
    one = forged.of("checkpoint")[2]
    counts = payload(one)["counts"]
    counts[0]["count"] -= 1
    written(one, payload(one) | {"counts": counts})


def present_it_as_counting_all_lines(forged: Forgery) -> None:
    one = next((each for each in forged.of("checkpoint")[1:] if payload(each)["only_changed"]), None)
    one = one or forged.of("checkpoint")[1]
    written(one, payload(one) | {"only_changed": not payload(one)["only_changed"]})


def leave_a_count_out(forged: Forgery) -> None:
    one = forged.of("checkpoint")[2]
    written(one, payload(one) | {"counts": payload(one)["counts"][1:]})


def sign_a_checkpoint_himself(forged: Forgery) -> None:
    signed_anew(forged.of("checkpoint")[2], CHECKPOINT_DOMAIN, "origin online 2", merkle_root="0" * 64)


def take_a_checkpoint_of_another_screen(forged: Forgery) -> None:
    mine = forged.of("checkpoint")[2]
    mine["envelope"] = forged.of("checkpoint")[-3]["envelope"]


def leave_a_log_out(forged: Forgery) -> None:
    last = forged.lobby.epochs[1]
    gone = [each for each in forged.of("checkpoint") if payload(each)["log_epoch"] == last]
    plays = [each for each in forged.of("play") if each["play"]["log_epoch"] == last]
    forged.remove(*gone, *plays)


def leave_the_end_of_the_first_log_out(forged: Forgery) -> None:
    first = forged.lobby.epochs[0]
    gone = [each for each in forged.of("checkpoint") if payload(each)["log_epoch"] == first][1:]
    forged.remove(*gone, *(play for each in gone for play in forged.below(each)))


def open_another_line(forged: Forgery) -> None:
    one, other = forged.of("opening")[:2]
    one["key"] = other["key"]


def remove_an_opening(forged: Forgery) -> None:
    forged.remove(forged.of("opening")[0])


# What he does with keys and roots.


def swap_a_key(forged: Forgery) -> None:
    certificate = forged.of("certificate")[0]
    public = base64.b64encode(key_of("thief").public).decode()
    written(certificate, payload(certificate) | {"public_key": public, "key": key_of("thief").id})


def certify_another_key(forged: Forgery) -> None:
    public = base64.b64encode(key_of("thief").public).decode()
    changes = {"public_key": public, "key": key_of("thief").id}
    signed_anew(forged.of("certificate")[0], CERTIFICATE_DOMAIN, "origin online 2", **changes)


def certify_a_second_key_as_the_first(forged: Forgery) -> None:
    first = forged.of("certificate")[0]
    second, public = copy.deepcopy(first), base64.b64encode(key_of("thief").public).decode()
    signed_anew(second, CERTIFICATE_DOMAIN, "origin online 2", public_key=public, key=key_of("thief").id)
    forged.insert_after(first, second)


def take_the_certificate_of_another_screen(forged: Forgery) -> None:
    forged.of("certificate")[0]["envelope"] = forged.of("certificate")[1]["envelope"]


def take_a_certificate_of_another_origin(forged: Forgery) -> None:
    forged.of("certificate")[0]["envelope"] = next(Operator("other").certificates(forged.lobby)).envelope.model_dump()


def take_a_certificate_of_an_old_online_key(forged: Forgery) -> None:
    signed_anew(forged.of("certificate")[0], CERTIFICATE_DOMAIN, "origin online 1")


def revoke_the_key(forged: Forgery) -> None:
    at = "2026-03-02T10:00:00.000Z"
    signed_anew(forged.of("certificate")[0], CERTIFICATE_DOMAIN, "origin online 2", revoked_at=at)


def certify_the_key_later(forged: Forgery) -> None:
    at = "2026-03-09T10:00:00.000Z"
    signed_anew(forged.of("certificate")[0], CERTIFICATE_DOMAIN, "origin online 2", issued_at=at)


def leave_the_first_certificate_out(forged: Forgery) -> None:
    signed_anew(forged.of("certificate")[0], CERTIFICATE_DOMAIN, "origin online 2", serial=2)


def take_another_root(forged: Forgery) -> None:
    for record, root in zip(forged.of("root"), Operator("other").roots, strict=False):
        record["envelope"] = root.model_dump()
    forged.remove(*forged.of("root")[1:])


def cut_the_chain_of_roots(forged: Forgery) -> None:
    forged.remove(forged.of("root")[-1])


def take_a_root_out_of_the_middle(forged: Forgery) -> None:
    forged.remove(forged.of("root")[1])


def change_a_root(forged: Forgery) -> None:
    last = forged.of("root")[-1]
    written(last, payload(last) | {"expires_at": "2099-01-01T00:00:00.000Z"})


# What he does with the export itself.


def relabel_the_campaign(forged: Forgery) -> None:
    forged.documents[0] |= {"campaign": "autumn"}


def relabel_the_line(forged: Forgery) -> None:
    forged.documents[0] |= {"campaign": None, "line": "spring-a", "lines": {"spring-a": ""}}


def call_it_the_whole_screen(forged: Forgery) -> None:
    forged.documents[0] |= {"campaign": None, "device": "lobby"}


def call_all_lines_one(forged: Forgery) -> None:
    forged.documents[0] |= {"campaign": None, "line": "spring-a"}


def call_it_another_line(forged: Forgery) -> None:
    forged.documents[0]["line"] = "spring-b"


def hide_the_line(forged: Forgery) -> None:
    forged.documents[0]["lines"] = {}
    forged.remove(*forged.of("play"), *forged.of("opening"))


def call_it_another_screen(forged: Forgery) -> None:
    forged.documents[0]["device"] = "window"


def leave_a_line_out(forged: Forgery) -> None:
    del forged.documents[0]["lines"]["spring-b"]


def lengthen_the_period(forged: Forgery) -> None:
    forged.documents[0]["ends_at"] = (ENDS + timedelta(hours=8)).isoformat()


def begin_the_period_earlier(forged: Forgery) -> None:
    forged.documents[0]["begins_at"] = (BEGINS - timedelta(minutes=20)).isoformat()


def leave_a_screen_out(forged: Forgery) -> None:
    place = forged.documents.index(forged.of("screen")[1])
    del forged.documents[place:]


def rename_a_screen(forged: Forgery) -> None:
    forged.of("screen")[1]["device"] = "entrance"


def double_a_screen(forged: Forgery) -> None:
    place = forged.documents.index(forged.of("screen")[1])
    forged.documents.extend(copy.deepcopy(forged.documents[place:]))


def put_a_root_at_the_end(forged: Forgery) -> None:
    forged.documents.append(RootRecord(envelope=Operator("other").roots[0]).model_dump())


def put_an_export_into_it(forged: Forgery) -> None:
    forged.documents.append(copy.deepcopy(forged.documents[0]))


FORGERIES: list[tuple[Callable[[Forgery], None], Kind]] = [
    (add_a_play, Kind.PLAY_NOT_COVERED),
    (add_a_play_without_its_path, Kind.PATH_MISSING),
    (add_a_play_of_no_log, Kind.UNSIGNED),
    (remove_a_play, Kind.PLAYS_MISSING),
    (remove_a_play_that_failed, Kind.PLAYS_MISSING),
    (remove_all_plays_of_a_log, Kind.PLAYS_MISSING),
    (move_a_play_by_a_correction, Kind.CORRECTION_WRONG),
    (move_a_play, Kind.PLAY_CHANGED),
    (move_a_play_and_its_hash, Kind.PLAY_NOT_COVERED),
    (double_a_play, Kind.PLAY_TWICE),
    (double_a_play_under_the_next_checkpoint, Kind.PLAY_NOT_COVERED),
    (swap_two_plays, Kind.PLAY_ORDER),
    (stretch_a_play, Kind.PLAY_CHANGED),
    (change_an_outcome, Kind.PLAY_NOT_COVERED),
    (change_a_line, Kind.PLAY_NOT_COVERED),
    (add_a_field, Kind.PLAY_CHANGED),
    (hide_a_play_behind_its_hash, Kind.PATH_MISSING),
    (change_a_salt, Kind.PLAY_NOT_COVERED),
    (change_a_path, Kind.PLAY_NOT_COVERED),
    (shorten_a_path, Kind.PLAY_NOT_COVERED),
    (take_a_play_of_another_screen, Kind.PLAY_NOT_COVERED),
    (present_a_later_play_as_covered, Kind.PLAY_NOT_COVERED),
    (remove_a_checkpoint, Kind.CHECKPOINT_MISSING),
    (remove_a_checkpoint_alone, Kind.PLAY_NOT_COVERED),
    (remove_the_first_checkpoint, Kind.PLAY_NOT_COVERED),
    (begin_later, Kind.INCOMPLETE),
    (cut_off_the_last_hour, Kind.INCOMPLETE),
    (reorder_checkpoints, Kind.CHECKPOINT_MISSING),
    (double_a_checkpoint, Kind.CHECKPOINT_ORDER),
    (renumber_a_checkpoint, Kind.CHECKPOINT_UNTRUSTED),
    (lower_a_count, Kind.CHECKPOINT_UNTRUSTED),
    (present_it_as_counting_all_lines, Kind.CHECKPOINT_UNTRUSTED),
    (leave_a_count_out, Kind.CHECKPOINT_UNTRUSTED),
    (sign_a_checkpoint_himself, Kind.CHECKPOINT_UNTRUSTED),
    (take_a_checkpoint_of_another_screen, Kind.CHECKPOINT_UNTRUSTED),
    (leave_a_log_out, Kind.INCOMPLETE),
    (leave_the_end_of_the_first_log_out, Kind.CHECKPOINT_MISSING),
    (open_another_line, Kind.OPENING_WRONG),
    (remove_an_opening, Kind.OPENING_MISSING),
    (swap_a_key, Kind.CERTIFICATE_UNTRUSTED),
    (certify_another_key, Kind.CHECKPOINT_UNTRUSTED),
    (certify_a_second_key_as_the_first, Kind.CERTIFICATE_MISSING),
    (take_the_certificate_of_another_screen, Kind.CERTIFICATE_FOREIGN),
    (take_a_certificate_of_another_origin, Kind.CERTIFICATE_UNTRUSTED),
    (take_a_certificate_of_an_old_online_key, Kind.CERTIFICATE_UNTRUSTED),
    (revoke_the_key, Kind.KEY_REVOKED),
    (certify_the_key_later, Kind.KEY_NOT_YET),
    (leave_the_first_certificate_out, Kind.CERTIFICATE_MISSING),
    (take_another_root, Kind.ROOT_UNKNOWN),
    (cut_the_chain_of_roots, Kind.CERTIFICATE_UNTRUSTED),
    (take_a_root_out_of_the_middle, Kind.ROOT_CHAIN),
    (change_a_root, Kind.ROOT_CHAIN),
    (relabel_the_campaign, Kind.PLAY_FOREIGN),
    (relabel_the_line, Kind.PLAY_FOREIGN),
    (call_it_the_whole_screen, Kind.PLAYS_MISSING),
    (leave_a_line_out, Kind.PLAY_FOREIGN),
    (lengthen_the_period, Kind.INCOMPLETE),
    (begin_the_period_earlier, Kind.INCOMPLETE),
    (leave_a_screen_out, Kind.SCREEN_MISSING),
    (rename_a_screen, Kind.SCREEN_UNLISTED),
    (double_a_screen, Kind.SCREEN_TWICE),
    (put_a_root_at_the_end, Kind.MISPLACED),
    (put_an_export_into_it, Kind.MISPLACED),
]


ABOUT_COUNTS = (
    remove_a_play,
    remove_a_play_that_failed,
    remove_all_plays_of_a_log,
    hide_a_play_behind_its_hash,
    remove_a_checkpoint,
    remove_a_checkpoint_alone,
    remove_the_first_checkpoint,
    begin_later,
    cut_off_the_last_hour,
    lower_a_count,
    leave_a_count_out,
    present_it_as_counting_all_lines,
    leave_a_log_out,
    open_another_line,
    remove_an_opening,
)
OF_OTHERS = [
    (call_all_lines_one, Kind.PLAY_FOREIGN, _RIGHT),
    (call_it_another_line, Kind.PLAY_FOREIGN, _RIGHT_LINE),
    (hide_the_line, Kind.OPENING_MISSING, _RIGHT_LINE),
    (hide_the_line, Kind.INCOMPLETE, _RIGHT),
    (call_it_another_screen, Kind.SCREEN_UNLISTED, _RIGHT_SCREEN),
]
CHANGED = [(forge, kind, _RIGHT_CHANGED) for forge, kind in FORGERIES if forge in ABOUT_COUNTS]
OTHERS = [(forge, kind, _RIGHT_CHANGED) for forge, kind in FORGERIES if forge not in ABOUT_COUNTS]


@pytest.mark.parametrize(
    ("forge", "kind", "right"),
    [*((forge, kind, _RIGHT) for forge, kind in FORGERIES), *CHANGED, *OF_OTHERS, *in_bench(*OTHERS)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_forgery_is_found_by_its_name(forge: Callable[[Forgery], None], kind: Kind, right: Forgery) -> None:
    forged = copy.deepcopy(right)
    forge(forged)
    found = forged.verified()
    told = [each for each in found.findings if each.kind is not Kind.LOG_BEGAN]
    assert (told[0].kind, found.verdict != "whole") == (kind, True), told
    with pytest.raises(Fault):
        proven_plays(forged.written(), forged.operator.fingerprint())


@pytest.mark.parametrize("forge", [leave_a_screen_out, leave_a_line_out, lengthen_the_period, add_a_play_of_no_log])
def test_what_a_stranger_changes_is_found_whatever_it_is(forge: Callable[[Forgery], None]) -> None:
    forged = copy.deepcopy(_RIGHT)
    forge(forged)
    assert Kind.EXPORT_CHANGED in {each.kind for each in forged.verified(by_operator=False).findings}


@pytest.mark.parametrize(
    "right",
    [_RIGHT, _RIGHT_CHANGED, _RIGHT_LINE, _RIGHT_SCREEN],
    ids=["all lines", "only changed", "of a line", "of a screen"],
)
def test_the_export_that_is_forged_here_is_right(right: Forgery) -> None:
    found, counted = right.verified(), proven_plays(right.written(), right.operator.fingerprint())
    assert (found.verdict, {line: sums.plays for line, sums in found.totals.items()}) == ("whole", counted)


# What a screen signs that cannot be: its clock or its log is wrong, or somebody has its key.


def overlapping(screen: SignedScreen) -> None:
    screen.show(70)
    screen.play("spring-a")
    screen.now -= timedelta(seconds=40)
    screen.play("spring-a")
    screen.show(170)


def impossible(screen: SignedScreen) -> None:
    screen.show(70)
    screen.play("spring-a", rendered_ms=600_000)
    screen.show(170)


def forked(screen: SignedScreen) -> None:
    screen.show(90)
    screen.previous = "e" * 64
    screen.show(150)


def beyond_numbers(screen: SignedScreen) -> None:
    screen.show(70)
    screen.play("spring-a", mono_start_ms=1, mono_end_ms=10**400)
    screen.show(170)


def covering_twice(screen: SignedScreen) -> None:
    screen.show(90)
    screen.covered[screen.epoch] -= 5
    screen.show(150)


def returning(screen: SignedScreen) -> None:
    screen.show(90)
    screen.new_log()
    screen.show(30)
    screen.epochs.append(screen.epochs.pop(0))
    screen.show(150)


def old_key(screen: SignedScreen) -> None:
    screen.show(90)
    screen.new_key()
    screen.show(30)
    screen.keys.reverse()
    screen.show(30)
    screen.keys.reverse()
    screen.show(90)


def changed_log(screen: SignedScreen) -> None:
    screen.show(65)
    screen.play("spring-a")
    screen.plays[screen.epoch][-1]["hash"] = "d" * 64
    screen.play("spring-a")
    screen.show(175)


def counted(screen: SignedScreen, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Play, and change what the fourth checkpoint counts, of which two lines are in the export."""
    screen.only_changed = True
    screen.show(110)
    sign = screen.sign

    def signed(**changes: Any) -> Checkpoint:
        plain = copy.deepcopy(screen)
        counts = [each.model_dump() for each in SignedScreen.sign(plain).counts]
        screen.sign = sign  # type: ignore[method-assign]
        return sign(counts=change(counts), **changes)

    screen.sign = signed  # type: ignore[method-assign]
    screen.show(130)


def leaving_a_change_out(screen: SignedScreen) -> None:
    counted(screen, lambda counts: counts[1:])


def lowering_a_count(screen: SignedScreen) -> None:
    counted(screen, lambda counts: [each | {"count": each["count"] - 1} for each in counts])


def counting_fewer_plays(screen: SignedScreen) -> None:
    counted(screen, lambda counts: [each | {"count": each["count"] - 1, "plays": each["plays"] - 1} for each in counts])


def going_on_from_other_counts(screen: SignedScreen) -> None:
    counted(screen, lambda counts: [each | {"count": each["count"] + 5} for each in counts])


def counting_all_lines_without_some(screen: SignedScreen) -> None:
    screen.show(110)
    screen.counts[screen.epoch].clear()
    screen.says_plays = True
    screen.show(130)


@pytest.mark.parametrize(
    ("story", "kind"),
    [
        (leaving_a_change_out, Kind.PLAYS_TOO_MANY),
        (lowering_a_count, Kind.COUNT_WRONG),
        (counting_fewer_plays, Kind.PLAYS_TOO_MANY),
        (going_on_from_other_counts, Kind.COUNT_WRONG),
        (counting_all_lines_without_some, Kind.COUNT_WRONG),
        (overlapping, Kind.PLAY_OVERLAP),
        (impossible, Kind.PLAY_IMPOSSIBLE),
        (forked, Kind.CHECKPOINT_CHAIN),
        (beyond_numbers, Kind.PLAY_IMPOSSIBLE),
        (covering_twice, Kind.LOG_RETURNED),
        (returning, Kind.LOG_RETURNED),
        (old_key, Kind.KEY_REPLACED),
        (changed_log, Kind.PLAY_CHANGED),
    ],
)
def test_what_cannot_be_is_found_although_the_screen_signed_it(
    story: Callable[[SignedScreen], None], kind: Kind
) -> None:
    screen, operator = SignedScreen("lobby"), Operator()
    story(screen)
    found = verify_export(operator.export(screen, campaign="spring"), operator.fingerprint())
    assert found.first_fault is not None and found.first_fault.kind is kind, found.findings


def boot_with_a_wrong_clock(screen: SignedScreen, years: int) -> None:
    """Sign once by a clock that no time service has set yet, which is so many years ahead."""
    screen.show(80)
    screen.sign()
    right = screen.now
    screen.now, screen.clock = right.replace(year=right.year + years), ClockTrust.UNSYNCED
    screen.show(30)
    screen.now, screen.clock = right + timedelta(minutes=30), ClockTrust.SYNCED
    screen.show(130)


@pytest.mark.parametrize(("years", "cut", "complete"), [(-9, slice(3, None), "only from"), (9, slice(4), "until")])
def test_a_checkpoint_by_a_clock_that_was_not_set_does_not_hide_what_was_before_or_after_it(
    years: int, cut: slice, complete: str
) -> None:
    screen, operator = SignedScreen("lobby"), Operator()
    boot_with_a_wrong_clock(screen, years)
    right = verify_export(operator.export(screen, campaign="spring"), operator.fingerprint())
    assert (right.verdict, Kind.CLOCK_UNSET in {each.kind for each in right.findings}) == ("whole", True)
    screen.signed = screen.signed[cut]
    lines = operator.export(screen, campaign="spring")
    found = verify_export(lines, operator.fingerprint())
    told = [each.detail for each in found.findings if each.kind is Kind.INCOMPLETE]
    assert (found.verdict, len(told)) == ("incomplete", 1), found.findings
    assert told[0].startswith(f"complete {complete}") and "by a clock that a time service had set" in told[0]
    with pytest.raises(Fault):
        proven_plays(lines, operator.fingerprint())


@pytest.mark.parametrize(
    ("forge", "less"), [(stretch_a_play, 1), (double_a_screen, 0), (double_a_play, 0), (revoke_the_key, 34)]
)
def test_what_is_wrong_is_in_no_sum(forge: Callable[[Forgery], None], less: int) -> None:
    forged = copy.deepcopy(_RIGHT)
    right = sum(each.plays for each in forged.verified().totals.values())
    forge(forged)
    assert sum(each.plays for each in forged.verified().totals.values()) == right - less


def test_a_finding_names_its_line_and_its_screen() -> None:
    forged = copy.deepcopy(_RIGHT)
    stretch_a_play(forged)
    fault = forged.verified().first_fault
    assert fault is not None
    assert fault.line == forged.documents.index(forged.plays()[5]) + 1
    assert fault.screen == "lobby"
    assert datetime.fromisoformat(forged.plays()[5]["play"]["started_at"]) >= BEGINS
