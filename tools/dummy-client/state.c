/* tools/dummy-client/state.c: state transitions of a client, and the timer that drives them. */
#include "tools/dummy-client/state.h"
#include "net/container_of.h"
#include "net/turn.h"
#include "session/session.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/run.h"
#include "tools/dummy-client/send.h"

enum { IDLE_NS = 1000000000, POLL_NS = 50000000 };

void dummy_state_set(struct dummy_client *client, enum dummy_state state)
{
    if (client->state <= DUMMY_SENDING && state > DUMMY_SENDING) {
        atomic_fetch_sub(&client->run->busy_count, 1);
    }
    if (client->state < DUMMY_FROZEN && state >= DUMMY_FROZEN) {
        atomic_fetch_sub(&client->run->unfrozen_count, 1);
    }
    client->state = state;
}

static void freeze(struct dummy_client *client)
{
    if (client->ledger.room != NULL) {
        dummy_ledger_freeze(&client->ledger);
    }
    dummy_state_set(client, DUMMY_FROZEN);
}

/* The effect of a packet with generated values is not known: there is nothing to wait for. */
static bool is_complete(const struct dummy_client *client)
{
    bool is_checked = client->ledger.room != NULL && client->run->options->send == NULL;
    return dummy_client_unanswered(client) == 0 &&
           (!is_checked || dummy_ledger_is_complete(&client->ledger));
}

/* Whether it leaves because of GOAWAY. */
static bool is_leaving(const struct dummy_client *client)
{
    return client->outcome.asked_to_go && !client->run->options->stay;
}

/* Follows the phase of the run, and GOAWAY. */
static void follow_phase(struct dummy_client *client, uint64_t now_ns)
{
    enum dummy_phase phase = atomic_load(&client->run->phase);
    bool must_stop = is_leaving(client) || now_ns >= client->run->stop_ns;
    if (client->state == DUMMY_SENDING && (must_stop || phase > DUMMY_PHASE_SEND)) {
        dummy_state_set(client, DUMMY_QUIET);
    }
    if (is_leaving(client) && dummy_client_unanswered(client) == 0) {
        gw_session_end(client->session, DUMMY_LEAVES);
    }
    bool may_freeze = phase == DUMMY_PHASE_WAIT && is_complete(client);
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
    if (client->state == DUMMY_QUIET || is_leaving(client)) {
        return now_ns + POLL_NS;
    }
    uint64_t wake = now_ns + IDLE_NS;
    if (dummy_client_is_slow(client)) {
        wake = earlier(wake, client->read_ns);
    }
    if (client->state == DUMMY_SENDING) {
        wake = earlier(wake, dummy_pace_slot_ns(&client->pace, client->slot));
    }
    return now_ns < client->run->stop_ns ? earlier(wake, client->run->stop_ns) : wake;
}

static void update(struct dummy_client *client, uint64_t now_ns)
{
    follow_phase(client, now_ns);
    if (client->state < DUMMY_FROZEN || is_leaving(client)) {
        gw_timer_set(&client->timer, wake_ns(client, now_ns));
    }
}

static void on_time(struct gw_timer *timer)
{
    struct dummy_client *client = GW_CONTAINER_OF(timer, struct dummy_client, timer);
    uint64_t now_ns = gw_turn_now_ns(gw_session_turn(client->session));
    if (client->state == DUMMY_SENDING && !is_leaving(client)) {
        dummy_send_due(client, now_ns);
    }
    update(client, now_ns);
    dummy_client_read_on(client, now_ns);
}

void dummy_state_begin(struct dummy_client *client)
{
    gw_timer_init(&client->timer, gw_session_turn(client->session), on_time);
    dummy_state_update(client);
}

void dummy_state_update(struct dummy_client *client)
{
    update(client, gw_turn_now_ns(gw_session_turn(client->session)));
}

void dummy_state_end(struct dummy_client *client)
{
    if (client->outcome.begun) {
        gw_timer_stop(&client->timer);
    }
    dummy_state_set(client, DUMMY_ENDED);
}
