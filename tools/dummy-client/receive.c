/* tools/dummy-client/receive.c: what a client hears: a handler for each packet of the server. */
#include "tools/dummy-client/receive.h"
#include "net/turn.h"
#include "proto/game/game_client.gen.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/crowd.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/text.h"

enum { NOT_OURS = -1, NOT_IN_ROOM = -2 };

static uint64_t now_ns(struct gw_session *session)
{
    return gw_turn_now_ns(gw_session_turn(session));
}

static void took(struct dummy_counter *counter, enum dummy_latency latency, uint64_t from_ns,
                 uint64_t to_ns)
{
    dummy_histogram_add(&counter->latency[latency], to_ns > from_ns ? to_ns - from_ns : 0);
}

/* When this client's message `nth` of a kind should have left. */
static uint64_t intended_ns(const struct dummy_client *client, enum dummy_message message,
                            uint64_t nth)
{
    uint64_t slot = dummy_script_slot(client->crowd->options->script, client->index, message, nth);
    return dummy_pace_slot_ns(&client->pace, slot);
}

/* The member that a player is; or NOT_OURS, which the ledger is told, or NOT_IN_ROOM: a fault. */
static int64_t member_of(struct dummy_client *client, uint64_t player)
{
    const struct dummy_room *room = client->ledger.room;
    uint32_t index = dummy_players_find(&client->crowd->players, player);
    if (index == DUMMY_PLAYER_OUTSIDER) {
        dummy_ledger_outsider(&client->ledger);
        return NOT_OURS;
    }
    if (room == NULL || index - room->client_first >= room->member_count) {
        dummy_ledger_garbled(&client->ledger);
        return NOT_IN_ROOM;
    }
    return index - room->client_first;
}

/* Its own place: the answer to its last move, and to those before that went under in the tick. */
static void receive_own_place(struct dummy_client *client, struct dummy_counter *counter,
                              dummy_place place)
{
    uint64_t step = client->moves_received + 1;
    while (step <= client->sent[DUMMY_MOVE] &&
           dummy_place_step(client->index, (uint32_t)step) != place) {
        step++;
    }
    if (step > client->sent[DUMMY_MOVE]) {
        bool is_known = place == client->ledger.peers[client->ledger.self].place;
        dummy_faults_add(&client->ledger.faults, DUMMY_WRONG_POSITION, is_known ? 0 : 1);
        return;
    }
    uint64_t received_ns = now_ns(client->session);
    while (client->moves_received < step) {
        client->moves_received++;
        took(counter, DUMMY_LATENCY_MOVE, intended_ns(client, DUMMY_MOVE, client->moves_received),
             received_ns);
    }
}

static void receive_place(struct dummy_client *client, struct dummy_counter *counter,
                          const Game__Position *position)
{
    int64_t member = member_of(client, position->player);
    if (member < 0) {
        return;
    }
    dummy_place place = dummy_place_at(position->x, position->y);
    if (member == client->ledger.self) {
        receive_own_place(client, counter, place);
    }
    dummy_ledger_moved(&client->ledger, (uint32_t)member, place);
}

/* Everybody who is in the room already, the client itself among them. */
static void meet(struct dummy_client *client, const Game__Entered *entered)
{
    struct dummy_ledger *ledger = &client->ledger;
    for (size_t i = 0; i < entered->n_members; i++) {
        const Game__Member *other = entered->members[i];
        int64_t member = member_of(client, other->player);
        if (member < 0) {
            continue;
        }
        dummy_place place = dummy_place_at(other->x, other->y);
        dummy_ledger_was_here(ledger, (uint32_t)member, place);
        if (member == ledger->self) {
            dummy_room_enter(ledger->room, ledger->self, entered->line, place);
        }
    }
}

void game_client_on_entered(struct gw_session *session, const struct gw_frame *frame,
                            const Game__Entered *entered)
{
    (void)frame;
    struct dummy_client *client = gw_session_user(session);
    client->outcome.refusal = entered->result;
    if (entered->result != GAME__ENTER_RESULT__ENTERED_OK) {
        gw_session_end(session, DUMMY_LEAVES);
        return;
    }
    if (client->state != DUMMY_COMING || atomic_load(&client->crowd->phase) > DUMMY_PHASE_HUSH) {
        return;
    }
    uint32_t self;
    struct dummy_room *room = dummy_crowd_room(client->crowd, client->index, &self);
    if (dummy_ledger_enter(&client->ledger, room, self, entered->line) != 0) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
        return;
    }
    meet(client, entered);
    const Game__Who who = GAME__WHO__INIT;
    dummy_request(client, gw_packet_find(&game_client_packets, GAME_PACKET_WHO), &who.base);
    dummy_client_is_ready(client);
}

