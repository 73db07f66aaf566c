/* tools/dummy-client/client.h: one client, from its call to its last word. */
#ifndef GW_DUMMY_CLIENT_H
#define GW_DUMMY_CLIENT_H

#include "net/timer.h"
#include "session/manager.h"
#include "tools/dummy-client/ledger.h"
#include "tools/dummy-client/outcome.h"
#include "tools/dummy-client/pace.h"
#include "tools/dummy-client/script.h"
#include <stdbool.h>
#include <stdint.h>

struct dummy_crowd;
struct dummy_room;

/* Between two packets that a slow reader reads. */
enum { DUMMY_SLOW_READ_NS = 500000000 };

enum dummy_state {
    DUMMY_COMING,  /* it calls, is greeted, enters its room */
    DUMMY_TALKING, /* it sends at its pace */
    DUMMY_QUIET,   /* it has said all, and waits for answers */
    DUMMY_FROZEN,  /* it has received all there is, or time is up; it waits to be sent home */
    DUMMY_GONE
};

/*
 * A client lives in the turns of its session. What others need of it stands in its room. Until it
 * is dialed it belongs to the conductor, and again when the workers are home.
 */
struct dummy_client {
    struct dummy_crowd *crowd;
    uint32_t index;
    enum dummy_state state;
    gw_session_id id;           /* the conductor's */
    struct gw_session *session; /* from on_begin to on_end */
    struct gw_timer timer;
    uint64_t due_ns; /* when it should come */
    struct dummy_pace pace;
    uint64_t slot; /* the next of its pace */
    uint64_t sent[DUMMY_MESSAGE_COUNT];
    uint64_t moves_received; /* up to which of its moves it has seen itself move */
    uint64_t read_ns;        /* a slow reader: when it reads the next packet */
    struct dummy_window said;
    struct dummy_ledger ledger;
    struct dummy_outcome outcome;
};

/* The callbacks of its session, for the session manager; their context is the crowd. */
extern const struct gw_session_events dummy_client_events;

/* Prepares a client that is at home, and takes it apart. Thread: setup. */
void dummy_client_init(struct dummy_client *client, struct dummy_crowd *crowd, uint32_t index);
void dummy_client_fini(struct dummy_client *client);

/*
 * Sends the client on its way; it should have left at `due_ns`.
 *
 * Returns   whether it could be dialed.
 * Thread    the conductor's turn, once.
 */
bool dummy_client_dial(struct dummy_client *client, uint64_t due_ns);

/* Sends it home. Thread: the conductor's turn. */
void dummy_client_dismiss(struct dummy_client *client);

/* A slow reader has heard something, or its time to hear more has come. Thread: turn. */
bool dummy_client_is_slow(const struct dummy_client *client);
void dummy_client_has_read(struct dummy_client *client);
void dummy_client_read_on(struct dummy_client *client, uint64_t now_ns);

/* It is let in, and may talk from now on. Thread: turn. */
void dummy_client_is_ready(struct dummy_client *client);

/* How many of its messages are not answered. Thread: turn; or when it is gone. */
uint64_t dummy_client_unanswered(const struct dummy_client *client);

#endif
