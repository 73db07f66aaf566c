/* tools/dummy-client/ledger.h: a record of what one client receives of its room, and its check. */
#ifndef GW_DUMMY_LEDGER_H
#define GW_DUMMY_LEDGER_H

#include "tools/dummy-client/faults.h"
#include "tools/dummy-client/position.h"
#include "tools/dummy-client/sequence.h"
#include <stdbool.h>
#include <stdint.h>

struct dummy_room;

/* What a client knows of one member. */
struct dummy_peer {
    struct dummy_sequence lines; /* of this member, by the sender's own count */
    dummy_position position;     /* the last that was received; DUMMY_NOWHERE: not in the room */
};

/*
 * A ledger records what its client receives, and counts faults:
 *
 *      during the run   the room's line numbers have no gap after Entered.line; each sender's lines
 *                       have no gap; no line comes from a client that is not in the room
 *      at the end       the last line is the last one sent; each member's position is its last one
 *
 * A line that is lost on its way to one client leaves a gap in both counts; one that the server
 * never accepted leaves a gap in its sender's count only. So the number of faults of a kind is the
 * larger of the two.
 *
 * A ledger has no socket. Thread: its client's turn, but for dummy_ledger_fault_count().
 */
struct dummy_ledger {
    struct dummy_room *room; /* NULL: not entered */
    struct dummy_peer *peers;
    uint32_t self;
    bool frozen;
    struct dummy_sequence lines;
    struct dummy_faults line_faults;
    struct dummy_faults sender_faults;
    struct dummy_faults faults; /* the other kinds */
};

/*
 * Enters `room` as its member `self`, after the room's line `line`. The rest of the ledger is zero.
 *
 * Returns   0, or GW_E_MEMORY.
 * Owns      borrows `room`.
 */
int dummy_ledger_enter(struct dummy_ledger *ledger, struct dummy_room *room, uint32_t self,
                       uint64_t line);

/* Releases a ledger; a zeroed one too. */
void dummy_ledger_fini(struct dummy_ledger *ledger);

/* A member was in the room before this client; or joined later, so that its first line is 1. */
void dummy_ledger_was_here(struct dummy_ledger *ledger, uint32_t member, dummy_position position);
void dummy_ledger_joined(struct dummy_ledger *ledger, uint32_t member, dummy_position position);

/* A member has left, or has moved. */
void dummy_ledger_gone(struct dummy_ledger *ledger, uint32_t member);
void dummy_ledger_moved(struct dummy_ledger *ledger, uint32_t member, dummy_position position);

/* A member's line `count`, by its own count, was the room's line `line`. */
void dummy_ledger_line(struct dummy_ledger *ledger, uint32_t member, uint64_t count, uint64_t line);

/* The room's line `line` came from an unknown sender, or with an unknown text. */
void dummy_ledger_odd_line(struct dummy_ledger *ledger, uint64_t line);

/*
 * A client of another process is in the room. From then on the number of lines is not known, and
 * only gaps are checked.
 */
void dummy_ledger_outsider(struct dummy_ledger *ledger);

/* A packet was invalid. */
void dummy_ledger_garbled(struct dummy_ledger *ledger);

/* How many of its own lines the client has received. */
uint64_t dummy_ledger_own_lines(const struct dummy_ledger *ledger);

/* Whether the ledger agrees with the room, once no client sends any more. */
bool dummy_ledger_is_complete(const struct dummy_ledger *ledger);

/* Ignores what is received from now on: other clients begin to leave. */
void dummy_ledger_freeze(struct dummy_ledger *ledger);

/* Compares a frozen ledger with its room, and counts the faults. Once all are frozen, once. */
void dummy_ledger_check(struct dummy_ledger *ledger);

/* How many faults of a kind there are so far. Thread: any. */
uint64_t dummy_ledger_fault_count(const struct dummy_ledger *ledger, enum dummy_fault fault);

#endif
