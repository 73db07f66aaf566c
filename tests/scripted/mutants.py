"""tests/scripted/mutants.py SOURCE BUILD OBJECTS [NAME...]: Mutation tests: breaks each rule, and shows which test notices.

Two kinds: a kernel that breaks a rule (mutant.h; an environment variable selects it), and the
library with one line changed, below. OBJECTS lists the files that each test is linked from. A mutant
that no test notices is a failure, and so is one whose line does not exist any more.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

TESTS = "streams stream_ends listener timers intervals send_low calls late paused sessions offload checks stages rates coalesce requests half_close requests_client groups splits shared silent addresses game walks".split()
WRAPS = "malloc calloc realloc free gw__stream_filters_create".split()
SERVER_WRAPS = "gw_port_create gw_port_destroy gw_port_stop gw_workers_start gw_workers_join".split()
SERVER_TESTS = {"game", "walks"}
SESSION_TESTS = {"addresses", "checks", "coalesce", "filtered", "groups", "half_close", "late", "offload", "paused", "rates", "requests", "requests_client", "sessions", "shared", "silent", "splits", "stages"}
ARCHIVES = "gw_server gw_tools_common gw_proto_game gw_session gw_net gw_protocol gw_proto_gw".split()
TIMEOUT_SECONDS = 10

# Rule of the contract (0: none), name, file, text, replacement.
CHANGES = [
    (3, "recv-twice", "net/stream_recv.c", "if (stream->receiving || stream->peer_finished",
     "if (stream->peer_finished"),
    (3, "send-twice", "net/stream_send.c", "return open && !stream->sending && ", "return open && "),
    (4, "ring-forgets", "net/ring.c", "append(ring, borrowed, bytes);", "ring->tail += bytes;"),
    (4, "ring-hoards", "net/ring.c", "if (first == own) {", "if (0) {"),
    (4, "send-repeats", "net/send_queue.c", "spans[count].data = data + entry->begin;",
     "spans[count].data = data;"),
    (4, "chunk-given-early", "net/send_queue.c", "if (bytes < left) {", "if (bytes < left && 0) {"),
    (5, "close-does-not-cancel", "net/stream_end.c",
     "stream->turn.lane->ops->cancel(&stream->socket);", ";"),
    (5, "listener-does-not-cancel", "net/listener.c", "ops_of(listener)->cancel(&listener->socket);", ";"),
    (6, "close-does-not-wait", "net/stream_end.c", "!stream->sending && !stream->receiving) {",
     "!stream->sending) {"),
    (6, "flush-takes-longer", "net/stream_end.c", "gw__stream_set_end_deadline(stream, GW_STREAM_FLUSH_MS);",
     "gw__stream_set_end_deadline(stream, GW_STREAM_FLUSH_MS + 2);"),
    (6, "flush-gives-up", "net/stream_end.c", "gw__stream_set_end_deadline(stream, GW_STREAM_FLUSH_MS);",
     "gw__stream_set_end_deadline(stream, GW_STREAM_FLUSH_MS - 2);"),
    (6, "linger-takes-longer", "net/stream_end.c", "gw__stream_set_end_deadline(stream, GW_STREAM_LINGER_MS);",
     "gw__stream_set_end_deadline(stream, GW_STREAM_LINGER_MS + 2);"),
    (6, "linger-reads-for-ever", "net/stream_recv.c",
     "if (stream->state == GW_STREAM_LINGERING && stream->lingered_bytes > GW_STREAM_LINGER_BYTES) {",
     "if (0) {"),
    (6, "no-fin", "net/stream_end.c", "stream->turn.lane->ops->shutdown(&stream->socket);", ";"),
    (6, "close-before-fin", "net/stream_end.c", "stream->state = GW_STREAM_LINGERING;",
     "begin_close(stream); return;"),
    (6, "pause-stops-the-end", "net/stream_recv.c", "case GW_STREAM_LINGERING:\n        return true;",
     "case GW_STREAM_LINGERING:\n        return !stream->paused;"),
    (6, "failed-send-ends-receiving", "net/stream_send.c", "stream->send_failed = true;",
     "gw__stream_fail(stream, error); return;"),
    (6, "fin-is-not-an-end", "net/stream_recv.c", "stream->peer_finished = true;", "return;"),
    (6, "handle-leaks", "net/listener.c",
     "if (result == 0 && listener->closing) {\n        ops_of(listener)->socket_close(socket->accepted);",
     "if (result == 0 && listener->closing) {\n        ;"),
    (6, "queue-without-limit", "net/stream_send.c", "if (before != 0 && (uint64_t)before + cost > limit) {",
     "if (0) {"),
    (6, "queue-limit-off-by-one", "net/stream_send.c",
     "before + cost > limit) {", "before + cost >= limit) {"),
    (6, "burst-without-limit", "net/stream_send.c", "limit *= GW_STREAM_BURST_FACTOR;", "limit = UINT32_MAX;"),
    (6, "burst-is-not-allowed", "net/stream_send.c", "limit *= GW_STREAM_BURST_FACTOR;", ";"),
    (6, "limit-does-not-ask-the-kernel", "net/stream_send.c",
     "try_now(stream);\n        is_blocked", "is_blocked"),
    (6, "refusal-is-forgotten", "net/stream_send.c",
     "gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_SOME);", ";"),
    (6, "refusal-is-kept", "net/stream_send.c",
     "gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_NONE);", ";"),
    (6, "soft-limit-does-not-ask-the-kernel", "net/stream_send.c",
     "try_now(stream);\n    if (queued(stream) > soft_bytes(stream))", "if (queued(stream) > soft_bytes(stream))"),
    (6, "loss-is-sent-at-once", "net/stream_send.c", "gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_LOSS);", ";"),
    (6, "shortage-spins", "net/listener.c", "bool pauses = is_shortage || ", "bool pauses = "),
    (6, "peers-are-a-shortage", "net/listener.c", "bool is_shortage = error == GW_E_FULL || error == GW_E_MEMORY;",
     "bool is_shortage = true;"),
    (6, "failures-without-pause", "net/listener.c", "|| listener->failure_count == FAILURE_COUNT_MAX;", ";"),
    (6, "shortage-pause", "net/listener.c", "PAUSE_MS = 100,", "PAUSE_MS = 98,"),
    (8, "timer-early", "net/wheel.c", "return exact ? whole : whole + 1;", "return whole;"),
    (8, "timer-not-stopped", "net/timer.c",
     "timer->state &= (uint8_t)~SET;\n    gw__lane_unlock_wheel(lane);\n}", "gw__lane_unlock_wheel(lane);\n}"),
    (8, "timer-moved-later-only", "net/timer.c", "- timer->due_tick) < 0) {", "- timer->due_tick) < -999999) {"),
    (8, "no-wake", "net/lane.c", "} else {\n        gw__lane_wake(lane);\n    }", "}"),
    (8, "clock-of-the-machine", "net/lane.c",
     "atomic_store(&lane->woken, false);\n    gw__worker()->now_ns = lane->ops->now_ns();",
     "atomic_store(&lane->woken, false);\n    gw__worker()->now_ns = os_now_ns();"),
    (8, "timers-before-the-kernel", "net/lane.c", "&lane->wheel, lane->seen_ns,", "&lane->wheel, gw__worker()->now_ns,"),
    (8, "late-holds-nothing", "net/lane.c", "if (lane->defer_until_ns == 0 && late_ns > LATE_NS) {", "if (0) {"),
    (8, "late-turns-are-not-late", "net/lane.c", "poll->back_ns != 0 && now_ns > due_ns", "poll->back_ns > due_ns"),
    (8, "hold-without-end", "net/lane.c", "lane->defer_poll_count > 0 && poll->back_ns < lane->defer_until_ns", "lane->defer_poll_count > 0"),
    (9, "turn-without-budget", "net/turn.c", "i < GW_TURN_TASK_COUNT_MAX && ", "i >= 0 && "),
    (9, "frames-without-budget", "session/receive.c", "count < GW_FRAMES_PER_TURN_MAX", "count >= 0"),
    (0, "pause-is-ignored", "net/stream_recv.c", "stream->paused = true;", ";"),
    (0, "resume-forgets-the-ring", "net/stream_recv.c",
     "stream->paused = false;\n        gw__stream_post_work(stream, GW_STREAM_WORK_READ);",
     "stream->paused = false;\n        gw__stream_recv(stream);"),
    (0, "reason-of-the-last", "net/stream_end.c",
     "atomic_compare_exchange_strong(&stream->end, &none, end);",
     "(none = atomic_exchange(&stream->end, end)) == 0;"),
    (0, "frame-deadline-moves", "session/receive.c", "if (!session->partial && gw__session_reads(session)", "if (gw__session_reads(session)"),
    (0, "silence-is-long", "session/deadline.c", "HEARTBEAT_LOST_COUNT = 3,", "HEARTBEAT_LOST_COUNT = 4,"),
    (0, "deadline-early", "session/deadline.c", "limit_ms + 1 - passed_ms", "limit_ms - passed_ms"),
    (0, "bucket-saves-up", "session/rates.c", "(bucket->full_ns > at_ns ? bucket->full_ns : at_ns)", "bucket->full_ns"),
    (0, "bucket-holds-one-more", "session/rates.c", "rule.token_ns * (burst_count - 1);", "rule.token_ns * burst_count;"),
    (0, "delayed-at-the-rate", "session/rates.c", "rule.interval_ns / 2;", "rule.interval_ns;"),
    (0, "dropped-at-twice-the-rate", "session/rates.c", "is_droppable ? rule.interval_ns :", "is_droppable ? rule.interval_ns / 2 :"),
    (0, "bucket-of-all", "session/rates.c", "return &session->buckets[rule->bucket];", "(void)rule; return session->buckets;"),
    (0, "throttled-is-free", "session/rates.c", "gw__rates_take(session, session->packet);", ";"),
    (0, "throttled-loses", "session/rates.c", "gw_stream_resume(session->stream);", "session->packet = NULL;\n    gw_stream_resume(session->stream);"),
    (0, "throttled-is-silent", "session/deadline.c", "} else if (!gw__session_reads(session)) {\n        consider(", "} else if (0) {\n        consider("),
    (0, "throttled-is-idle", "session/rates.c", "session->active_ms += now_ms - session->since_ms;", ";"),
    (0, "throttled-is-partial", "session/rates.c", "session->partial = false;", ";"),
    (0, "throttled-is-late", "session/receive.c", "if (!session->partial && gw__session_reads(session) && has_begun) {",
     "if (!session->partial && has_begun) {"),
    (0, "drop-stores", "session/receive.c", "gw__session_skip(session, frame);", "gw__session_skip(session, frame);\n    session->skip_bytes = 8;"),
    (0, "crossing-is-longer", "session/stage.c", "bool is_crossing = gw__session_now_ms(session) - session->stage_ms <= GW_CROSSING_MS", "bool is_crossing = gw__session_now_ms(session) - session->stage_ms <= GW_CROSSING_MS + 3"),
    (0, "crossing-is-shorter", "session/stage.c", "bool is_crossing = gw__session_now_ms(session) - session->stage_ms <= GW_CROSSING_MS", "bool is_crossing = gw__session_now_ms(session) - session->stage_ms < GW_CROSSING_MS - 1"),
    (0, "own-move-crosses", "session/stage.c", "session->greeted && !session->handling", "session->greeted"),
    (0, "crossing-is-handled", "session/receive.c", "gw__stage_recheck(session, frame);", ";"),
    (0, "crossing-has-no-rate", "session/stage.c", "enum gw_rate rate = gw__rates_check(session, packet);\n    if",
     "enum gw_rate rate = GW_RATE_PASS;\n    if"),
    (0, "pause-takes-the-second", "session/rates.c", "gw__stage_exclude(session, session->since_ms, now_ms);", ";"),
    (0, "every-move-forgives-all", "session/stage.c", "session->previous_stages = is_crossing ? session->previous_stages : 0;", ";"),
    (0, "drop-may-drip", "session/receive.c", "gw_ring_used_bytes(ring) > 0 || session->skip_bytes > 0;", "gw_ring_used_bytes(ring) > 0;"),
    (0, "excess-is-forgiven", "session/rates.c", "return GW_RATE_TOO_OFTEN;", ";"),
    (0, "excess-is-a-burst", "session/rates.c", "> now_ns + rule->ahead_ns_max) {", "> now_ns + rule->spare_ns) {"),
    (0, "silence-saves-up", "session/rates.c", "bucket->covered_ns > from_ns ? bucket->covered_ns : from_ns",
     "bucket->covered_ns > 0 ? bucket->covered_ns : from_ns"),
    (0, "pause-allows-nothing", "session/rates.c", "gw__rates_add_unread(session, session->since_ms);", ";"),
    (0, "stop-allows-nothing", "session/receive.c", "gw__rates_add_unread(session, session->received_ms);", ";"),
    (0, "stop-takes-the-second", "session/receive.c", "gw__stage_exclude(session, session->received_ms, now_ms);", ";"),
    (0, "stop-of-a-wait-allows-nothing", "session/deadline.c", "gw__rates_add_unread(session, session->since_ms);", ";"),
    (0, "pause-allows-for-ever", "session/rates.c", "session->no_lag_ns = now_ns + unread_ns", "session->no_lag_ns = now_ns + 3 * unread_ns"),
    (0, "buckets-are-kept", "session/deadline.c", "gw__rates_free_idle(session);", ";"),
    (0, "buckets-go-too-early", "session/rates.c", "if (bucket->covered_ns > now_ns || bucket->full_ns > now_ns) {", "if (0) {"),
    (0, "nothing-makes-way", "net/stream_send.c", "if (entry->key == 0 || queued", "if (1 || queued"),
    (0, "short-queues-lose", "net/stream_send.c", "stream->queued_bytes_max / GW_STREAM_SOFT_PART;", "0;"),
    (0, "shown-is-dropped", "net/send_queue.c", "index >= shown_count && ", ""),
    (0, "heads-go-too", "net/send_queue.c", "entry->end = entry->key_begin;", "entry->end = entry->begin;"),
    (0, "loss-is-not-reported", "net/send_queue.c", "entry->after_loss = gone_out->count > 0;", ";"),
    (0, "loss-is-reported-at-once", "net/send_queue.c", "if (entry->after_loss) {", "if (entry->key != 0) {"),
    (0, "kind-is-not-last", "session/group.c", "(last_piece(group)->key == 0 || last_piece(group)->key == key);", "1;"),
    (0, "send-low-is-early", "net/stream_send.c", "queued(stream) <= soft_bytes(stream) / 2;", "queued(stream) <= soft_bytes(stream);"),
    (0, "send-low-repeats", "net/stream_send.c", "stream->was_high = false;", ";"),
    (0, "interval-drifts", "net/timer.c", "timer->deadline_ns += passed_count * timer->interval_ns;", "timer->deadline_ns = now_ns + timer->interval_ns;"),
    (0, "interval-makes-up", "net/timer.c", "(now_ns - timer->deadline_ns) / timer->interval_ns + 1;", "1;"),
    (0, "call-does-not-copy", "net/turn.c", "memcpy(call->data, data, bytes);", ";"),
    (0, "key-stops", "net/offload.c", "append(pool, job->follower);", ";"),
    (0, "key-runs-side-by-side", "net/offload.c", "bool is_ready = job->key == NULL || enter_key(pool, job);",
     "bool is_ready = true;\n    job->key = NULL;\n    (void)enter_key;"),
    (0, "closed-pool-works", "net/offload.c", "if (job->result == GW_OK && job->work != NULL) {", "if (job->work != NULL) {"),
    (0, "job-holds-no-turn", "net/offload.c", "gw_turn_unref(turn);\n    gw_turn_unref(&pool->turn);",
     "gw_turn_unref(&pool->turn);"),
    (0, "job-holds-no-pool", "net/offload.c", "        gw_turn_ref(&pool->turn);\n", ""),
    (0, "jobs-without-limit", "net/offload.c", "pool->counters.queued_count >= pool->queue_count_max", "0"),
    (0, "slow-job-is-silent", "net/offload.c", "gw_turn_post(&pool->turn, &pool->watch_task);", ";"),
    (0, "slow-job-repeats", "net/offload.c", "job->is_logged = is_slow;", ";"),
    (0, "dropped-still-costs", "net/stream_send.c", "release(stream, gone.cost);\n        if (gone.count", "if (gone.count"),
    (0, "answers-twice", "session/open_requests.c", "*closed_out = *request;\n    remove_request(session->requests, request);", "*closed_out = *request;"),
    (0, "no-timeout", "session/open_requests.c", "while (has_timed_out(session)) {", "while (0) {"),
    (0, "timeout-not-awaited", "session/open_requests.c", "gw__session_shorten_deadline(session, timeout_ms + 1);", ";"),
    (0, "timeout-stays-open", "session/open_requests.c", "remove_request(session->requests, session->requests->open);\n        time_out", "time_out"),
    (0, "requests-without-limit", "session/open_requests.c", " || count_of(session) == GW_REQUEST_COUNT_MAX) {", ") {"),
    (0, "tag-twice", "session/open_requests.c", "if (find(session, frame->tag) != NULL) {", "if (0) {"),
    (0, "any-reply-answers", "session/open_requests.c", "if (request == NULL || !is_answer_to(session, answer, request)) {", "if (request == NULL) {"),
    (0, "gone-is-not-reported", "session/open_requests.c", "call_on_answer(session, &request, GW_ANSWER_CLOSED, NULL, NULL);", ";"),
    (0, "tags-repeat", "session/open_requests.c", "requests->last_tag == 0 || find(session, requests->last_tag) != NULL", "requests->last_tag == 0"),
    (0, "tags-begin-anew", "session/open_requests.c", "session->requests->last_tag == 0) {", "1) {"),
    (0, "reply-goes-to-all", "session/receive.c", "if (observed->is_answer) {", "if (0) {"),
    (0, "answer-in-another-turn-is-free", "session/request.c", "if (close_request(session, &reply->frame)) {", "{"),
    (0, "paused-does-not-poll", "session/deadline.c", "int error = gw_stream_peer_end(session->stream);", "int error = 0;"),
    (0, "pause-after-fin-for-ever", "session/deadline.c", "session->fin_seen = error == GW_E_CLOSED;", "session->fin_seen = 0;"),
    (0, "paused-handles-more", "session/receive.c", "if (session->paused) {", "if (0) {"),
    (0, "idle-in-the-future", "session/greeting.c", "if (!gw__session_reads(session)) {", "if (0) {"),
    (0, "asked-in-a-pause", "session/rates.c", "session->ping_pending = false;", ";"),
    (0, "paused-is-not-paused", "session/rates.c", "gw_stream_pause(session->stream);", ";"),
    (0, "fin-answers-nothing", "session/end.c", "if (session->recv_done && !awaits_answer(session)) {", "if (session->recv_done) {"),
    (0, "fin-overtakes-frames", "session/end.c", "if (session->recv_done && ", "if (session->recv_ended && "),
    (0, "fin-is-pinged", "session/deadline.c", "if (session->recv_ended || (session->fin_seen", "if (0 && (session->fin_seen"),
    (0, "fin-awaits-a-frame", "session/deadline.c", "!session->paused && !session->recv_ended) {", "!session->paused) {"),
    (0, "fin-in-a-pause-stays", "session/deadline.c", "session->recv_done = true;", ";"),
    (0, "half-closed-stays-after-late", "session/deadline.c", "    gw__session_finish_if_done(session);\n}", "}"),
    (0, "half-closed-stays-after-reply", "session/request.c", "&reply->frame, reply->body);\n        gw__session_finish_if_done(session);", "&reply->frame, reply->body);"),
    (0, "half-closed-stays-after-greeting", "session/greeting.c", "    gw__session_finish_if_done(session);\n}", "}"),
    (0, "fin-forgets-the-rest", "net/stream_recv.c", "stream->events->on_recv_end(stream, stream->context);\n        gw__stream_deliver(stream);", "stream->events->on_recv_end(stream, stream->context);"),
    (0, "silent-take-sessions", "session/admission.c", "admitted + SESSION - REFERENCE));", "admitted + SESSION));"),
    (0, "newest-is-displaced", "session/pending.c", "uint32_t oldest = pending->oldest;", "uint32_t oldest = pending->newest;"),
    (0, "displaced-is-not-noticed", "session/admission.c", "!gw__pending_has(&manager->pending, session->pending, session->id)) {", "0) {"),
    (0, "pending-entry-leaks", "session/admission.c", "if (!gw__pending_remove(&manager->pending, session->pending, session->id)) {", "if (0) {"),
    (0, "hello-of-a-full-server", "session/admission.c", "(admitted & SESSIONS) >= manager->config.session_count_max) {\n            return false;", "0) {\n            return false;"),
    (0, "address-is-not-left", "session/admission.c", "gw__address_leave(manager, session->address);", ";"),
    (0, "address-without-limit", "session/addresses.c", "if (is_too_often || is_full(manager, way)) {", "if (is_too_often) {"),
    (0, "address-without-rate", "session/addresses.c", "way->full_ns > now_ns + (burst - 1) * connect_ns;", "0;"),
    (0, "all-of-ipv6-is-one", "session/addresses.c", "return prefix != 0 ? prefix", "return prefix != 0 ? 2"),
    (0, "full-table-forgets", "session/addresses.c", "way->key != 0 && (way->connection_count > 0 || way->full_ns > now_ns ||", "way->key != 0 && (way->full_ns > now_ns ||"),
    (0, "each-refusal-is-logged", "session/addresses.c", "way->refused_count == 0 || way->log_ns > now_ns) {", "way->refused_count == 0) {"),
    (0, "proxied-keeps-two", "session/addresses.c", "    if (leaves) {\n        way->connection_count--;", "    if (leaves) {"),
    (0, "proxied-is-not-checked", "session/greeting.c", "if (!gw__session_check_address(session)) {", "if (0) {"),
    (0, "refusals-use-all-streams", "session/admission.c", "if (begin_refusal(manager, reason)) {", "begin_refusal(manager, reason);\n    if (1) {"),
    (0, "refusals-are-for-ever", "session/admission.c", "    end_refusal(context);\n", ""),
    (0, "no-close-frame", "session/end.c",
     "close_frame = manager->close_frames[is_in_list ? reason : GW__CLOSE_REASON__KICKED];", "(void)is_in_list;"),
    (0, "drain-asks-only", "session/drain.c", "gw_session_manager_each(manager, end_session, NULL);", ";"),
    (0, "new-member-receives-old-messages", "session/membership.c",
     "membership->sent_bytes = group->batch_bytes;", ";"),
    (0, "ended-session-is-added", "session/membership.c", "if (membership->session->closed) {", "if (0) {"),
    (0, "leaver-misses-the-end", "session/group.c",
     "batch_send(group, group->members[index]);\n        gw__membership_end(group->members[index]);",
     "gw__membership_end(group->members[index]);"),
    (0, "message-overtakes-broadcasts", "session/group.c",
     "batch_send(group, group->members[index]);\n        gw_session_send(", "gw_session_send("),
    (0, "excluded-member-receives", "session/group.c",
     "group->members[except]->sent_bytes = group->batch_bytes;", ";"),
    (0, "excluded-member-misses-the-past", "session/group.c",
     "batch_send(group, group->members[except]);", ";"),
    (0, "one-packet-flushes-all", "session/group.c",
     "batch_send(group, group->members[index]);\n        gw_session_send(",
     "gw_group_flush(group);\n        gw_session_send("),
    (0, "early-part-is-sent-again", "session/group.c", "membership->sent_bytes = group->batch_bytes;", ";"),
    (0, "position-stays-after-the-tick", "session/group.c", "group->members[i]->sent_bytes = 0;", ";"),
    (0, "piece-loses-its-mark", "session/group.c", "piece->buf = buf;\n    mark(piece);", "piece->buf = buf;"),
    (0, "member-stays", "session/session.c", "gw__session_leave_groups(session);", ";"),
    (0, "member-is-kept", "server/game/room.c", "(void)roster_remove(&room->roster, player->id);", ";"),
    (0, "enter-reads-on", "server/game/player.c", "is_paused = is_paused;\n    if (is_paused) {", "is_paused = is_paused;\n    if (0) {"),
    (0, "refusal-has-no-second", "server/game/player.c", "gw_session_set_stage(player->session, GAME__STAGE__IN_ROOM);", ";"),
    (0, "line-repeats", "server/game/room.c", "room->line++;", ";"),
]

# Changes by the test that notices them: of filters, and of parts that may be left out.
CHANGES_OF_TEST = {
    "filters": [
        (0, "filters-send-before-they-are-open", "net/stream_filter_send.c", "if (index == filters->count && !filters->is_failed &&",
         "if ((index = filters->count) && !filters->is_failed &&"),
        (0, "filters-lose-the-rest-before-fin", "net/stream_filter_send.c", "return !wants_send;", "return true;"),
        (0, "filters-send-no-end", "net/stream_filter_send.c", "filter->ops->finish(filter, gw__stream_reason(stream));", ";"),
        (0, "batch-is-coalesced-away", "net/stream_filter_send.c", "stream->shown_count = (uint8_t)taken;", ";"),
        (0, "batch-is-counted-out-early", "net/stream_filter_send.c", "filters->batch_bytes = GW_FILTER_SEND_BYTES_MAX - left_bytes;",
         "gw__stream_consume(stream, GW_FILTER_SEND_BYTES_MAX - left_bytes, &(struct gw_send_gone){0});"),
        (0, "filters-count-a-part-as-all", "net/stream_filter_send.c", "took_all = sent == (int)output.bytes;", "took_all = sent > 0;"),
        (0, "filters-receive-too-early", "net/stream_filter.c", "        if (is_drained) {\n            receive(stream);", "        if (1) {\n            receive(stream);"),
        (0, "filters-are-asked-once", "net/stream_filter.c", "while (goes_on && !is_drained) {", "for (int once = 0; once < 1; once++) {"),
        (0, "filters-forget-fin", "net/stream_filter.c", "int error = filter->is_done ? GW_OK : filter->ops->recv_end(filter);", "int error = GW_OK;"),
        (0, "filters-end-is-no-end", "net/stream_filter.c", "bool ends = is_drained && ", "bool ends = 0 && is_drained && "),
        (0, "pause-stops-a-handshake", "net/stream_filter.c", "return !stream->paused || (", "return !stream->paused || (0 && "),
        (0, "failure-keeps-the-queue", "net/stream_filter.c", "if (filters->rest == NULL) {\n            gw__stream_drop_queue(stream);\n        }", ";"),
        (0, "failure-has-no-answer", "net/stream_filter.c", "filters->sender_count = (uint8_t)(index + 1);", "filters->sender_count = 0;"),
        (0, "failure-is-finished", "net/stream_filter.c", "filters->unfinished_count = (uint8_t)(index < 0 ? 0 : index);", ";"),
        (0, "lost-output-goes-on", "net/stream_filter_send.c", "gw__filters_fail(stream, -1, GW_E_MEMORY);", ";"),
        (0, "filters-report-no-loss", "net/stream_filter_send.c", "gw__stream_report_lost(stream, &gone);", ";"),
        (0, "filters-keep-a-refusal", "net/stream_filter_send.c", "gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_SOME);", ";"),
        (0, "filters-are-kept", "net/stream_filter.c", "gw_filter_source_unref(link->source);", ";"),
        (0, "limit-does-not-ask-through-filters", "net/stream_send.c", "gw__stream_filters_send_now(stream);", ";"),
        (0, "linger-forgets-the-fin", "net/stream_end.c", "stream->peer_finished = gw__stream_filters_have_fin(stream);", ";"),
    ],
    "filtered": [
        (0, "proxied-peer-is-the-proxy", "net/stream_filter.c", "atomic_store_explicit(&filters->peer, copy, memory_order_release);", "free(copy);"),
        (0, "failed-filter-is-the-network", "session/end.c", "case GW_E_WEBSOCKET:\n        return GW__CLOSE_REASON__BAD_WEBSOCKET;", ""),
        (0, "refused-filter-is-let-in", "net/stream_filter.c", "if (error != GW_OK) {\n            return error;\n        }\n        if (link", "if (error != GW_OK) {\n            continue;\n        }\n        if (link"),
        (0, "done-filter-stays", "net/stream_filter.c", "if (link.filter->is_done) {\n            link", "if (0) {\n            link"),
    ],
    "websocket": [
        (0, "websocket-delivers-before-the-handshake", "net/filter/websocket.c", "ws->filter.wants_send = gw__websocket_is_client(ws);",
         "ws->filter.wants_send = gw__websocket_is_client(ws); ws->filter.is_open = !gw__websocket_is_client(ws);"),
        (0, "websocket-takes-any-answer", "net/filter/websocket_recv.c", "if (problem != NULL) {", "if (0) {"),
        (0, "websocket-serves-any-request", "net/filter/websocket_recv.c", "if (refusal != NULL) {", "if (refusal != NULL && 0) {"),
        (0, "websocket-loses-the-last-bytes", "net/filter/websocket_recv.c",
         "return ws->error != 0 && written == 0 ? ws->error : written;",
         "return ws->error != 0 ? ws->error : ws->peer_status != 0 ? 0 : written;"),
        (0, "websocket-sends-no-close", "net/filter/websocket.c", "gw__websocket_queue_close(ws, status, text);", ";"),
        (0, "websocket-close-is-no-end", "net/filter/websocket_recv.c", "ws->filter.recv_ended = true;", ";"),
        (0, "websocket-fin-is-an-end", "net/filter/websocket_recv.c", "if (ws->peer_status != 0 || ws->is_closed) {", "if (1) {"),
        (0, "websocket-takes-unmasked-frames", "net/filter/websocket_recv.c", "if (part->is_masked == gw__websocket_is_client(ws)) {", "if (0) {"),
        (0, "websocket-forgets-a-part", "net/filter/websocket_recv.c", "        ws->frames = frames;", "        gw__websocket_frames_give(&ws->source->spares, frames);"),
        (0, "websocket-frees-what-is-sent", "net/filter/websocket.c", "return at == NULL ? ws->error : (int)(at - ws->output->data);",
         "int all = (int)(at - ws->output->data); memset(ws->output->data, 0, (size_t)all); return all;"),
        (0, "websocket-hoards", "net/filter/websocket.c", "    output_free((struct gw_websocket *)filter);", "    (void)filter;"),
    ],
    "tls": [
        (0, "tls-ignores-a-failed-mac", "net/filter/tls_filter.c", "error != SSL_ERROR_WANT_READ && fail_ssl(tls) != 0 && bytes == 0", "0"),
        (0, "tls-delivers-before-the-handshake", "net/filter/tls_filter.c", "        note_first(tls);\n        int result = handshake(tls);",
         "        note_first(tls);\n        int result = handshake(tls);\n        if (result < 0) {\n            memcpy(out, tls->first, tls->first_bytes);\n"
         "            tls->error = 0;\n            filter->is_open = true;\n            return tls->first_bytes;\n        }"),
        (0, "tls-loses-the-last-bytes", "net/filter/tls_filter.c", "tls->filter.recv_ended = true;", "tls->filter.recv_ended = true; bytes = 0;"),
        (0, "tls-fin-is-an-end", "net/filter/tls_filter.c", "if (tls->error != 0 || filter->recv_ended) {", "if (1) {"),
        (0, "tls-close-is-no-end", "net/filter/tls_filter.c", "tls->filter.recv_ended = true;", ";"),
        (0, "tls-sends-no-close", "net/filter/tls_filter.c", "(void)SSL_shutdown(tls->ssl);", ";"),
        (0, "tls-floods", "net/filter/tls_filter.c", "tls->is_flooded = true;", ";"),
        (0, "tls-handshakes-without-limit", "net/filter/tls_filter.c", "        source->handshake_count_max) {", "        UINT32_MAX) {"),
        (0, "tls-handshake-keeps-its-place", "net/filter/tls_filter.c", "    end_handshake(tls);\n    if (tls->error == 0) {", "    if (tls->error == 0) {"),
    ],
}


def kernel_mutants(source):
    """The names in mutant.c, with the rule beside each in mutant.h."""
    names = dict(re.findall(r"\[(MUTANT_\w+)\] = \"([\w-]+)\"",
                            (source / "tests/scripted/mutant.c").read_text()))
    rule, mutants = 0, []
    for name, comment in re.findall(r"^    (MUTANT_\w+),(?:\s*/\* (.*?) \*/)?$",
                                    (source / "tests/scripted/mutant.h").read_text(), re.MULTILINE):
        found = re.match(r"rule (\d)", comment)
        rule = int(found.group(1)) if found else rule
        if name != "MUTANT_NONE":
            mutants.append((rule, names[name]))
    return mutants


def failure_of(done):
    """The test that failed, and its message."""
    said = done.stdout
    test = re.search(r"\[  FAILED  \] (\w+)", said) or re.search(r"\[ RUN      \] (\w+)(?!.*\[ RUN)", said, re.DOTALL)
    why = re.search(r"^(rule \d: .*|.*Assertion.*)$", said, re.MULTILINE) or \
        re.search(r"\[  ERROR   \] --- (.*)", said)
    return f"{test.group(1) if test else '?'}: {why.group(1)[:90] if why else f'status {done.returncode}'}"


def run_program(program, environment):
    """The failure that shows that a test noticed the mutant, or None."""
    try:
        done = subprocess.run([program], env={**os.environ, **environment}, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return f"no end after {TIMEOUT_SECONDS} s"
    return failure_of(done) if done.returncode != 0 else None


class Library:
    def __init__(self, source, build, objects):
        self.source, self.build = pathlib.Path(source), pathlib.Path(build)
        self.parts = dict(line.split("=", 1) for line in pathlib.Path(objects).read_text().splitlines() if line)
        commands = json.loads((self.build / "compile_commands.json").read_text())
        self.commands = {command["file"]: command for command in commands}

    def compile(self, folder, file, text):
        """Compiles a changed file. Returns its object."""
        command = self.commands[str(self.source / file)]
        changed, made = folder / pathlib.Path(file).name, folder / "changed.o"
        changed.write_text(text)
        words = shlex.split(command["command"])
        words[words.index("-o") + 1] = str(made)
        words = [str(changed) if word == command["file"] else word for word in words] + ["-w", "-g0"]
        subprocess.run(words, cwd=command["directory"], check=True)
        return str(made)

    def link(self, folder, test, changed):
        """Links a test with the changed object in front of the library. Returns its path."""
        program = str(folder / test)
        objects = self.parts[test].split(":") + self.parts["gw_test_scripted"].split(":")
        wraps = WRAPS
        if test in SESSION_TESTS:
            objects += self.parts["gw_test_session_fixture"].split(":")
        if test in SERVER_TESTS:
            objects += self.parts["gw_test_server_fixture"].split(":")
            wraps = WRAPS + SERVER_WRAPS
        subprocess.run([self.parts["compiler"], *shlex.split(self.parts["flags"]), *[f"-Wl,--wrap={name}" for name in wraps], "-Wl,--strip-debug", "-o", program, *objects, changed,
                        *[self.parts[name] for name in ARCHIVES], *shlex.split(self.parts["optional"]), "-lcmocka", "-linih",
                        "-lprotobuf-c", "-luring", "-lpthread"],
                       check=True)
        return program

    def try_kernel(self, name):
        for test in TESTS:
            noticed = run_program(self.build / "tests" / f"test_scripted_{test}", {"SCRIPTED_MUTANT": name})
            if noticed:
                return f"test_{test}: {noticed}"
        return None

    def try_change(self, tests, file, old, new):
        text = (self.source / file).read_text()
        if text.count(old) != 1:
            raise LookupError(f"{file} has {text.count(old)} times: {old!r}")
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            changed = self.compile(folder, file, text.replace(old, new))
            for test in tests:
                noticed = run_program(self.link(folder, test, changed), {})
                if noticed:
                    return f"test_{test}: {noticed}"
        return None


def report(rule, kind, name, run):
    try:
        noticed = run()
    except (LookupError, subprocess.CalledProcessError) as error:
        return False, f"rule {rule or '-'}  {kind:6} {name:26} CANNOT BE MADE: {error}"
    return bool(noticed), f"rule {rule or '-'}  {kind:6} {name:26} {noticed or 'SURVIVES'}"


def main():
    library = Library(*sys.argv[1:4])
    wanted = sys.argv[4:]
    jobs = [(rule, "kernel", name, lambda name=name: library.try_kernel(name))
            for rule, name in kernel_mutants(library.source)]
    jobs += [(rule, "source", name, lambda change=change: library.try_change(TESTS, *change))
             for rule, name, *change in CHANGES]
    jobs += [(rule, "source", name, lambda test=test, change=change: library.try_change([test], *change))
             for test, changes in CHANGES_OF_TEST.items() if test in library.parts for rule, name, *change in changes]
    jobs = [job for job in jobs if not wanted or job[2] in wanted]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: report(*job), jobs))
    for _, line in results:
        print(line)
    survivors = sum(not killed for killed, _ in results)
    print(f"{len(results)} mutants, {survivors} not killed")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
