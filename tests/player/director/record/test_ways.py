"""Every way in which record and picture of a take could end apart, what the record says then, and the tests of that.

`on` is how it is tried: `stage` and `site` are real decks on a real display, `file` the real database, `values` the
real director with a fake screen or clock, where nothing real can be had: no test suspends its machine or sets its
clock.
"""

from dataclasses import dataclass
from typing import Literal

import pytest

from sync.wire.device_reports import EndReason
from tests.sync.device.test_fault_table import names_in


@dataclass(frozen=True)
class Way:
    """What happens while a take is on the screen, what its play says, and by which tests: file below `tests`, name."""

    what: str
    says: str
    on: Literal["stage", "site", "file", "values"]
    tests: tuple[tuple[str, str], ...]


HERE = "player/director/record/test_truthful_record.py"
LASTS = (HERE, "test_a_take_lasts_until_its_picture_leaves_the_display")
TAKE = (HERE, "test_a_take_is_recorded_as_it_was_on_the_screen")
SHOT = (HERE, "test_a_shot_ends_when_its_deck_was_last_heard_of")
FACTS = ("player/director/record/test_play_facts.py", "test_what_is_not_as_usual_is_said")
CRASH = "player/director/record/test_crashes.py"
CLOCK = "player/director/record/test_record_clock.py"
STAGE = "player/director/test_on_stage.py"
FAULTS = "player/stage/test_faults.py"
WINDOWS = "player/stage/test_changed_windows.py"
PROMISES = "player/stage/test_promises.py"
OUTPUTS = "player/display/test_live_outputs.py"
PROOF = ("e2e/test_proof.py", "test_through_all_faults_no_play_claims_more_than_was_on_the_display_and_none_is_lost")
SITE = "e2e/test_player_faults.py"
DAY = ("e2e/day/test_day.py", "test_verifier_report_and_a_witness_of_the_display_agree_on_a_day_play_by_play")
DISK = "e2e/test_storage_faults.py"

