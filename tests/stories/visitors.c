/* tests/stories/visitors.c: players who come, do this and that, and leave or vanish at any moment.
 */
#include "tests/stories/visitors.h"

#include "tests/stories/story.h"

enum { HERE_MAX = 120, COME_MAX = 6 };

/* What it is about to hear. */
enum step { TO_BE_GREETED, TO_BE_LET_IN, NOTHING_SPECIAL, TO_BE_LET_OUT };

struct visitor {
    struct listener listener; /* its puppet is NULL: the place is free */
    enum step step;
};

static struct visitor visitors[HERE_MAX];
static uint32_t left_count; /* so many are still to come */
static uint32_t early_reset_count;
static struct hall *halls;
static uint32_t hall_count;
static struct chance chance;

void visitors_begin(struct hall *all_halls, uint32_t all_hall_count, uint32_t count, uint64_t seed)
{
    halls = all_halls;
    hall_count = all_hall_count;
    left_count = count;
    early_reset_count = 0;
    chance.state = seed * 1000003;
    for (int i = 0; i < HERE_MAX; i++) {
        visitors[i] = (struct visitor){0};
    }
}

/* ---- coming, entering ---- */

static void come(struct visitor *visitor)
{
    *visitor = (struct visitor){0};
    visitor->listener.puppet = puppet_knock(&story.addr);
    assert_non_null(visitor->listener.puppet);
    puppet_hello(visitor->listener.puppet, "visitor");
    left_count--;
}

static void enter(struct visitor *visitor)
{
    visitor->listener.hall = &halls[chance_below(&chance, hall_count)];
    puppet_enter(visitor->listener.puppet, visitor->listener.hall->room);
    visitor->step = TO_BE_LET_IN;
}

/* ---- going ---- */

static void go(struct visitor *visitor, void (*take_down)(struct puppet *puppet))
{
    take_down(visitor->listener.puppet);
    listener_fini(&visitor->listener);
}

/* Says CLOSE, and does not wait for the end. */
static void say_farewell(struct puppet *puppet)
{
    puppet_farewell(puppet, GW__CLOSE_REASON__NONE);
    puppet_close(puppet);
}

static void leave(struct visitor *visitor)
{
    puppet_leave(visitor->listener.puppet);
    visitor->step = TO_BE_LET_OUT;
}

static bool vanishes(struct visitor *visitor)
{
    switch (chance_below(&chance, 100)) {
    case 0:
        early_reset_count += visitor->step == TO_BE_GREETED;
        go(visitor, puppet_reset);
        return true;
    case 1:
        go(visitor, puppet_close);
        return true;
    case 2:
        go(visitor, say_farewell);
        return true;
    default:
        return false;
    }
}

/* ---- being there ---- */

static void act(struct visitor *visitor)
{
    if (vanishes(visitor) || visitor->step != NOTHING_SPECIAL) {
        return;
    }
    uint32_t what = chance_below(&chance, 20);
    if (what < 3) {
        listener_chat(&visitor->listener);
    } else if (what < 5) {
        puppet_move(visitor->listener.puppet, (int32_t)chance_below(&chance, 100), 1);
    } else if (what == 5) {
        leave(visitor);
    }
}

bool visitors_act(void)
{
    uint32_t here_count = 0, come_count = 0;
    for (int i = 0; i < HERE_MAX; i++) {
        struct visitor *visitor = &visitors[i];
        if (visitor->listener.puppet != NULL) {
            act(visitor);
        } else if (left_count > 0 && come_count < COME_MAX) {
            come(visitor);
            come_count++;
        }
        here_count += visitor->listener.puppet != NULL;
    }
    return here_count > 0 || left_count > 0;
}

static void hear(struct visitor *visitor, uint16_t id, const void *message)
{
    if (visitor->step == TO_BE_GREETED) {
        assert_int_equal(id, HELLO_ACK);
        visitor->listener.puppet->id = ((const Gw__HelloAck *)message)->session_id;
        enter(visitor);
        return;
    }
    listener_believe(&visitor->listener, id, message);
    if (id == GAME_PACKET_ENTERED) {
        assert_int_equal(visitor->step, TO_BE_LET_IN);
        visitor->step = NOTHING_SPECIAL;
    } else if (id == GAME_PACKET_LEFT) {
        assert_int_equal(visitor->step, TO_BE_LET_OUT);
        assert_int_equal(visitor->listener.heard, visitor->listener.said);
        enter(visitor);
    }
}

uint32_t visitors_early_reset_count(void)
{
    return early_reset_count;
}

void visitors_listen(void)
{
    for (int i = 0; i < HERE_MAX; i++) {
        struct puppet *puppet = visitors[i].listener.puppet;
        uint16_t id;
        const void *message;
        while (puppet != NULL && (message = puppet_take(puppet, &id)) != NULL) {
            hear(&visitors[i], id, message);
        }
        assert_true(puppet == NULL || !puppet->has_ended);
    }
}
