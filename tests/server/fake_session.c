/* tests/server/fake_session.c: Turns, sessions and groups without threads and sockets. */
#include "tests/server/fake_session.h"
#include "proto/game/game.gen.h"

#include "net/container_of.h"
#include "net/error.h"
#include "server/game/login.h"
#include "session/group.h"

#include <stdlib.h>
#include <string.h>

enum { TURNS_MAX = 256, GROUPS_MAX = 64, GROUP_MEMBERS_MAX = 64 };

struct gw_group {
    struct gw_group_config config;
    struct gw_turn *owner;
    struct gw_session *members[GROUP_MEMBERS_MAX];
    uint32_t member_count;
    bool is_expected;
};

static struct {
    uint32_t random;
    gw_session_id next_id;
    struct gw_turn *ready[TURNS_MAX]; /* turns that have tasks */
    uint32_t ready_count;
    struct gw_turn *running;
    struct gw_group *groups[GROUPS_MAX];
    uint32_t group_count;
    unsigned turn_count;
    uint32_t memory_random;
} fake;

void fake_session_init(uint32_t seed)
{
    memset(&fake, 0, sizeof fake);
    fake.random = seed * 2654435761u + 1;
    fake.next_id = 1;
}

uint32_t fake_random(uint32_t limit)
{
    fake.random ^= fake.random << 13;
    fake.random ^= fake.random >> 17;
    fake.random ^= fake.random << 5;
    return fake.random % limit;
}

/* ---- memory: the linker sends the allocations of the game here ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

void fake_memory_fails(uint32_t random)
{
    fake.memory_random = random;
}

static bool is_out_of_memory(void)
{
    return fake.running != NULL && fake.memory_random != 0 && fake_random(fake.memory_random) == 0;
}

void *__wrap_malloc(size_t bytes)
{
    return is_out_of_memory() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_out_of_memory() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return is_out_of_memory() ? NULL : __real_realloc(memory, bytes);
}

/* ---- turns ---- */

void gw_turn_init(struct gw_turn *turn, struct gw_port *port, void (*on_free)(struct gw_turn *))
{
    memset(turn, 0, sizeof *turn);
    turn->on_free = on_free;
    atomic_init(&turn->ref_count, 1);
    fake.turn_count++;
}

struct gw_turn *gw_turn_ref(struct gw_turn *turn)
{
    assert_true(turn->ref_count > 0);
    turn->ref_count++;
    return turn;
}

void gw_turn_unref(struct gw_turn *turn)
{
    assert_true(turn->ref_count > 0);
    turn->ref_count--;
    if (turn->ref_count == 0 && turn->on_free != NULL) {
        fake.turn_count--;
        turn->on_free(turn);
    }
}

/* The backlog of a turn: first in, first out. */
void gw_turn_post(struct gw_turn *turn, struct gw_task *task)
{
    struct gw_task **last = &turn->backlog;
    assert_true(turn->ref_count > 0);
    if (turn->backlog == NULL) {
        assert_true(fake.ready_count < TURNS_MAX);
        fake.ready[fake.ready_count++] = gw_turn_ref(turn);
    }
    while (*last != NULL) {
        assert_ptr_not_equal(*last, task); /* a task is posted once */
        last = &(*last)->next;
    }
    task->next = NULL;
    *last = task;
}

uint64_t gw_port_now_ns(const struct gw_port *port)
{
    return 0;
}

static void run_turn(uint32_t index)
{
    struct gw_turn *turn = fake.ready[index];
    struct gw_task *task = turn->backlog;
    turn->backlog = task->next;
    if (turn->backlog == NULL) {
        fake.ready[index] = fake.ready[--fake.ready_count];
    } else {
        gw_turn_ref(turn);
    }
    fake.running = turn;
    task->run(task);
    fake.running = NULL;
    gw_turn_unref(turn);
}

static void run_tick(struct gw_group *group)
{
    group->is_expected = false;
    fake.running = group->owner;
    group->config.on_tick(group, group->config.context);
    fake.running = NULL;
}

static struct gw_group *expected_group(void)
{
    for (uint32_t i = 0; i < fake.group_count; i++) {
        if (fake.groups[i]->is_expected) {
            return fake.groups[i];
        }
    }
    return NULL;
}

bool fake_session_step(void)
{
    struct gw_group *group = expected_group();
    if (group != NULL && (fake.ready_count == 0 || fake_random(8) == 0)) {
        run_tick(group);
        return true;
    }
    if (fake.ready_count == 0) {
        return false;
    }
    run_turn(fake_random(fake.ready_count));
    return true;
}

void fake_session_run_now(void)
{
    while (fake_session_step()) {
    }
}

unsigned fake_turn_count(void)
{
    return fake.turn_count;
}

/* ---- the model of a client ---- */

static uint32_t member_index(const struct fake_client *client, uint64_t id)
{
    uint32_t index = 0;
    while (index < client->member_count && client->members[index] != id) {
        index++;
    }
    return index;
}