# fmt: off
WAYS = (
    Way("the stage is torn down", "failed, stage_closed; proven until the last word of its deck", "stage", (
        (FAULTS, "test_a_stage_that_is_torn_down_reports_what_it_had_on_air_as_lost"), FACTS)),
    Way("its deck dies", "failed, deck_lost; proven until the last word of its deck", "stage", (
        (STAGE, "test_a_deck_killed_on_air_costs_a_second_and_blames_no_film"), PROOF, DAY, TAKE, SHOT)),
    Way("its deck dies inside a cut", "no more than the display showed", "site", (PROOF,)),
    Way("its deck hangs", "proven until its deck was last heard of; ends when the next one comes over it", "stage", (
        ("player/stage/test_media_promises.py",
         "test_a_deck_that_hangs_on_air_keeps_its_picture_until_the_next_item_and_the_file_is_blamed_at_its_next_turn"),
        (PROMISES, "test_a_signal_to_the_deck_on_air_costs_a_second_whatever_the_other_deck_does"), DAY, SHOT)),
    Way("the other deck cannot be started", "complete, and lasts until its last picture goes", "stage", (
        (STAGE, "test_a_deck_that_cannot_be_started_leaves_the_other_one_and_the_record_true"), LASTS)),
    Way("its window is covered, moved, unmapped", "covered; that time is not shown", "stage", (
        (STAGE, "test_films_follow_each_other_on_a_real_display_and_every_one_is_proved_as_it_was_seen"),
        (WINDOWS, "test_what_another_program_does_to_the_window_is_undone_and_is_not_proven"), DAY, FACTS)),
    Way("its window is destroyed", "failed, deck_lost, and no media is blamed", "stage", (
        (WINDOWS, "test_a_window_that_is_destroyed_costs_its_deck_and_blames_no_media"),)),
    Way("its picture stands still", "partial, picture_stood; or failed, media_failed", "stage", (
        ("player/deck/test_rhythm_on_decks.py", "test_odd_films_play_to_their_end_and_damage_is_found"), TAKE)),
    Way("its monitor is unplugged", "screen off, disconnected", "stage", (
        (OUTPUTS, "test_the_stage_leaves_an_unplugged_output_and_returns_to_it"), FACTS)),
    Way("its monitor is switched off", "screen off", "stage", (
        (OUTPUTS, "test_an_output_that_somebody_switched_off_is_switched_on_again_and_was_dark"),
        ("player/display/test_display.py", "test_a_monitor_that_somebody_switched_off_was_dark"), TAKE)),
    Way("the outputs change", "partial, display", "stage", (
        ("player/display/test_outputs.py", "test_another_size_and_rotation_are_followed_while_it_plays"), TAKE)),
    Way("the X server dies and starts again", "failed; proven until the last word of its deck", "site", (
        (SITE, "test_an_x_server_that_dies_and_comes_back_finds_the_player_alive"),)),
    Way("the X server hangs", "no longer than its item; the screen is unknown meanwhile", "site", (
        (SITE, "test_an_x_server_that_hangs_costs_no_deck_and_blames_nobody"),)),
    Way("the player is killed", "interrupted, player_ended, at the last progress on the disk", "site", (
        ("e2e/test_main_job.py",
         "test_the_screen_goes_on_without_the_origin_and_across_kill_9_and_the_cut_off_take_is_told"),
        (SITE, "test_a_killed_daemon_takes_its_decks_along_and_leaves_the_fallback"), PROOF, DAY, FACTS)),
    Way("the player is killed at any statement", "what was committed, once; what is open is closed", "file", (
        (CRASH, "test_a_crash_at_any_statement_leaves_a_truthful_record"),)),
    Way("the player is stopped", "partial, stopped", "site", (
        ("e2e/test_main_job.py", "test_a_signal_ends_both_cleanly_and_leaves_nothing_behind"), TAKE)),
    Way("the player stands (SIGSTOP)", "no more than the display showed", "site", (
        PROOF, (FAULTS, "test_time_in_which_everything_stood_is_not_proven"))),
    Way("the power is cut", "interrupted, machine_ended; of the journal what was whole", "file", (
        (CRASH, "test_a_power_cut_leaves_a_beginning_of_the_record_and_accounts_that_agree"), FACTS)),
    Way("the machine is suspended", "that time is not shown", "values", (
        TAKE, (HERE, "test_time_in_which_the_machine_or_the_deck_stood_is_not_shown"))),
    Way("the wall clock jumps", "as long as by the clock that nobody sets; no two takes at one time", "values", (
        (CLOCK, "test_no_order_of_cuts_steps_and_restarts_makes_takes_overlap"), DAY, TAKE,
        ("player/director/test_clock.py", "test_a_jump_of_years_and_back_changes_nothing_on_the_screen"))),
    Way("the disk is full", "written once there is room; no ad without its reservation", "site", (
        (DISK, "test_a_full_disk_stops_nothing_and_the_plays_are_written_once_there_is_room"), TAKE)),
    Way("the disk cannot be written, or the file is locked", "written once it can be", "site", (
        (DISK, "test_on_a_disk_that_cannot_be_written_it_starts_plays_and_writes_all_plays_once_it_can_be"),
        (DISK, "test_a_database_locked_by_somebody_else_stops_neither_the_screen_nor_the_proof"))),
    Way("it ends before the next one is ready", "complete; lasts until its last picture leaves; that is not shown time",
        "stage", (("player/stage/test_cuts.py",
                   "test_a_shot_leaves_the_screen_when_the_next_one_comes_not_when_it_ends"), LASTS, SHOT)),
    Way("it fails before the next one is ready", "failed; lasts until its last picture leaves", "values", (LASTS,)),
    Way("its deck dies after its end", "complete; lasts until its picture went", "values", (LASTS, SHOT)),
    Way("an order comes after its end", "complete; lasts until the order is carried out", "values", (LASTS,)),
    Way("the player is killed after its end", "interrupted, player_ended; all of it shown", "values", (LASTS,)),
    Way("the director stops or fails", "partial, stopped; its picture is taken off", "values", (
        (HERE, "test_a_director_that_stops_leaves_no_picture_without_a_record"),)),
    Way("an operator or a release takes it off", "partial, operator or release", "site", (
        ("e2e/test_main_job.py", "test_a_new_release_takes_over_whole_and_the_old_one_plays_until_then"),
        (STAGE, "test_no_two_plays_overlap_through_cuts_skips_a_blank_and_a_killed_deck"), TAKE)),
    Way("all of it at random", "each take on the screen is one play, and no more", "values", (
        ("player/director/record/test_storm.py",
         "test_whatever_happens_the_proof_is_what_was_on_the_screen"),)),
)
# fmt: on


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.what)
def test_each_way_has_its_tests(way: Way) -> None:
    assert all(name in names_in(file) for file, name in way.tests), way


def test_each_reason_for_an_end_is_what_some_way_says() -> None:
    assert [reason for reason in EndReason if not any(reason in way.says for way in WAYS)] == []
