/* tools/dummy-client/watch.c: what a client does when its time comes. */
#include "tools/dummy-client/watch.h"
#include "net/container_of.h"
#include "net/turn.h"
#include "session/session.h"
#include "tools/dummy-client/crowd.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/talk.h"
#include <stddef.h>

enum { LOOK_NS = 1000000000, POLL_NS = 50000000 };

void dummy_watch_become(struct dummy_client *client, enum dummy_state state)
{
    if (client->state <= DUMMY_TALKING && state > DUMMY_TALKING) {
        atomic_fetch_sub(&client->crowd->busy_count, 1);
    }
    if (client->state < DUMMY_FROZEN && state >= DUMMY_FROZEN) {
        atomic_fetch_sub(&client->crowd->unfrozen_count, 1);
    }
    client->state = state;
}

static void freeze(struct dummy_client *client)
{
    if (client->ledger.room != NULL) {
        dummy_ledger_freeze(&client->ledger);
    }
    dummy_watch_become(client, DUMMY_FROZEN);
}

/* What a packet with values made up does to the room is not known: there is nothing to wait for. */
static bool is_settled(const struct dummy_client *client)
{
    bool is_checked = client->ledger.room != NULL && client->crowd->options->send == NULL;
    return dummy_client_unanswered(client) == 0 &&
           (!is_checked || dummy_ledger_is_complete(&client->ledger));
}

/* Whether it will go because the server wants it to. */
static bool is_going(const struct dummy_client *client)
{
    return client->outcome.asked_to_go && !client->crowd->options->stay;
}

/* Does what the phase of the run, or a server that asked it to go, wants of it. */
static void look_around(struct dummy_client *client, uint64_t now_ns)
{
    enum dummy_phase phase = atomic_load(&client->crowd->phase);
    bool must_stop = is_going(client) || now_ns >= client->crowd->stop_ns;
    if (client->state == DUMMY_TALKING && (must_stop || phase > DUMMY_PHASE_TALK)) {
        dummy_watch_become(client, DUMMY_QUIET);
    }
    if (is_going(client) && dummy_client_unanswered(client) == 0) {
        gw_session_end(client->session, DUMMY_LEAVES);
    }
    bool may_freeze = phase == DUMMY_PHASE_WAIT && is_settled(client);
    if (client->state < DUMMY_FROZEN && (may_freeze || phase >= DUMMY_PHASE_CHECK)) {
        freeze(client);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t wake_ns(const struct dummy_client *client, uint64_t now_ns)
{
    if (client->state == DUMMY_QUIET || is_going(client)) {
        return now_ns + POLL_NS;
    }
    uint64_t wake = now_ns + LOOK_NS;
    if (dummy_client_is_slow(client)) {
        wake = earlier(wake, client->read_ns);
    }
    if (client->state == DUMMY_TALKING) {
        wake = earlier(wake, dummy_pace_slot_ns(&client->pace, client->slot));
    }
    return now_ns < client->crowd->stop_ns ? earlier(wake, client->crowd->stop_ns) : wake;
}

static void look(struct dummy_client *client, uint64_t now_ns)
{
    look_around(client, now_ns);
    if (client->state < DUMMY_FROZEN || is_going(client)) {
        gw_timer_set(&client->timer, wake_ns(client, now_ns));
    }
}

static void on_time(struct gw_timer *timer)
{
    struct dummy_client *client = GW_CONTAINER_OF(timer, struct dummy_client, timer);
    uint64_t now_ns = gw_turn_now_ns(gw_session_turn(client->session));
    if (client->state == DUMMY_TALKING && !is_going(client)) {
        dummy_talk(client, now_ns);
    }
    look(client, now_ns);
    dummy_client_read_on(client, now_ns);
}

void dummy_watch_begin(struct dummy_client *client)
{
    gw_timer_init(&client->timer, gw_session_turn(client->session), on_time);
    dummy_watch_look(client);
}

void dummy_watch_look(struct dummy_client *client)
{
    look(client, gw_turn_now_ns(gw_session_turn(client->session)));
}

void dummy_watch_end(struct dummy_client *client)
{
    if (client->outcome.begun) {
        gw_timer_stop(&client->timer);
    }
    dummy_watch_become(client, DUMMY_GONE);
}