static bool knows(const struct fake_client *client, uint64_t id)
{
    return member_index(client, id) < client->member_count;
}

static void receive_member(struct fake_client *client, uint64_t id)
{
    assert_false(knows(client, id));
    assert_true(client->member_count < FAKE_MEMBERS_MAX);
    client->members[client->member_count++] = id;
}

static void receive_entered(struct gw_session *session, const Game__Entered *entered)
{
    struct fake_client *client = &session->client;
    if (entered->result != GAME__ENTER_RESULT__ENTERED_OK) {
        client->refused_count++;
        client->refusal = entered->result;
        return;
    }
    assert_false(client->is_in_room);
    /* The client may send packets of the room now: they are read when the stage has changed. */
    assert_true(session->is_paused);
    client->entered_count++;
    client->is_in_room = true;
    client->member_count = 0;
    client->line = entered->line;
    strcpy(client->room, entered->room);
    for (size_t i = 0; i < entered->n_members; i++) {
        receive_member(client, entered->members[i]->player);
    }
    assert_true(knows(client, session->id));
}

static void receive_gone(struct fake_client *client, uint64_t id)
{
    uint32_t index = member_index(client, id);
    assert_true(index < client->member_count);
    client->members[index] = client->members[--client->member_count];
}

static void receive_line(struct fake_client *client, const Game__ChatLine *line)
{
    assert_int_equal(line->line, client->line + 1);
    assert_true(knows(client, line->player));
    client->line = line->line;
}

static void receive_snapshot(struct fake_client *client, const Game__Snapshot *snapshot)
{
    assert_true(snapshot->n_positions > 0);
    for (size_t i = 0; i < snapshot->n_positions; i++) {
        assert_true(knows(client, snapshot->positions[i]->player));
    }
}

/* A client receives packets of a room between Entered and Left only. */
static void receive_in_room(struct gw_session *session, uint16_t id,
                            const ProtobufCMessage *message)
{
    struct fake_client *client = &session->client;
    assert_true(client->is_in_room);
    switch (id) {
    case GAME_PACKET_LEFT:
        client->left_count++;
        client->is_in_room = false;
        break;
    case GAME_PACKET_JOINED:
        receive_member(client, ((const Game__Joined *)message)->member->player);
        break;
    case GAME_PACKET_GONE:
        receive_gone(client, ((const Game__Gone *)message)->player);
        break;
    case GAME_PACKET_CHAT_LINE:
        receive_line(client, (const Game__ChatLine *)message);
        break;
    case GAME_PACKET_SNAPSHOT:
        receive_snapshot(client, (const Game__Snapshot *)message);
        break;
    case GAME_PACKET_WHO_IS_HERE:
        assert_int_equal(((const Game__WhoIsHere *)message)->n_members, client->member_count);
        break;
    default:
        fail_msg("packet %u in a room", id);
    }
}

static void receive(struct gw_session *session, uint16_t id, const ProtobufCMessage *message)
{
    if (session->has_ended || id == GAME_PACKET_SAID) {
        return;
    }
    if (id == GAME_PACKET_ENTERED) {
        receive_entered(session, (const Game__Entered *)message);
    } else {
        receive_in_room(session, id, message);
    }
}

/* ---- sessions ---- */

struct gw_session *fake_session_create(void)
{
    struct gw_session *session = calloc(1, sizeof *session);
    assert_non_null(session);
    session->id = fake.next_id++;
    session->ref_count = 1;
    gw_turn_init(&session->turn, NULL, NULL);
    fake.turn_count--;
    return session;
}

bool fake_session_is_free(const struct gw_session *session)
{
    return session->ref_count == 1 && session->turn.ref_count == 1;
}

void fake_session_destroy(struct gw_session *session)
{
    assert_true(fake_session_is_free(session));
    free(session);
}

gw_session_id gw_session_id_of(const struct gw_session *session)
{
    return session->id;
}

const struct gw_addr *gw_session_peer(const struct gw_session *session)
{
    fail_msg("not called by what these tests use");
    return NULL;
}

const char *gw_session_problem(const struct gw_session *session)
{
    return NULL;
}

struct gw_turn *gw_session_turn(struct gw_session *session)
{
    return &session->turn;
}

void gw_session_send(struct gw_session *session, uint16_t packet_id,
                     const ProtobufCMessage *message)
{
    assert_true(session->ref_count > 0);
    receive(session, packet_id, message);
}

void gw_session_reply(struct gw_session *session, const struct gw_frame *request,
                      uint16_t packet_id, const ProtobufCMessage *message)
{
    assert_non_null(request);
    gw_session_send(session, packet_id, message);
}

void gw_session_end(struct gw_session *session, Gw__CloseReason reason)
{
    assert_true(session->ref_count > 0);
    if (!session->has_ended) {
        session->has_ended = true;
        session->reason = reason;
    }
}

/* ---- reading ---- */

static void read_packet(struct gw_task *task);

static void read_on(struct gw_session *session)
{
    if (session->packet_count > 0 && !session->is_paused && !session->is_reading &&
        !session->is_gone) {
        session->is_reading = true;
        session->reading.run = read_packet;
        gw_turn_post(&session->turn, &session->reading);
    }
}

