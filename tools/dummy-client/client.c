/* tools/dummy-client/client.c: one client, from dialing to the end of its session. */
#include "tools/dummy-client/client.h"
#include "net/turn.h"
#include "proto/game/game_client.gen.h"
#include "session/token.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/requests.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/run.h"
#include "tools/dummy-client/send.h"
#include "tools/dummy-client/source.h"
#include "tools/dummy-client/state.h"
#include "tools/dummy-client/text.h"
#include <stdio.h>
#include <time.h>

enum { DUMMY_TOKEN_S = 60 };

bool dummy_outcome_is_orderly(const struct dummy_outcome *outcome, bool server_asked)
{
    if (outcome->reason == DUMMY_LEAVES) {
        return true;
    }
    if (!outcome->greeted && server_asked) {
        return outcome->reason == GW__CLOSE_REASON__BY_PEER ||
               outcome->reason == GW__CLOSE_REASON__NETWORK;
    }
    return outcome->asked_to_go && outcome->reason == GW__CLOSE_REASON__BY_PEER &&
           outcome->peer_reason == GW__CLOSE_REASON__SHUTDOWN;
}

void dummy_client_init(struct dummy_client *client, struct dummy_run *run, uint32_t index)
{
    *client = (struct dummy_client){.run = run, .index = index};
    client->pace.interval_ns = dummy_pace_interval_ns(run->options->rate_millionths);
    dummy_sequence_init(&client->said, 1);
}

void dummy_client_fini(struct dummy_client *client)
{
    dummy_ledger_fini(&client->ledger);
}

bool dummy_client_dial(struct dummy_client *client, uint64_t due_ns)
{
    struct dummy_run *run = client->run;
    struct gw_addr source;
    bool has_source = dummy_source_addr(&run->options->source, client->index, &source);
    client->due_ns = due_ns;
    atomic_fetch_add(&run->open_count, 1);
    atomic_fetch_add(&run->busy_count, 1);
    atomic_fetch_add(&run->unfrozen_count, 1);
    client->id = gw_session_manager_dial_filtered(run->manager, &run->options->connect.addr,
                                                  has_source ? &source : NULL,
                                                  run->options->filters, client);
    if (client->id == GW_SESSION_ID_NONE) {
        atomic_fetch_sub(&run->open_count, 1);
        atomic_fetch_sub(&run->busy_count, 1);
        atomic_fetch_sub(&run->unfrozen_count, 1);
        return false;
    }
    return true;
}

void dummy_client_dismiss(struct dummy_client *client)
{
    struct gw_session *session = gw_session_manager_find(client->run->manager, client->id);
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
    return client->index < client->run->options->slow_count && client->state == DUMMY_SENDING;
}

void dummy_client_has_read(struct dummy_client *client)
{
    if (dummy_client_is_slow(client)) {
        gw_session_pause(client->session);
    }
}

/* Once it sends no more, it reads without pauses. */
void dummy_client_read_on(struct dummy_client *client, uint64_t now_ns)
{
    bool is_time = now_ns >= client->read_ns || !dummy_client_is_slow(client);
    if (client->index < client->run->options->slow_count && is_time) {
        client->read_ns = now_ns + DUMMY_SLOW_READ_NS;
        gw_session_resume(client->session);
    }
}

void dummy_client_is_ready(struct dummy_client *client)
{
    client->outcome.ready = true;
    dummy_pace_begin(&client->pace, gw_turn_now_ns(gw_session_turn(client->session)),
                     client->index);
    dummy_state_set(client, DUMMY_SENDING);
    dummy_send_filled(client);
    dummy_state_update(client);
}

/* Seals a login token for the account of this client. Returns its size. */
static uint32_t seal_token(const struct dummy_client *client, const char *name,
                           uint8_t sealed_out[GW_TOKEN_BYTES_MAX])
{
    struct gw_token token = {.account = client->index + UINT64_C(1),
                             .not_before_s = (uint64_t)time(NULL)};
    token.expires_s = token.not_before_s + DUMMY_TOKEN_S;
    snprintf(token.name, sizeof token.name, "%s", name);
    return gw_tokens_seal(client->run->options->tokens, &token, sealed_out);
}

static void on_begin(struct gw_session *session, void *context)
{
    struct dummy_run *run = context;
    struct dummy_client *client = gw_session_user(session);
    client->session = session;
    client->outcome.begun = true;
    atomic_fetch_add(&run->begun_count, 1);
    atomic_fetch_add(&run->connected_count, 1);
    dummy_state_begin(client);
    char name[DUMMY_NAME_BYTES];
    Gw__Hello hello = GW__HELLO__INIT;
    hello.name = dummy_text_write_name(client->index, name);
    hello.client_build = "gangway-dummy";
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    if (run->options->tokens != NULL) {
        hello.credentials.data = sealed;
        hello.credentials.len = seal_token(client, name, sealed);
    }
    gw_session_hello(session, &hello);
}

