/* tests/consumer/counter/client.c: Client that makes the server count from 40 to 42. */
#include "counter.gen.h"
#include "counter.h"
#include "counter_client.gen.h"

#include <stdio.h>

enum { FIRST = 40, LAST = 42 };

static struct gw_session_manager *manager;
static void (*over)(void);
static int64_t last_sum;

static void add_one(struct gw_session *session)
{
    Counter__Add add = COUNTER__ADD__INIT;
    add.value = 1;
    counter_send_add(session, &add);
}

void counter_client_on_sum(struct gw_session *session, const struct gw_frame *frame,
                           const Counter__Sum *sum)
{
    (void)frame;
    printf("%lld\n", (long long)sum->value);
    last_sum = sum->value;
    if (last_sum < LAST) {
        add_one(session);
    } else {
        gw_session_end(session, GW__CLOSE_REASON__SHUTDOWN);
    }
}

static void on_session_begin(struct gw_session *session, void *context)
{
    (void)context;
    Gw__Hello hello = GW__HELLO__INIT;
    hello.name = "counter";
    gw_session_hello(session, &hello);
}

static void on_greeted(struct gw_session *session, const Gw__HelloAck *ack, void *context)
{
    (void)ack;
    (void)context;
    Counter__Begin begin = COUNTER__BEGIN__INIT;
    begin.value = FIRST;
    counter_send_begin(session, &begin);
    add_one(session);
}

static void on_drained(void *context)
{
    (void)context;
    over();
}

static void on_session_end(struct gw_session *session, Gw__CloseReason reason,
                           Gw__CloseReason peer_reason, void *context)
{
    (void)session;
    (void)peer_reason;
    (void)context;
    printf("ended: %s\n", gw_close_reason_name(reason));
    gw_session_manager_drain(manager, 0, on_drained, NULL);
}

bool client_open(struct gw_port *port, const struct gw_addr *addr, void (*on_over)(void))
{
    static const struct gw_session_events events = {
        .on_begin = on_session_begin,
        .on_greeted = on_greeted,
        .on_end = on_session_end,
    };
    const struct gw_session_manager_config config = {.side = GW_SIDE_CLIENT};

    over = on_over;
    manager = gw_session_manager_create(port, &config, &counter_client_packets, &events, NULL);
    return manager != NULL &&
           gw_session_manager_dial(manager, addr, NULL, NULL) != GW_SESSION_ID_NONE;
}

int64_t client_sum(void)
{
    return last_sum;
}

void client_close(void)
{
    gw_session_manager_destroy(manager);
}
