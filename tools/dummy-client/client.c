/* tools/dummy-client/client.c: one client, from its call to its last word. */
#include "tools/dummy-client/client.h"
#include "net/turn.h"
#include "proto/game/game_client.gen.h"
#include "tools/dummy-client/crowd.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/source.h"
#include "tools/dummy-client/talk.h"
#include "tools/dummy-client/text.h"
#include "tools/dummy-client/watch.h"
#include <stdio.h>

void dummy_client_init(struct dummy_client *client, struct dummy_crowd *crowd, uint32_t index)
{
    *client = (struct dummy_client){.crowd = crowd, .index = index};
    client->pace.interval_ns = dummy_pace_interval_ns(crowd->options->rate_millionths);
    dummy_window_init(&client->said, 1);
}

void dummy_client_fini(struct dummy_client *client)
{
    dummy_ledger_fini(&client->ledger);
}

bool dummy_client_dial(struct dummy_client *client, uint64_t due_ns)
{
    struct dummy_crowd *crowd = client->crowd;
    struct gw_addr source;
    bool has_source = dummy_source_addr(&crowd->options->source, client->index, &source);
    client->due_ns = due_ns;
    atomic_fetch_add(&crowd->here_count, 1);
    atomic_fetch_add(&crowd->busy_count, 1);
    atomic_fetch_add(&crowd->unfrozen_count, 1);
    client->id = gw_session_manager_dial(crowd->manager, &crowd->options->connect,
                                         has_source ? &source : NULL, client);
    if (client->id == GW_SESSION_ID_NONE) {
        atomic_fetch_sub(&crowd->here_count, 1);
        atomic_fetch_sub(&crowd->busy_count, 1);
        atomic_fetch_sub(&crowd->unfrozen_count, 1);
        return false;
    }
    return true;
}

void dummy_client_dismiss(struct dummy_client *client)
{
    struct gw_session *session = gw_session_manager_find(client->crowd->manager, client->id);
    if (session != NULL) {
        gw_session_end(session, DUMMY_LEAVES);
        gw_session_unref(session);
    }
}

uint64_t dummy_client_unanswered(const struct dummy_client *client)
{
    uint64_t sent = 0;
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        sent += client->sent[i];
    }
    uint64_t answered =
        client->said.next - 1 + dummy_ledger_own_lines(&client->ledger) + client->moves_received;
    return sent > answered ? sent - answered : 0;
}

bool dummy_client_is_slow(const struct dummy_client *client)
{
    return client->index < client->crowd->options->slow_count && client->state == DUMMY_TALKING;
}

void dummy_client_has_read(struct dummy_client *client)
{
    if (dummy_client_is_slow(client)) {
        gw_session_pause(client->session);
    }
}

/* Once it is quiet it reads all there is. */
void dummy_client_read_on(struct dummy_client *client, uint64_t now_ns)
{
    bool is_time = now_ns >= client->read_ns || !dummy_client_is_slow(client);
    if (client->index < client->crowd->options->slow_count && is_time) {
        client->read_ns = now_ns + DUMMY_SLOW_READ_NS;
        gw_session_resume(client->session);
    }
}

void dummy_client_is_ready(struct dummy_client *client)
{
    client->outcome.ready = true;
    dummy_pace_begin(&client->pace, gw_turn_now_ns(gw_session_turn(client->session)),
                     client->index);
    dummy_watch_become(client, DUMMY_TALKING);
    dummy_talk_begin(client);
    dummy_watch_look(client);
}

static void on_begin(struct gw_session *session, void *context)
{
    struct dummy_crowd *crowd = context;
    struct dummy_client *client = gw_session_user(session);
    client->session = session;
    client->outcome.begun = true;
    atomic_fetch_add(&crowd->begun_count, 1);
    atomic_fetch_add(&crowd->connected_count, 1);
    dummy_watch_begin(client);
    char name[DUMMY_NAME_BYTES];
    Gw__Hello hello = GW__HELLO__INIT;
    hello.name = dummy_text_write_name(client->index, name);
    hello.client_build = "gangway-dummy";
    gw_session_hello(session, &hello);
}

static void ask_for_room(struct dummy_client *client)
{
    char name[32];
    snprintf(name, sizeof name, "room-%lu",
             (unsigned long)(client->index / client->crowd->options->room_size));
    Game__Enter enter = GAME__ENTER__INIT;
    enter.room = name;
    dummy_request(client, gw_packet_find(&game_client_packets, GAME_PACKET_ENTER), &enter.base);
}

static void on_greeted(struct gw_session *session, const Gw__HelloAck *ack, void *context)
{
    struct dummy_crowd *crowd = context;
    struct dummy_client *client = gw_session_user(session);
    uint64_t now_ns = gw_turn_now_ns(gw_session_turn(session));
    client->outcome.greeted = true;
    dummy_histogram_add(&dummy_stats_mine(&crowd->stats)->latency[DUMMY_LATENCY_CONNECT],
                        now_ns - client->due_ns);
    if (!dummy_options_have_rooms(crowd->options)) {
        dummy_client_is_ready(client);
        return;
    }
    uint32_t member;
    struct dummy_room *room = dummy_crowd_room(crowd, client->index, &member);
    atomic_store(&room->members[member].player, ack->session_id);
    dummy_players_add(&crowd->players, ack->session_id, client->index);
    ask_for_room(client);
}

static void on_go_away(struct gw_session *session, const Gw__GoAway *go_away, void *context)
{
    struct dummy_crowd *crowd = context;
    struct dummy_client *client = gw_session_user(session);
    client->outcome.asked_to_go = true;
    atomic_store(&crowd->go_away_ms, go_away->deadline_ms + 1);
    dummy_watch_look(client);
}

/* What its room must know of a client that is gone before the end. */
static void leave_early(struct dummy_client *client)
{
    if (client->ledger.room != NULL) {
        uint64_t received = dummy_ledger_own_lines(&client->ledger);
        uint64_t sent = client->sent[DUMMY_CHAT];
        dummy_room_lose(client->ledger.room, client->ledger.self,
                        sent > received ? sent - received : 0);
    }
}

/* What can be told of the server by how it let somebody go. */
static void note_absence(struct dummy_crowd *crowd, const struct dummy_outcome *outcome)
{
    if (atomic_load(&crowd->begun_count) == 0 && outcome->reason == GW__CLOSE_REASON__NETWORK) {
        atomic_store(&crowd->nobody_listens, true);
    }
    uint_least32_t not_yet = 0;
    if (outcome->peer_reason == GW__CLOSE_REASON__SHUTDOWN) {
        atomic_compare_exchange_strong(&crowd->go_away_ms, &not_yet, 1);
    }
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    struct dummy_crowd *crowd = context;
    struct dummy_client *client = gw_session_user(session);
    struct dummy_outcome *outcome = &client->outcome;
    outcome->ended = true;
    outcome->reason = reason;
    outcome->peer_reason = peer_reason;
    atomic_fetch_sub(&crowd->connected_count, outcome->begun ? 1 : 0);
    note_absence(crowd, outcome);
    if (client->state < DUMMY_FROZEN) {
        leave_early(client);
    }
    if (!dummy_outcome_is_orderly(outcome, atomic_load(&crowd->go_away_ms) > 0)) {
        atomic_fetch_add(&crowd->disorderly_count, 1);
    }
    dummy_watch_end(client);
    client->session = NULL;
    atomic_fetch_sub(&crowd->here_count, 1);
}

const struct gw_session_events dummy_client_events = {
    .on_begin = on_begin, .on_greeted = on_greeted, .on_go_away = on_go_away, .on_end = on_end};
