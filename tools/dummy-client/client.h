/* tools/dummy-client/client.h: one client, from dialing to the end of its session. */
#ifndef GW_DUMMY_CLIENT_H
#define GW_DUMMY_CLIENT_H

#include "net/timer.h"
#include "proto/gw/control.pb-c.h"
#include "session/manager.h"
#include "tools/dummy-client/ledger.h"
#include "tools/dummy-client/script.h"
#include <stdbool.h>
#include <stdint.h>

struct dummy_room;
struct dummy_run;

/* The interval at which a slow reader reads packets. */
enum { DUMMY_SLOW_READ_NS = 500000000 };

/*
 * The reason with which a client closes its own session. A reason that the server sends arrives as
 * BY_PEER, so the two cannot be confused.
 */
#define DUMMY_LEAVES GW__CLOSE_REASON__SHUTDOWN

/* The answer to Enter was ERROR, or did not come in time. */
enum { DUMMY_REFUSED_BY_ERROR = -1 };

/* The result of a client, for the report. */
struct dummy_outcome {
    bool begun;       /* on_begin came: the connection was established */
    bool greeted;     /* HELLO_ACK came */
    bool ready;       /* and Entered, if its script has rooms */
    bool asked_to_go; /* GOAWAY came */
    bool ended;       /* on_end came; with: */
    Gw__CloseReason reason;
    Gw__CloseReason peer_reason;
    int refusal; /* a Game__EnterResult, or DUMMY_REFUSED_BY_ERROR; 0, ENTERED_OK: not refused */
};

/*
 * Whether the session ended in order: the client left, or the server sent GOAWAY and closed it with
 * SHUTDOWN. A client that was not greeted when the server began to drain (`server_asked`) may be
 * closed without a reason.
 */
bool dummy_outcome_is_orderly(const struct dummy_outcome *outcome, bool server_asked);

enum dummy_state {
    DUMMY_CONNECTING, /* dials, is greeted, enters its room */
    DUMMY_SENDING,    /* sends messages at its rate */
    DUMMY_QUIET,      /* sends no more, waits for answers */
    DUMMY_FROZEN,     /* its ledger is final; it waits until the schedule ends its session */
    DUMMY_ENDED
};

/*
 * A client is accessed in the turns of its session only. Before it is dialed, and after the workers
 * have joined, it belongs to the schedule. Other clients read the shared part in its room.
 */
struct dummy_client {
    struct dummy_run *run;
    uint32_t index;
    enum dummy_state state;
    gw_session_id id;           /* accessed by the schedule */
    struct gw_session *session; /* from on_begin to on_end */
    struct gw_timer timer;
    uint64_t due_ns; /* when it should dial */
    struct dummy_pace pace;
    uint64_t slot; /* the next slot of its pace */
    uint64_t sent[DUMMY_MESSAGE_COUNT];
    uint64_t moves_received; /* how many of its own moves it has received back */
    uint64_t read_ns;        /* of a slow reader: when it reads the next packet */
    struct dummy_sequence said;
    struct dummy_ledger ledger;
    struct dummy_outcome outcome;
};

/* The callbacks of a client's session, for the session manager; their context is the run. */
extern const struct gw_session_events dummy_client_events;

/* Initialises a client that is not dialed yet, and releases it after the run. Thread: setup. */
void dummy_client_init(struct dummy_client *client, struct dummy_run *run, uint32_t index);
void dummy_client_fini(struct dummy_client *client);

/*
 * Dials. The connect latency counts from `due_ns`.
 *
 * Returns   whether dialing began.
 * Thread    the schedule's turn, once.
 */
bool dummy_client_dial(struct dummy_client *client, uint64_t due_ns);

/* Ends its session with DUMMY_LEAVES. Thread: the schedule's turn. */
void dummy_client_dismiss(struct dummy_client *client);

/*
 * Reading of a slow reader: it pauses after each packet while it sends, and resumes after
 * DUMMY_SLOW_READ_NS. has_read() is called for each packet, read_on() when the timer fires.
 * Thread: turn.
 */
bool dummy_client_is_slow(const struct dummy_client *client);
void dummy_client_has_read(struct dummy_client *client);
void dummy_client_read_on(struct dummy_client *client, uint64_t now_ns);

/* Starts to send: the client is greeted, and in its room if its script has rooms. Thread: turn. */
void dummy_client_is_ready(struct dummy_client *client);

/* How many of its messages are unanswered. Thread: turn; after the end: setup. */
uint64_t dummy_client_unanswered(const struct dummy_client *client);

#endif
