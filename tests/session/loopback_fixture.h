/* tests/session/loopback_fixture.h: A server and a client manager on loopback, with a small
 * schema. */
#ifndef GW_TESTS_SESSION_LOOPBACK_FIXTURE_H
#define GW_TESTS_SESSION_LOOPBACK_FIXTURE_H

#include "tests/session/socket_peer.h"

#include "net/addr.h"
#include "protocol/packet.h"
#include "session/manager.h"
#include "tests/support/machine.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gw_turn;

/* The schema; its messages are those of control packets. */
enum test_packet {
    SAY = 300,    /* CLIENT, GREETED, Error, 256 */
    IN_LOBBY,     /* CLIENT, stage 0, Ping, 16 */
    IN_ROOM,      /* CLIENT, stage 1, Ping, 16 */
    BIG,          /* CLIENT, GREETED, Error, 16,384: above the limit of a session */
    LINE = 310,   /* SERVER, Error, 65,536 */
    NUMBER,       /* SERVER, Ping, 16 */
    EITHER = 320, /* BOTH, GREETED, Ping, 16 */
    BYTES,        /* BOTH, GREETED, no message, 512 */
};

/* Callbacks of a test; all may be NULL. */
struct loopback_fixture_hooks {
    void (*on_begin)(struct gw_session *session);
    int (*on_greet)(struct gw_session *session, const Gw__Hello *hello);
    void (*on_greeted)(struct gw_session *session);
    void (*on_received)(struct gw_session *session, const struct gw_frame *frame,
                        const ProtobufCMessage *message); /* a packet of the game */
    void (*on_bytes)(struct gw_session *session, const struct gw_frame *frame,
                     const uint8_t *body); /* BYTES */
    void (*on_go_away)(struct gw_session *session, const Gw__GoAway *go_away);
    void (*on_shown)(struct gw_session *session, const struct gw_session_packet *packet);
    void (*on_end)(struct gw_session *session, Gw__CloseReason reason);
};

/* Counted events of one side. */
struct loopback_fixture_side {
    struct gw_session_manager *manager;
    const struct loopback_fixture_hooks *hooks;
    atomic_uint begun;
    atomic_uint greeted;
    atomic_uint received;
    atomic_uint ended;
    atomic_uint ended_for[GW_CLOSE_REASON_COUNT];
    atomic_uint peer_reasons[GW_CLOSE_REASON_COUNT]; /* sessions that ended with BY_PEER, by the
                                                reason of the peer */
    atomic_uint drained;
    _Atomic gw_session_id last_id; /* of the last session that was greeted */
    bool draining;
};

struct loopback_fixture {
    struct gw_port *port;
    uint16_t port_number;
    struct gw_addr addr;
    struct loopback_fixture_side server;
    struct loopback_fixture_side client; /* dials the server */
    atomic_uint logged;                  /* events above DEBUG */
    atomic_uint other_schema_logged;
    atomic_uint too_long_logged;
    atomic_uint bad_peers_logged; /* not in `logged` */
};

extern struct loopback_fixture fixture;

struct loopback_fixture_config {
    uint32_t worker_count; /* 0: 2 */
    struct gw_session_manager_config server;
    struct gw_session_manager_config client;
    struct loopback_fixture_hooks server_hooks;
    struct loopback_fixture_hooks client_hooks;
};

/* Setup and teardown; the initial state is a struct loopback_fixture_config, or NULL. */
int fixture_open(void **state);
int fixture_close(void **state);

#define FIXTURE_TEST_WITH(test, config)                                                            \
    cmocka_unit_test_prestate_setup_teardown(test, fixture_open, fixture_close, (void *)(config))
#define FIXTURE_TEST(test) FIXTURE_TEST_WITH(test, NULL)

/* Fails when the condition is not reached within RAW_SOCKET_PATIENCE_MS. */
void wait_for_count(atomic_uint *count, unsigned expected);
void wait_until_empty(struct gw_session_manager *manager);
void wait_until_sent(void); /* until all send queues are empty */

/* Drains a side; waits until that is done. fixture_close() does both for a side that was not
 * drained. */
void fixture_drain(struct loopback_fixture_side *side, uint32_t drain_ms);
void wait_until_drained(struct loopback_fixture_side *side);

/* Runs `work` in a turn of `turn`, and waits for it. */
void run_in_turn(struct gw_turn *turn, void (*work)(void *context), void *context);

/* A reference to the session that was greeted last on the server's side. */
struct gw_session *fixture_session(void);

/* Milliseconds of the system's monotonic clock. */
uint64_t fixture_now_ms(void);

struct gw_session_counters counters_of(const struct loopback_fixture_side *side);
struct gw_session_packet_counters packet_counters_of(const struct loopback_fixture_side *side,
                                                     uint16_t id);

#endif
