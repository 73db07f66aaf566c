/* server/room_mail.c: what players say and do, on its way to their room, and there. */
#include "proto/game/game.gen.h"
#include "protocol/frame.h"
#include "server/game.h"
#include "server/player.h"
#include "server/room.h"
#include "server/room_inside.h"
#include "session/group.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * It may point to the player: a player that leaves is posted behind all of its mail, and so
 * outlives it.
 */
struct mail {
    struct gw_task task; /* the first, so that a task is its mail */
    struct player *player;
    int32_t x;
    int32_t y;
    uint16_t tag;     /* of the request it was */
    bool is_the_last; /* the session is paused until the room has handled it */
    char text[];
};

static struct mail *mail_create(struct player *player, const char *text)
{
    struct mail *mail = malloc(sizeof *mail + strlen(text) + 1);
    if (mail == NULL) {
        gw_session_end(player->session, GW__CLOSE_REASON__NO_MEMORY);
        return NULL;
    }
    mail->player = player;
    mail->is_the_last = false;
    strcpy(mail->text, text);
    return mail;
}

static void on_resume(struct gw_task *task)
{
    struct player *player = (struct player *)((char *)task - offsetof(struct player, resuming));
    player->is_paused = false;
    if (!player->has_ended) {
        gw_session_resume(player->session);
    }
}

/*
 * Without a limit a player that sends faster than its room can handle would fill the memory. So its
 * session is paused at the limit, until the room has handled all of it.
 */
static void mail_post(struct mail *mail, void (*run)(struct gw_task *task))
{
    struct player *player = mail->player;
    uint32_t count = atomic_fetch_add_explicit(&player->mail_count, 1, memory_order_relaxed) + 1;
    if (count >= PLAYER_MAIL_COUNT_MAX && !player->is_paused) {
        mail->is_the_last = true;
        player->is_paused = true;
        gw_session_pause(player->session);
    }
    mail->task.run = run;
    gw_turn_post(&player->room->turn, &mail->task);
}

/* A player that leaves is posted behind its mail and comes back behind the task of this. */
static void mail_destroy(struct mail *mail)
{
    struct player *player = mail->player;
    atomic_fetch_sub_explicit(&player->mail_count, 1, memory_order_relaxed);
    if (mail->is_the_last) {
        player->resuming.run = on_resume;
        gw_turn_post(gw_session_turn(player->session), &player->resuming);
    }
    free(mail);
}

static void on_arrival_mail(struct gw_task *task)
{
    struct mail *mail = (struct mail *)task;
    room_admit(mail->player->room, mail->player);
    mail_destroy(mail);
}

static void say_line(struct room *room, const struct mail *mail)
{
    Game__ChatLine line = GAME__CHAT_LINE__INIT;
    room->line++;
    line.player = mail->player->id;
    line.text = (char *)mail->text;
    line.line = room->line;
    game_say_chat_line(room->group, &line);
    atomic_fetch_add_explicit(&room->game->counters.lines, 1, memory_order_relaxed);
}

/* One who spoke before having read Entered may have found no memory to become a member. */
static void on_chat_mail(struct gw_task *task)
{
    struct mail *mail = (struct mail *)task;
    struct room *room = mail->player->room;
    if (roster_find(&room->roster, mail->player->id) != NULL) {
        say_line(room, mail);
    }
    mail_destroy(mail);
}

/* Nothing is said yet: however often somebody moves between two ticks, the others hear it once. */
static void on_move_mail(struct gw_task *task)
{
    struct mail *mail = (struct mail *)task;
    struct room *room = mail->player->room;
    if (roster_move(&room->roster, mail->player->id, mail->x, mail->y)) {
        gw_group_expect(room->group);
    }
    mail_destroy(mail);
}

static void on_who_mail(struct gw_task *task)
{
    struct mail *mail = (struct mail *)task;
    struct room *room = mail->player->room;
    const struct gw_frame who = {.packet_id = GAME_PACKET_WHO, .tag = mail->tag};
    Game__WhoIsHere who_is_here = GAME__WHO_IS_HERE__INIT;
    who_is_here.n_members = room->roster.member_count;
    who_is_here.members = room->roster.everybody;
    gw_group_reply(room->group, mail->player->id, &who, GAME_PACKET_WHO_IS_HERE, &who_is_here.base);
    mail_destroy(mail);
}

/* One who has missed what others were told hears where everybody is now, itself too. */
static void on_catch_up_mail(struct gw_task *task)
{
    struct mail *mail = (struct mail *)task;
    struct room *room = mail->player->room;
    Game__Snapshot snapshot = GAME__SNAPSHOT__INIT;
    snapshot.n_positions = room->roster.member_count;
    snapshot.positions = room->roster.places;
    gw_group_tell(room->group, mail->player->id, GAME_PACKET_SNAPSHOT, &snapshot.base);
    mail_destroy(mail);
}

void room_post_arrival(struct player *player)
{
    struct mail *mail = mail_create(player, "");
    if (mail != NULL) {
        mail_post(mail, on_arrival_mail);
    }
}

void room_post_chat(struct player *player, const char *text)
{
    struct mail *mail = mail_create(player, text);
    if (mail != NULL) {
        mail_post(mail, on_chat_mail);
    }
}

void room_post_move(struct player *player, int32_t x, int32_t y)
{
    struct mail *mail = mail_create(player, "");
    if (mail != NULL) {
        mail->x = x;
        mail->y = y;
        mail_post(mail, on_move_mail);
    }
}

void room_post_who(struct player *player, uint16_t tag)
{
    struct mail *mail = mail_create(player, "");
    if (mail != NULL) {
        mail->tag = tag;
        mail_post(mail, on_who_mail);
    }
}

void room_post_catch_up(struct player *player)
{
    struct mail *mail = mail_create(player, "");
    if (mail != NULL) {
        mail_post(mail, on_catch_up_mail);
    }
}
