/* tests/scenarios/room_view.c: What one client knows of a room, checked against the other clients.
 */
#include "tests/scenarios/room_view.h"

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

void room_view_fini(struct room_view *view)
{
    free(view->members);
    *view = (struct room_view){0};
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

static void record(struct room_log *room_log, const Game__ChatLine *line)
{
    struct room_log_line *recorded = &room_log->lines[line->line];
    assert_true(strlen(line->text) < TEXT_BYTES);
    recorded->player = line->player;
    strcpy(recorded->text, line->text);
    room_log->line_count = line->line > room_log->line_count ? line->line : room_log->line_count;
}

static const char *own_text(const struct room_view *view, uint32_t count, char *text)
{
    snprintf(text, TEXT_BYTES, "%" PRIu64 " sends %" PRIu32 "%*s", view->client->id, count,
             view->room_log->padding_bytes, "");
    return text;
}

void room_view_chat(struct room_view *view)
{
    char text[TEXT_BYTES];
    test_client_chat(view->client, own_text(view, ++view->sent, text));
}

static void receive_own(struct room_view *view, const Game__ChatLine *line)
{
    char text[TEXT_BYTES];
    view->received++;
    assert_true(view->received <= view->sent);
    assert_string_equal(line->text, own_text(view, view->received, text));
}

/* Checks that the line has the next number and that its author is in the room. */
static void receive_line(struct room_view *view, const Game__ChatLine *line)
{
    struct room_log *room_log = view->room_log;
    assert_true(view->is_in);
    assert_int_equal(line->line, ++view->line);
    assert_non_null(room_view_find(view, line->player));
    make_space(room_log, line->line);
    if (room_log->lines[line->line].player == 0) {
        record(room_log, line);
    }
    assert_int_equal(line->player, room_log->lines[line->line].player);
    assert_string_equal(line->text, room_log->lines[line->line].text);
    if (line->player == view->client->id) {
        receive_own(view, line);
    }
}

/* ---- members ---- */

static struct room_view_member *find(const struct room_view *view, uint64_t player)
{
    for (size_t i = 0; i < view->member_count; i++) {
        if (view->members[i].player == player) {
            return &view->members[i];
        }
    }
    return NULL;
}

const struct room_view_member *room_view_find(const struct room_view *view, uint64_t player)
{
    return find(view, player);
}

static void add(struct room_view *view, const Game__Member *member)
{
    assert_null(find(view, member->player));
    if (view->member_count == view->capacity) {
        view->capacity = 2 * view->capacity + 64;
        view->members = realloc(view->members, view->capacity * sizeof *view->members);
        assert_non_null(view->members);
    }
    view->members[view->member_count++] =
        (struct room_view_member){member->player, member->x, member->y};
}

static void enter(struct room_view *view, const Game__Entered *entered)
{
    assert_int_equal(entered->result, GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, view->room_log->room);
    assert_false(view->is_in);
    view->is_in = true;
    view->line = entered->line;
    view->member_count = 0;
    for (size_t i = 0; i < entered->n_members; i++) {
        add(view, entered->members[i]);
    }
    assert_non_null(find(view, view->client->id));
}

static void remove_member(struct room_view *view, const Game__Gone *gone)
{
    struct room_view_member *member = find(view, gone->player);
    assert_true(view->is_in);
    assert_non_null(member);
    assert_true(gone->player != view->client->id);
    *member = view->members[--view->member_count];
}

static void move_members(struct room_view *view, const Game__Snapshot *snapshot)
{
    assert_true(view->is_in);
    assert_true(snapshot->n_positions > 0);
    for (size_t i = 0; i < snapshot->n_positions; i++) {
        struct room_view_member *member = find(view, snapshot->positions[i]->player);
        assert_non_null(member);
        member->x = snapshot->positions[i]->x;
        member->y = snapshot->positions[i]->y;
    }
}

static void compare(const struct room_view *view, const Game__WhoIsHere *here)
{
    assert_true(view->is_in);
    assert_int_equal(here->n_members, view->member_count);
    for (size_t i = 0; i < here->n_members; i++) {
        assert_non_null(find(view, here->members[i]->player));
    }
}

/* ---- packets ---- */

void room_view_enter(struct room_view *view, struct test_client *client, struct room_log *room_log)
{
    *view = (struct room_view){.client = client, .room_log = room_log};
    test_client_enter(client, room_log->room);
    room_view_apply(view, GAME_PACKET_ENTERED, test_client_receive(client, GAME_PACKET_ENTERED));
}

void room_view_apply(struct room_view *view, uint16_t id, const void *message)
{
    switch (id) {
    case GAME_PACKET_ENTERED:
        enter(view, message);
        break;
    case GAME_PACKET_LEFT:
        assert_true(view->is_in);
        view->is_in = false;
        break;
    case GAME_PACKET_JOINED:
        assert_true(view->is_in);
        add(view, ((const Game__Joined *)message)->member);
        break;
    case GAME_PACKET_GONE:
        remove_member(view, message);
        break;
    case GAME_PACKET_CHAT_LINE:
        receive_line(view, message);
        break;
    case GAME_PACKET_SNAPSHOT:
        move_members(view, message);
        break;
    case GAME_PACKET_WHO_IS_HERE:
        compare(view, message);
        break;
    case CLOSE: {
        const Gw__Close *close = message;
        fail_msg("the server closed a member of the room: reason %d, %s", close->reason,
                 close->text);
        break;
    }
    default:
        fail_msg("packet %u does not belong to a room", id);
    }
}

bool room_view_receive(struct room_view *view)
{
    uint16_t id = 0;
    const void *message;
    while ((message = test_client_take(view->client, &id)) != NULL && id != CLOSE) {
        room_view_apply(view, id, message);
    }
    return message == NULL && !view->client->has_ended;
}
