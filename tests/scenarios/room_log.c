/* tests/scenarios/room_log.c: what was said in a room, and what one of those in it believes. */
#include "tests/scenarios/room_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 401 };

struct room_log_line {
    uint64_t player;
    char text[TEXT_BYTES];
};

void room_log_fini(struct room_log *room_log)
{
    free(room_log->lines);
    *room_log = (struct room_log){0};
}

void listener_fini(struct listener *listener)
{
    free(listener->members);
    *listener = (struct listener){0};
}

/* ---- lines ---- */

static void make_space(struct room_log *room_log, uint64_t line)
{
    size_t before = room_log->capacity;
    if (line >= before) {
        room_log->capacity = 2 * (size_t)line + 1024;
        room_log->lines = realloc(room_log->lines, room_log->capacity * sizeof *room_log->lines);
        assert_non_null(room_log->lines);
        memset(room_log->lines + before, 0,
               (room_log->capacity - before) * sizeof *room_log->lines);
    }
}

static void write_down(struct room_log *room_log, const Game__ChatLine *line)
{
    struct room_log_line *written = &room_log->lines[line->line];
    assert_true(strlen(line->text) < TEXT_BYTES);
    written->player = line->player;
    strcpy(written->text, line->text);
    room_log->line_count = line->line > room_log->line_count ? line->line : room_log->line_count;
}

static const char *own_text(const struct listener *listener, uint32_t count, char *text)
{
    snprintf(text, TEXT_BYTES, "%" PRIu64 " says %" PRIu32 "%*s", listener->test_client->id, count,
             listener->room_log->padding_bytes, "");
    return text;
}

void listener_chat(struct listener *listener)
{
    char text[TEXT_BYTES];
    test_client_chat(listener->test_client, own_text(listener, ++listener->said, text));
}

static void receive_own(struct listener *listener, const Game__ChatLine *line)
{
    char text[TEXT_BYTES];
    listener->received++;
    assert_true(listener->received <= listener->said);
    assert_string_equal(line->text, own_text(listener, listener->received, text));
}

/* The next line of all, said by somebody who is here. */
static void receive_line(struct listener *listener, const Game__ChatLine *line)
{
    struct room_log *room_log = listener->room_log;
    assert_true(listener->is_in);
    assert_int_equal(line->line, ++listener->line);
    assert_non_null(listener_find(listener, line->player));
    make_space(room_log, line->line);
    if (room_log->lines[line->line].player == 0) {
        write_down(room_log, line);
    }
    assert_int_equal(line->player, room_log->lines[line->line].player);
    assert_string_equal(line->text, room_log->lines[line->line].text);
    if (line->player == listener->test_client->id) {
        receive_own(listener, line);
    }
}

/* ---- members ---- */

static struct room_log_member *find(const struct listener *listener, uint64_t player)
{
    for (size_t i = 0; i < listener->member_count; i++) {
        if (listener->members[i].player == player) {
            return &listener->members[i];
        }
    }
    return NULL;
}

const struct room_log_member *listener_find(const struct listener *listener, uint64_t player)
{
    return find(listener, player);
}

static void add(struct listener *listener, const Game__Member *member)
{
    assert_null(find(listener, member->player));
    if (listener->member_count == listener->capacity) {
        listener->capacity = 2 * listener->capacity + 64;
        listener->members =
            realloc(listener->members, listener->capacity * sizeof *listener->members);
        assert_non_null(listener->members);
    }
    listener->members[listener->member_count++] =
        (struct room_log_member){member->player, member->x, member->y};
}

static void enter(struct listener *listener, const Game__Entered *entered)
{
    assert_int_equal(entered->result, GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, listener->room_log->room);
    assert_false(listener->is_in);
    listener->is_in = true;
    listener->line = entered->line;
    listener->member_count = 0;
    for (size_t i = 0; i < entered->n_members; i++) {
        add(listener, entered->members[i]);
    }
    assert_non_null(find(listener, listener->test_client->id));
}

static void lose(struct listener *listener, const Game__Gone *gone)
{
    struct room_log_member *member = find(listener, gone->player);
    assert_true(listener->is_in);
    assert_non_null(member);
    assert_true(gone->player != listener->test_client->id);
    *member = listener->members[--listener->member_count];
}

static void see(struct listener *listener, const Game__Snapshot *snapshot)
{
    assert_true(listener->is_in);
    assert_true(snapshot->n_positions > 0);
    for (size_t i = 0; i < snapshot->n_positions; i++) {
        struct room_log_member *member = find(listener, snapshot->positions[i]->player);
        assert_non_null(member);
        member->x = snapshot->positions[i]->x;
        member->y = snapshot->positions[i]->y;
    }
}

static void compare(const struct listener *listener, const Game__WhoIsHere *here)
{
    assert_true(listener->is_in);
    assert_int_equal(here->n_members, listener->member_count);
    for (size_t i = 0; i < here->n_members; i++) {
        assert_non_null(find(listener, here->members[i]->player));
    }
}

/* ---- all ---- */

void listener_enter(struct listener *listener, struct test_client *test_client,
                    struct room_log *room_log)
{
    *listener = (struct listener){.test_client = test_client, .room_log = room_log};
    test_client_enter(test_client, room_log->room);
    listener_believe(listener, GAME_PACKET_ENTERED,
                     test_client_receive(test_client, GAME_PACKET_ENTERED));
}

void listener_believe(struct listener *listener, uint16_t id, const void *message)
{
    switch (id) {
    case GAME_PACKET_ENTERED:
        enter(listener, message);
        break;
    case GAME_PACKET_LEFT:
        assert_true(listener->is_in);
        listener->is_in = false;
        break;
    case GAME_PACKET_JOINED:
        assert_true(listener->is_in);
        add(listener, ((const Game__Joined *)message)->member);
        break;
    case GAME_PACKET_GONE:
        lose(listener, message);
        break;
    case GAME_PACKET_CHAT_LINE:
        receive_line(listener, message);
        break;
    case GAME_PACKET_SNAPSHOT:
        see(listener, message);
        break;
    case GAME_PACKET_WHO_IS_HERE:
        compare(listener, message);
        break;
    default:
        fail_msg("packet %u is not for here", id);
    }
}

bool listener_listen(struct listener *listener)
{
    uint16_t id = 0;
    const void *message;
    while ((message = test_client_take(listener->test_client, &id)) != NULL && id != CLOSE) {
        listener_believe(listener, id, message);
    }
    return message == NULL && !listener->test_client->has_ended;
}
