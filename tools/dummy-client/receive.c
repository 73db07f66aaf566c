/* tools/dummy-client/receive.c: the handlers of received packets, one for each packet of the
 * server. */
#include "tools/dummy-client/receive.h"
#include "net/turn.h"
#include "proto/game/game_client.gen.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/requests.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/run.h"
#include "tools/dummy-client/text.h"

enum { NOT_OURS = -1, NOT_IN_ROOM = -2 };

static uint64_t now_ns(struct gw_session *session)
{
    return gw_turn_now_ns(gw_session_turn(session));
}

static void took(struct dummy_counter *counter, enum dummy_latency latency, uint64_t from_ns,
                 uint64_t to_ns)
{
    gw_histogram_add(&counter->latency[latency], to_ns > from_ns ? to_ns - from_ns : 0);
}

/* When this client's message `nth` of a kind was due. */
static uint64_t intended_ns(const struct dummy_client *client, enum dummy_message message,
                            uint64_t nth)
{
    uint64_t slot = dummy_script_slot(client->run->options->script, client->index, message, nth);
    return dummy_pace_slot_ns(&client->pace, slot);
}

/* The member index of a player; or NOT_OURS, noted in the ledger, or NOT_IN_ROOM, a fault. */
static int64_t member_of(struct dummy_client *client, uint64_t player)
{
    const struct dummy_room *room = client->ledger.room;
    uint32_t index = dummy_players_find(&client->run->players, player);
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

/* The client's own position: the answer to that move, and to earlier ones of the same tick. */
static void receive_own_position(struct dummy_client *client, struct dummy_counter *counter,
                                 dummy_position position)
{
    uint64_t step = client->moves_received + 1;
    while (step <= client->sent[DUMMY_MOVE] &&
           dummy_script_position(client->index, (uint32_t)step) != position) {
        step++;
    }
    if (step > client->sent[DUMMY_MOVE]) {
        bool is_known = position == client->ledger.peers[client->ledger.self].position;
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

static void receive_position(struct dummy_client *client, struct dummy_counter *counter,
                             const Game__Position *message)
{
    int64_t member = member_of(client, message->player);
    if (member < 0) {
        return;
    }
    dummy_position position = dummy_position_at(message->x, message->y);
    if (member == client->ledger.self) {
        receive_own_position(client, counter, position);
    }
    dummy_ledger_moved(&client->ledger, (uint32_t)member, position);
}

/* Records the members that are in the room, the client itself among them. */
static void record_members(struct dummy_client *client, const Game__Entered *entered)
{
    struct dummy_ledger *ledger = &client->ledger;
    for (size_t i = 0; i < entered->n_members; i++) {
        const Game__Member *other = entered->members[i];
        int64_t member = member_of(client, other->player);
        if (member < 0) {
            continue;
        }
        dummy_position position = dummy_position_at(other->x, other->y);
        dummy_ledger_was_here(ledger, (uint32_t)member, position);
        if (member == ledger->self) {
            dummy_room_enter(ledger->room, ledger->self, entered->line, position);
        }
    }
}

static void on_members_answered(struct gw_session *session, const struct gw_answer *answer,
                                const Game__WhoIsHere *who_is_here, void *context)
{
    dummy_request_measure(context, answer);
    if (who_is_here != NULL) {
        game_client_on_who_is_here(session, answer->frame, who_is_here);
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
    if (client->state != DUMMY_CONNECTING || atomic_load(&client->run->phase) > DUMMY_PHASE_STOP) {
        return;
    }
    uint32_t self;
    struct dummy_room *room = dummy_run_room(client->run, client->index, &self);
    if (dummy_ledger_enter(&client->ledger, room, self, entered->line) != 0) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
        return;
    }
    record_members(client, entered);
    const Game__Who request = GAME__WHO__INIT;
    if (game_ask_who(session, &request, on_members_answered, client) == 0) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
    }
    dummy_client_is_ready(client);
}

void game_client_on_left(struct gw_session *session, const struct gw_frame *frame,
                         const Game__Left *left)
{
    (void)frame;
    (void)left;
    struct dummy_client *client = gw_session_user(session);
    dummy_ledger_garbled(&client->ledger); /* clients do not send Leave */
}

void game_client_on_joined(struct gw_session *session, const struct gw_frame *frame,
                           const Game__Joined *joined)
{
    (void)frame;
    struct dummy_client *client = gw_session_user(session);
    const Game__Member *other = joined->member;
    int64_t member = other == NULL ? NOT_OURS : member_of(client, other->player);
    if (member >= 0) {
        dummy_ledger_joined(&client->ledger, (uint32_t)member,
                            dummy_position_at(other->x, other->y));
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

/* A line that none of these clients sends: from another process, or changed on the way. */
static void receive_odd_line(struct dummy_client *client, const Game__ChatLine *line)
{
    if (member_of(client, line->player) >= 0) {
        dummy_ledger_garbled(&client->ledger);
    }
    dummy_ledger_odd_line(&client->ledger, line->line);
}

/* Whether the sender in a line's text is the one that the server names, and is in this room. */
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
    struct dummy_counter *counter = dummy_stats_mine(&client->run->stats);
    dummy_client_has_read(client);
    dummy_counter_received(counter, DUMMY_RECEIVED_LINE, 1);
    struct dummy_chat_text text;
    if (!dummy_text_read_chat(line->text, &text) ||
        !is_from(room, line, text.client - (room != NULL ? room->client_first : 0))) {
        receive_odd_line(client, line);
        return;
    }
    uint32_t member = text.client - room->client_first;
    uint64_t left_ns = client->run->origin_ns + text.intended_us * 1000;
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
    struct dummy_counter *counter = dummy_stats_mine(&client->run->stats);
    dummy_client_has_read(client);
    dummy_counter_received(counter, DUMMY_RECEIVED_POSITION, snapshot->n_positions);
    for (size_t i = 0; i < snapshot->n_positions; i++) {
        receive_position(client, counter, snapshot->positions[i]);
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
    struct dummy_counter *counter = dummy_stats_mine(&client->run->stats);
    dummy_counter_received(counter, DUMMY_RECEIVED_SAID, 1);
    uint32_t speaker, message;
    if (!dummy_text_read_hello(said->text, &speaker, &message) || speaker != client->index ||
        message == 0 || message > client->sent[DUMMY_SAY]) {
        dummy_ledger_garbled(&client->ledger);
        return;
    }
    took(counter, DUMMY_LATENCY_SAY, intended_ns(client, DUMMY_SAY, message), now_ns(session));
    dummy_sequence_receive(&client->said, message, &client->ledger.faults);
}

const struct gw_packet_table *dummy_receive_packets(void)
{
    return &game_client_packets;
}