static void read_packet(struct gw_task *task)
{
    struct gw_session *session = GW_CONTAINER_OF(task, struct gw_session, reading);
    session->is_reading = false;
    if (!session->is_paused && !session->is_gone) {
        fake_packet *handle = session->packets[0];
        session->packet_count--;
        memmove(session->packets, session->packets + 1,
                session->packet_count * sizeof session->packets[0]);
        handle(session);
    }
    read_on(session);
}

void fake_session_receive(struct gw_session *session, fake_packet *handle)
{
    assert_true(session->packet_count < FAKE_PACKETS_MAX);
    session->packets[session->packet_count++] = handle;
    read_on(session);
}

void gw_session_pause(struct gw_session *session)
{
    assert_ptr_equal(fake.running, &session->turn);
    session->is_paused = true;
}

void gw_session_resume(struct gw_session *session)
{
    assert_ptr_equal(fake.running, &session->turn);
    assert_true(session->is_paused);
    session->is_paused = false;
    read_on(session);
}

void gw_session_set_stage(struct gw_session *session, uint32_t stage)
{
    assert_ptr_equal(fake.running, &session->turn);
    session->stage = stage;
}

void gw_session_set_user(struct gw_session *session, void *user)
{
    session->user = user;
}

void *gw_session_user(const struct gw_session *session)
{
    return session->user;
}

struct gw_session *gw_session_ref(struct gw_session *session)
{
    assert_true(session->ref_count > 0);
    session->ref_count++;
    return session;
}

void gw_session_unref(struct gw_session *session)
{
    assert_true(session->ref_count > 1); /* the last one is the test's */
    session->ref_count--;
}

const char *gw_close_reason_name(Gw__CloseReason reason)
{
    return (int)reason >= GW_CLOSE_REASON_GAME_MIN ? "GAME" : "BY_PEER";
}

/* ---- groups ---- */

/* The rooms have no logins. */
int login_enter(struct login *login, struct gw_session *session, const Gw__Hello *hello,
                struct gw_token *token_out)
{
    return 0;
}

void login_leave(struct login *login, uint64_t account, gw_session_id session)
{
}

struct gw_group *gw_group_create(struct gw_session_manager *manager, struct gw_turn *turn,
                                 const struct gw_group_config *config)
{
    struct gw_group *group = calloc(1, sizeof *group);
    if (group == NULL) {
        return NULL;
    }
    assert_true(fake.group_count < GROUPS_MAX);
    group->config = *config;
    group->owner = gw_turn_ref(turn);
    fake.groups[fake.group_count++] = group;
    return group;
}

void gw_group_destroy(struct gw_group *group)
{
    uint32_t index = 0;
    assert_ptr_equal(fake.running, group->owner);
    assert_int_equal(group->member_count, 0);
    while (fake.groups[index] != group) {
        index++;
    }
    fake.groups[index] = fake.groups[--fake.group_count];
    gw_turn_unref(group->owner);
    free(group);
}

static struct gw_session **find_member(struct gw_group *group, gw_session_id id)
{
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->id == id) {
            return &group->members[i];
        }
    }
    return NULL;
}

int gw_group_add(struct gw_group *group, struct gw_session *session)
{
    assert_ptr_equal(fake.running, group->owner);
    if (is_out_of_memory()) {
        return GW_E_MEMORY;
    }
    if (!session->has_ended) {
        assert_null(find_member(group, session->id));
        assert_true(group->member_count < GROUP_MEMBERS_MAX);
        group->members[group->member_count++] = gw_session_ref(session);
    }
    return 0;
}

void gw_group_remove(struct gw_group *group, gw_session_id id)
{
    struct gw_session **member = find_member(group, id);
    assert_ptr_equal(fake.running, group->owner);
    if (member != NULL) {
        struct gw_session *session = *member;
        *member = group->members[--group->member_count];
        gw_session_unref(session);
    }
}

void gw_group_broadcast(struct gw_group *group, uint16_t packet_id, const ProtobufCMessage *message)
{
    assert_ptr_equal(fake.running, group->owner);
    for (uint32_t i = 0; i < group->member_count; i++) {
        receive(group->members[i], packet_id, message);
    }
}

void gw_group_send(struct gw_group *group, gw_session_id id, uint16_t packet_id,
                   const ProtobufCMessage *message)
{
    struct gw_session **member = find_member(group, id);
    assert_ptr_equal(fake.running, group->owner);
    if (member != NULL) {
        receive(*member, packet_id, message);
    }
}

void gw_group_reply(struct gw_group *group, gw_session_id id, const struct gw_frame *request,
                    uint16_t packet_id, const ProtobufCMessage *message)
{
    assert_non_null(request);
    gw_group_send(group, id, packet_id, message);
}

void gw_group_request_tick(struct gw_group *group)
{
    assert_ptr_equal(fake.running, group->owner);
    group->is_expected = true;
}
