/* tools/dummy-client/ledger.h: what one client has heard of its room, held against the truth. */
#ifndef GW_DUMMY_LEDGER_H
#define GW_DUMMY_LEDGER_H

#include "tools/dummy-client/faults.h"
#include "tools/dummy-client/place.h"
#include "tools/dummy-client/window.h"
#include <stdbool.h>
#include <stdint.h>

struct dummy_room;

/* What a client knows of one member. */
struct dummy_peer {
    struct dummy_window lines; /* of this member, by the sender's own count */
    dummy_place place;         /* where it is believed to be; DUMMY_NOWHERE: not in the room */
};

/*
 * A ledger is fed with what its client hears, and counts what is wrong with it:
 *
 *      while it talks   the room's lines come without a hole, from the one after Entered.line on;
 *                       each sender's lines come without a hole; nobody speaks who is not here
 *      at the end       the last line is the one the senders know of; everybody is where he last
 *                       went
 *
 * A line that is lost on its way to one listener leaves a hole in both counts, one that the server
 * never took in leaves it only in its sender's. So each kind of fault is the larger of the two.
 *
 * It knows no socket. Thread: its client's turn, but for dummy_ledger_fault_count().
 */
struct dummy_ledger {
    struct dummy_room *room; /* NULL: not entered */
    struct dummy_peer *peers;
    uint32_t self;
    bool frozen;
    struct dummy_window lines;
    struct dummy_faults line_faults;
    struct dummy_faults sender_faults;
    struct dummy_faults faults; /* the other kinds */
};

/*
 * Enters `room` as its member `self`; its last line was `line`. The rest of the ledger is zero.
 *
 * Returns   0, or GW_E_MEMORY.
 * Owns      borrows `room`.
 */
int dummy_ledger_enter(struct dummy_ledger *ledger, struct dummy_room *room, uint32_t self,
                       uint64_t line);

/* A zeroed one may be finished. */
void dummy_ledger_fini(struct dummy_ledger *ledger);

/* A member was here when we came; or has come since, so that its first line will be its line 1. */
void dummy_ledger_was_here(struct dummy_ledger *ledger, uint32_t member, dummy_place place);
void dummy_ledger_joined(struct dummy_ledger *ledger, uint32_t member, dummy_place place);

/* A member has left, or has moved. */
void dummy_ledger_gone(struct dummy_ledger *ledger, uint32_t member);
void dummy_ledger_moved(struct dummy_ledger *ledger, uint32_t member, dummy_place place);

/* A member's line `count`, by its own count, was the room's line `line`. */
void dummy_ledger_line(struct dummy_ledger *ledger, uint32_t member, uint64_t count, uint64_t line);

/* The room's line `line` came, but who said what is not known. */
void dummy_ledger_odd_line(struct dummy_ledger *ledger, uint64_t line);

/*
 * Somebody is in the room who is none of ours. How many lines there should be is not known from
 * then on; that there is no hole in them still is.
 */
void dummy_ledger_outsider(struct dummy_ledger *ledger);

/* Something came that makes no sense. */
void dummy_ledger_garbled(struct dummy_ledger *ledger);

/* How many of its own lines it has heard. */
uint64_t dummy_ledger_own_lines(const struct dummy_ledger *ledger);

/* Whether all that is true of the room is known here too, once everybody is quiet. */
bool dummy_ledger_is_complete(const struct dummy_ledger *ledger);

/* What comes from now on is not for this ledger: others begin to leave. */
void dummy_ledger_freeze(struct dummy_ledger *ledger);

/* Holds a frozen ledger against its room, and counts what is wrong. Once all are frozen, once. */
void dummy_ledger_check(struct dummy_ledger *ledger);

/* How many faults of a kind there are so far. Thread: any. */
uint64_t dummy_ledger_fault_count(const struct dummy_ledger *ledger, enum dummy_fault fault);

#endif
