"""The tests of each rule (R1-R6) and invariant (I1-I17) of the live map; docs/live-map.md explains the rules.

Fails when one of them is renamed or deleted.
"""

import re
from pathlib import Path

import pytest

from tests.realtime.live import mutants

ROOT = Path(__file__).resolve().parents[3]
ROOM, HUB, VIEWER, VECTORS = (
    f"realtime/live/test_{name}.py" for name in ("room", "hub_convergence", "viewer", "vectors")
)
SERVERS, PUBLISH, CLUSTER, USE_CASES = (
    f"realtime/test_{name}.py" for name in ("servers", "publish", "cluster_with_valkey", "use_cases_in_frames")
)
BACK, BEATS, BOARD = (f"realtime/live/test_{name}.py" for name in ("goes_back", "confirmed_heartbeats", "board"))
RESTORED = "realtime/test_restored_database.py"
SEAT_MAP = "booking/seats/test_map.py"

TESTS_OF = {
    "R1 a version is never split": [
        (ROOM, "test_a_transaction_over_many_seats_is_never_split"),
        (USE_CASES, "test_snapshot_before_and_frames_are_the_snapshot_after"),
    ],
    "R2 deltas are absolute, from an exact base; none is applied over a gap": [
        (ROOM, "test_an_early_change_waits_for_the_one_before_it"),
        (ROOM, "test_a_repeated_change_is_stale"),
        (ROOM, "test_from_any_older_version_one_frame_leads_to_the_present"),
        (VECTORS, "test_the_reference_client_obeys"),
        ("browser/test_seat_state.py", "test_the_page_follows_the_vector"),
    ],
    "R3 a state and its version are of one moment": [
        (SEAT_MAP, "test_a_state_and_its_version_are_one_statement"),
    ],
    "R4 subscribed before the state is read": [
        (HUB, "test_a_room_is_subscribed_before_its_state_is_read"),
        (HUB, "test_a_change_that_arrives_while_the_room_is_loading_is_not_lost"),
    ],
    "R5 the map is a function of stored rows, never of the clock": [
        (SEAT_MAP, "test_a_lock_whose_time_has_passed_stays_on_the_map_until_it_is_written"),
    ],
    "R6 in another epoch the client drops its state": [
        (ROOM, "test_a_change_of_another_epoch_changes_nothing"),
        (HUB, "test_a_new_epoch_reaches_a_live_socket_as_a_snapshot"),
        (SERVERS, "test_sigterm_sends_bye_4003_and_a_restart_begins_another_epoch"),
    ],
    "I1 all viewers converge": [
        (HUB, "test_every_state_shown_was_committed_and_all_viewers_end_at_the_last"),
        (HUB, "test_without_polls_the_last_change_stays_lost_when_the_transport_loses_it"),
    ],
    "I2 every state shown was committed": [
        (HUB, "test_every_state_shown_was_committed_and_all_viewers_end_at_the_last"),
        ("cinema/database/test_crash.py", "test_what_was_shown_is_on_the_disk"),
    ],
    "I3 versions without gaps, in the order of the commits": [
        (PUBLISH, "test_versions_without_gaps_under_threads_that_write_at_once"),
        (PUBLISH, "test_never_when_it_is_rolled_back_and_the_number_is_used_again"),
    ],
    "I4 with every hint lost, at most one poll late": [
        (HUB, "test_with_a_transport_that_loses_everything_the_map_is_at_most_one_poll_late"),
        (CLUSTER, "test_while_the_bridge_is_frozen_maps_are_half_a_second_late"),
    ],
    "I5 no part of a transaction is shown alone": [
        (ROOM, "test_a_transaction_over_many_seats_is_never_split"),
        (HUB, "test_every_state_shown_was_committed_and_all_viewers_end_at_the_last"),
    ],
    "I6 every use case: the state before and the frames are the state after": [
        (USE_CASES, "test_snapshot_before_and_frames_are_the_snapshot_after"),
        (USE_CASES, "test_all_use_cases_one_after_the_other_reach_every_viewer"),
        ("booking/model/test_seat_model.py", "test_every_use_case_keeps_every_invariant"),
    ],
    "I7 a delta repeated, or from further back, makes no difference": [
        (ROOM, "test_replaying_any_suffix_twice_changes_nothing"),
        (ROOM, "test_any_delta_from_further_back_gives_the_same"),
        (ROOM, "test_any_order_with_repeats_ends_in_the_same_state"),
    ],
    "I8 time alone changes nothing": [
        (SEAT_MAP, "test_a_lock_whose_time_has_passed_stays_on_the_map_until_it_is_written"),
    ],
    "I9 a slow reader uses little memory and delays nobody": [
        (VIEWER, "test_a_stuck_socket_gets_one_frame_for_all_it_missed_and_delays_nobody"),
        (VIEWER, "test_deltas_stop_at_the_window_heartbeats_do_not_and_after_an_ack_one_delta_brings_the_rest"),
        (VIEWER, "test_a_socket_that_never_acknowledges_is_closed_with_4004"),
        (VIEWER, "test_a_send_that_blocks_for_ten_seconds_ends_with_4001"),
    ],
    "I10 the bridge may die, freeze, lose its subscribers": [
        (CLUSTER, "test_when_the_bridge_is_killed_and_restarted_no_socket_closes"),
        (CLUSTER, "test_while_the_bridge_is_frozen_maps_are_half_a_second_late"),
        (CLUSTER, "test_subscriptions_that_are_cut_are_made_again"),
        (CLUSTER, "test_publishing_to_an_absent_bridge_costs_the_caller_nothing"),
    ],
    "I11 a restart: reconnects are spread, one query a room": [
        (SERVERS, "test_sigterm_sends_bye_4003_and_a_restart_begins_another_epoch"),
        (VIEWER, "test_draining_sends_bye_with_a_time_to_reconnect"),
        (HUB, "test_a_hundred_sockets_of_one_showtime_cost_one_query"),
    ],
    "I12 frames hold nothing about persons": [
        (SERVERS, "test_the_owner_of_a_lock_and_a_stranger_get_the_same_bytes"),
        (USE_CASES, "test_no_frame_has_the_owner_or_the_end_of_a_lock"),
    ],
    "I13 published wherever it is committed, never when it is not": [
        (PUBLISH, "test_from_a_thread_of_its_own"),
        (PUBLISH, "test_from_a_thread_with_an_event_loop_of_its_own"),
        (PUBLISH, "test_from_an_async_view_in_the_hubs_own_loop"),
        (PUBLISH, "test_from_a_management_command"),
        (PUBLISH, "test_only_after_the_outermost_transaction"),
        (PUBLISH, "test_never_when_it_is_rolled_back_and_the_number_is_used_again"),
        (SERVERS, "test_hello_then_snapshot_then_a_delta_for_a_lock"),
        (CLUSTER, "test_a_process_without_a_loop_publishes_too"),
    ],
    "I14 on every transport and both servers": [
        (HUB, "test_every_state_shown_was_committed_and_all_viewers_end_at_the_last"),
        (CLUSTER, "test_a_change_committed_in_one_process_is_shown_at_once_by_the_other"),
        (SERVERS, "test_hello_then_snapshot_then_a_delta_for_a_lock"),
    ],
    "I15 a wrong seat in one client is repaired by the digest": [
        (HUB, "test_a_wrong_seat_in_one_client_is_repaired_after_the_next_heartbeat"),
    ],
    "I16 a database that goes back is noticed within one poll and begins one new epoch": [
        (HUB, "test_every_state_shown_was_committed_and_all_viewers_end_at_the_last"),
        (BACK, "test_an_older_version_is_noticed_by_one_poll_and_every_viewer_gets_a_snapshot_of_another_epoch"),
        (BACK, "test_a_database_that_is_at_or_past_the_old_version_again_is_noticed_by_one_poll"),
        (BACK, "test_a_catch_up_in_a_database_that_went_back_and_past_does_not_merge_two_lives"),
        (BACK, "test_two_processes_that_notice_at_once_agree_on_one_epoch"),
        (BACK, "test_a_poll_that_is_overtaken_by_changes_is_no_cause_for_an_epoch"),
        ("booking/seats/test_epochs.py", "test_of_two_who_notice_at_once_one_begins_the_epoch"),
        (BOARD, "test_when_the_database_goes_back_every_board_gets_a_full_list_with_the_smaller_version"),
        (RESTORED, "test_pg_restore_of_an_older_dump_under_load_heals_every_map_and_the_board"),
        (RESTORED, "test_a_sqlite_database_that_is_restored_in_place_heals_the_map"),
        (RESTORED, "test_rows_that_are_put_back_by_hand_heal_the_map_and_do_not_stop_the_sale"),
    ],
    "I17 no heartbeat confirms what the database does not have": [
        (BACK, "test_a_change_that_fits_both_lives_is_noticed_and_never_confirmed"),
        (BEATS, "test_a_heartbeat_waits_until_a_poll_has_confirmed_the_version"),
        (BEATS, "test_of_a_room_that_never_rests_every_viewer_gets_confirmed_heartbeats"),
        (RESTORED, "test_pg_restore_of_an_older_dump_under_load_heals_every_map_and_the_board"),
    ],
}


@pytest.mark.parametrize("rule", TESTS_OF)
def test_the_tests_of_a_rule_exist(rule):
    for file, name in TESTS_OF[rule]:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE), (file, name)


def test_every_rule_has_tests():
    names = [rule.split()[0] for rule in TESTS_OF]
    assert names == [f"R{n}" for n in range(1, 7)] + [f"I{n}" for n in range(1, 18)]


def test_every_line_that_a_mutant_breaks_exists_once():
    """`make soak` runs the mutants; here only that it can."""
    for mutant in mutants.MUTANTS:
        assert (ROOT / mutant.file).read_text().count(mutant.line) == 1, mutant.name
