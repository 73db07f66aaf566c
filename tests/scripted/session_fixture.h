/* tests/scripted/session_fixture.h: Sessions with a small schema on the simulated kernel. */
#ifndef GW_TESTS_SCRIPTED_SESSION_FIXTURE_H
#define GW_TESTS_SCRIPTED_SESSION_FIXTURE_H

#include "protocol/frame.h"
#include "session/manager.h"
#include "tests/scripted/bytes.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/support/frame_codec.h"
#include <stdbool.h>
#include <stdint.h>

enum session_fixture_packet {
    SAY = 300,  /* CLIENT, GREETED, Error, 256 */
    IN_ROOM,    /* CLIENT, stage 1, Ping, 16 */
    BIG,        /* CLIENT, GREETED, Error, 16,384: above the limit of a session */
    OFTEN,      /* as SAY; 10 a second, 5 at once */
    RARE,       /* as SAY; 1 a second, 1 at once */
    DROPS,      /* CLIENT, GREETED, Error, 4,096; 10 a second, 5 at once, droppable */
    ASK,        /* as SAY; a request */
    ASK_ROOM,   /* as OFTEN, but in stage 1; a request */
    LINE = 310, /* SERVER, Error, 65,536 */
    PLACE,      /* as LINE; coalesces */
    ANSWER,     /* as LINE; answers ASK */
};

enum { ASKED_MAX = 256 };

/* Events of all sessions together. */
struct session_fixture {
    struct gw_session_manager *manager;
    uint16_t port;
    struct gw_session *last; /* the last one that began; borrowed until it ends */
    uint32_t begun_count;
    uint32_t greeted_count;
    uint32_t received_count;
    uint32_t ended_count;
    Gw__CloseReason reason; /* of the last session that ended */
    Gw__CloseReason peer_reason;
    const char *problem;
    uint64_t joined_ns; /* when session_fixture_join() was called last */
    uint64_t ended_ns;
    struct bytes received; /* the id, tag and body of each packet of the game */
    int result;            /* the result of on_greet */
    void (*on_received)(struct gw_session *session);
    /* An ASK; NULL keeps it in `asked`. */
    void (*on_asked)(struct gw_session *session, const struct gw_frame *frame);
    struct gw_frame asked[ASKED_MAX];
    uint32_t asked_count;
    void (*on_lost)(struct gw_session *session, uint16_t packet_id);
    uint32_t lost_count;
    uint32_t closed_listener_count; /* on_listener_closed events */
    uint32_t send_low_count;
    uint32_t drained_count;
    uint64_t drained_ns;
};

extern struct session_fixture session_fixture;

/* The schema; its handlers are those of a server. */
extern const struct gw_packet_table session_fixture_packets;

/* NULL: the default configuration. */
void session_fixture_open(const struct port_fixture_config *fixture,
                          const struct gw_session_manager_config *sessions);

/* Closes the peers. Drains unless that was done. Fails unless all sessions have ended. */
void session_fixture_close(void);
void session_fixture_drain(uint32_t drain_ms);

/* The peer of a test; JOINED_TEST sets it. */
extern struct peer *peer;

/* A test with the fixture, and a configuration of the manager or NULL; and with a peer, which has
 * joined. */
#define SESSION_TEST_WITH(name, config)                                                            \
    cmocka_unit_test_prestate_setup_teardown(name, session_fixture_setup,                          \
                                             session_fixture_teardown, (void *)(config))
#define JOINED_TEST_WITH(name, config)                                                             \
    cmocka_unit_test_prestate_setup_teardown(name, session_fixture_setup_joined,                   \
                                             session_fixture_teardown, (void *)(config))
#define SESSION_TEST(name) SESSION_TEST_WITH(name, NULL)
#define JOINED_TEST(name)  JOINED_TEST_WITH(name, NULL)

int session_fixture_setup(void **state);
int session_fixture_setup_joined(void **state);
int session_fixture_teardown(void **state);

struct gw_session_counters session_fixture_counters(void);
struct gw_session_packet_counters session_fixture_counters_of(uint16_t packet_id);

/* Pauses or resumes the last session, in a turn of it. */
void session_fixture_pause(void);
void session_fixture_resume(void);

/* Connects; connects and greets; sends a message or a header; sends a SAY. */
struct peer *session_fixture_connect(void);
struct peer *session_fixture_join(void);
void session_fixture_send(struct peer *peer, uint16_t id, const ProtobufCMessage *message);
void session_fixture_send_request(struct peer *peer, uint16_t id, uint16_t tag); /* text "?" */
void session_fixture_send_header(struct peer *peer, uint32_t body_bytes, uint8_t flags, uint16_t id,
                                 uint16_t tag);
void session_fixture_say(struct peer *peer, const char *text);
void session_fixture_send_text(struct peer *peer, uint16_t id,
                               const char *text); /* a packet with a message like that of SAY */
void session_fixture_ping(struct peer *peer, uint64_t stamp);
size_t session_fixture_hello_frame(uint8_t *out);
void session_fixture_send_hello(struct peer *peer);

/* Reads the next frame. Returns its id and writes its body; 0: none has arrived. */
uint16_t session_fixture_next(struct peer *peer, uint8_t *body_out, size_t *bytes_out);

/* Reads the next frame, which must be CLOSE, with FIN behind it. Returns its reason. */
Gw__CloseReason session_fixture_close_reason(struct peer *peer);

/* The same; fails unless it has this reason and text. */
void session_fixture_expect_close(struct peer *peer, int reason, const char *text);

#endif