void game_client_on_left(struct gw_session *session, const struct gw_frame *frame,
                         const Game__Left *left)
{
    (void)frame;
    (void)left;
    struct dummy_client *client = gw_session_user(session);
    dummy_ledger_garbled(&client->ledger); /* nobody asked */
}

void game_client_on_joined(struct gw_session *session, const struct gw_frame *frame,
                           const Game__Joined *joined)
{
    (void)frame;
    struct dummy_client *client = gw_session_user(session);
    const Game__Member *other = joined->member;
    int64_t member = other == NULL ? NOT_OURS : member_of(client, other->player);
    if (member >= 0) {
        dummy_ledger_joined(&client->ledger, (uint32_t)member, dummy_place_at(other->x, other->y));
    }
}

void game_client_on_gone(struct gw_session *session, const struct gw_frame *frame,
                         const Game__Gone *gone)
{
    (void)frame;
    struct dummy_client *client = gw_session_user(session);
    int64_t member = member_of(client, gone->player);
    if (member >= 0) {
        dummy_ledger_gone(&client->ledger, (uint32_t)member);
    }
}

/* A line that does not say what one of ours would: from a stranger, or not as it was sent. */
static void receive_odd_line(struct dummy_client *client, const Game__ChatLine *line)
{
    if (member_of(client, line->player) >= 0) {
        dummy_ledger_garbled(&client->ledger);
    }
    dummy_ledger_odd_line(&client->ledger, line->line);
}

/* Whether a line's text and the server agree on who said it, and he is of this room. */
static bool is_from(const struct dummy_room *room, const Game__ChatLine *line, uint32_t member)
{
    return room != NULL && member < room->member_count &&
           atomic_load_explicit(&room->members[member].player, memory_order_relaxed) ==
               line->player;
}

void game_client_on_chat_line(struct gw_session *session, const struct gw_frame *frame,
                              const Game__ChatLine *line)
{
    (void)frame;
    struct dummy_client *client = gw_session_user(session);
    const struct dummy_room *room = client->ledger.room;
    struct dummy_counter *counter = dummy_stats_mine(&client->crowd->stats);
    dummy_client_has_read(client);
    dummy_counter_received(counter, DUMMY_RECEIVED_LINE, 1);
    struct dummy_chat_text text;
    if (!dummy_text_read_chat(line->text, &text) ||
        !is_from(room, line, text.client - (room != NULL ? room->client_first : 0))) {
        receive_odd_line(client, line);
        return;
    }
    uint32_t member = text.client - room->client_first;
    uint64_t left_ns = client->crowd->origin_ns + text.intended_us * 1000;
    took(counter, DUMMY_LATENCY_DELIVERY, left_ns, now_ns(session));
    if (member == client->ledger.self) {
        took(counter, DUMMY_LATENCY_CHAT, left_ns, now_ns(session));
    }
    dummy_ledger_line(&client->ledger, member, text.line, line->line);
}

void game_client_on_snapshot(struct gw_session *session, const struct gw_frame *frame,
                             const Game__Snapshot *snapshot)
{
    (void)frame;
    struct dummy_client *client = gw_session_user(session);
    struct dummy_counter *counter = dummy_stats_mine(&client->crowd->stats);
    dummy_client_has_read(client);
    dummy_counter_received(counter, DUMMY_RECEIVED_PLACE, snapshot->n_positions);
    for (size_t i = 0; i < snapshot->n_positions; i++) {
        receive_place(client, counter, snapshot->positions[i]);
    }
}

void game_client_on_who_is_here(struct gw_session *session, const struct gw_frame *frame,
                                const Game__WhoIsHere *who_is_here)
{
    (void)frame;
    struct dummy_client *client = gw_session_user(session);
    bool is_among_them = false;
    for (size_t i = 0; i < who_is_here->n_members; i++) {
        is_among_them = is_among_them || member_of(client, who_is_here->members[i]->player) ==
                                             (int64_t)client->ledger.self;
    }
    if (!is_among_them) {
        dummy_ledger_garbled(&client->ledger);
    }
}

void game_client_on_said(struct gw_session *session, const struct gw_frame *frame,
                         const Game__Said *said)
{
    (void)frame;
    struct dummy_client *client = gw_session_user(session);
    struct dummy_counter *counter = dummy_stats_mine(&client->crowd->stats);
    dummy_counter_received(counter, DUMMY_RECEIVED_SAID, 1);
    uint32_t speaker, message;
    if (!dummy_text_read_hello(said->text, &speaker, &message) || speaker != client->index ||
        message == 0 || message > client->sent[DUMMY_SAY]) {
        dummy_ledger_garbled(&client->ledger);
        return;
    }
    took(counter, DUMMY_LATENCY_SAY, intended_ns(client, DUMMY_SAY, message), now_ns(session));
    dummy_window_receive(&client->said, message, &client->ledger.faults);
}

const struct gw_packet_table *dummy_receive_packets(void)
{
    return &game_client_packets;
}