/* A client whose Enter gets no reply leaves. */
static void on_entered(struct gw_session *session, const struct gw_answer *answer,
                       const Game__Entered *entered, void *context)
{
    struct dummy_client *client = context;
    dummy_request_measure(client, answer);
    if (entered != NULL) {
        game_client_on_entered(session, answer->frame, entered);
    } else if (answer->kind != GW_ANSWER_CLOSED) {
        client->outcome.refusal = DUMMY_REFUSED_BY_ERROR;
        gw_session_end(session, DUMMY_LEAVES);
    }
}

static void enter_room(struct dummy_client *client)
{
    char name[32];
    snprintf(name, sizeof name, "room-%lu",
             (unsigned long)(client->index / client->run->options->room_size));
    Game__Enter enter = GAME__ENTER__INIT;
    enter.room = name;
    if (game_ask_enter(client->session, &enter, on_entered, client) == 0) {
        gw_session_end(client->session, GW__CLOSE_REASON__NO_MEMORY);
    }
}

static void on_greeted(struct gw_session *session, const Gw__HelloAck *ack, void *context)
{
    struct dummy_run *run = context;
    struct dummy_client *client = gw_session_user(session);
    uint64_t now_ns = gw_turn_now_ns(gw_session_turn(session));
    client->outcome.greeted = true;
    gw_histogram_add(&dummy_stats_mine(&run->stats)->latency[DUMMY_LATENCY_CONNECT],
                     now_ns - client->due_ns);
    if (!dummy_options_have_rooms(run->options)) {
        dummy_client_is_ready(client);
        return;
    }
    uint32_t member;
    struct dummy_room *room = dummy_run_room(run, client->index, &member);
    atomic_store(&room->members[member].player, ack->session_id);
    dummy_players_add(&run->players, ack->session_id, client->index);
    enter_room(client);
}

static void on_go_away(struct gw_session *session, const Gw__GoAway *go_away, void *context)
{
    struct dummy_run *run = context;
    struct dummy_client *client = gw_session_user(session);
    client->outcome.asked_to_go = true;
    atomic_store(&run->go_away_ms, go_away->deadline_ms + 1);
    dummy_state_update(client);
}

/* Records in its room that a client is lost before the end. */
static void lose_member(struct dummy_client *client)
{
    if (client->ledger.room != NULL) {
        uint64_t received = dummy_ledger_own_lines(&client->ledger);
        uint64_t sent = client->sent[DUMMY_CHAT];
        dummy_room_lose(client->ledger.room, client->ledger.self,
                        sent > received ? sent - received : 0);
    }
}

/* What the end of one session shows of the server: it does not listen, or it drains. */
static void note_server_state(struct dummy_run *run, const struct dummy_outcome *outcome)
{
    if (atomic_load(&run->begun_count) == 0 && outcome->reason == GW__CLOSE_REASON__NETWORK) {
        atomic_store(&run->nobody_listens, true);
    }
    uint_least32_t not_yet = 0;
    if (outcome->peer_reason == GW__CLOSE_REASON__SHUTDOWN) {
        atomic_compare_exchange_strong(&run->go_away_ms, &not_yet, 1);
    }
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    struct dummy_run *run = context;
    struct dummy_client *client = gw_session_user(session);
    struct dummy_outcome *outcome = &client->outcome;
    outcome->ended = true;
    outcome->reason = reason;
    outcome->peer_reason = peer_reason;
    atomic_fetch_sub(&run->connected_count, outcome->begun ? 1 : 0);
    note_server_state(run, outcome);
    if (gw_session_problem(session) != NULL) {
        atomic_store(&run->problem, gw_session_problem(session));
    }
    if (client->state < DUMMY_FROZEN) {
        lose_member(client);
    }
    if (!dummy_outcome_is_orderly(outcome, atomic_load(&run->go_away_ms) > 0)) {
        atomic_fetch_add(&run->disorderly_count, 1);
    }
    dummy_state_end(client);
    client->session = NULL;
    atomic_fetch_sub(&run->open_count, 1);
}

const struct gw_session_events dummy_client_events = {
    .on_begin = on_begin, .on_greeted = on_greeted, .on_go_away = on_go_away, .on_end = on_end};
