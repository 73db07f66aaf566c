/* tools/dummy-client/ledger.c: a record of what one client receives of its room, and its check. */
#include "tools/dummy-client/ledger.h"
#include "net/error.h"
#include "tools/dummy-client/room.h"
#include <stdlib.h>

int dummy_ledger_enter(struct dummy_ledger *ledger, struct dummy_room *room, uint32_t self,
                       uint64_t line)
{
    ledger->peers = calloc(room->member_count, sizeof *ledger->peers);
    if (ledger->peers == NULL) {
        return GW_E_MEMORY;
    }
    for (uint32_t member = 0; member < room->member_count; member++) {
        ledger->peers[member].position = DUMMY_NOWHERE;
    }
    ledger->room = room;
    ledger->self = self;
    dummy_sequence_init(&ledger->lines, line + 1);
    dummy_sequence_init(&ledger->peers[self].lines, 1);
    return 0;
}

void dummy_ledger_fini(struct dummy_ledger *ledger)
{
    free(ledger->peers);
    ledger->peers = NULL;
    ledger->room = NULL;
}

/* Whether to record what was received; before the room is entered it is a fault. */
static bool accepts(struct dummy_ledger *ledger)
{
    if (ledger->room == NULL) {
        dummy_faults_add(&ledger->faults, DUMMY_GARBLED, 1);
    }
    return ledger->room != NULL && !ledger->frozen;
}

static void appear(struct dummy_ledger *ledger, uint32_t member, dummy_position position,
                   uint64_t line_next)
{
    if (!accepts(ledger)) {
        return;
    }
    struct dummy_peer *peer = &ledger->peers[member];
    if (peer->position != DUMMY_NOWHERE) {
        dummy_faults_add(&ledger->faults, DUMMY_DOUBLED, 1);
        return;
    }
    peer->position = position;
    dummy_sequence_init(&peer->lines, line_next);
}

void dummy_ledger_was_here(struct dummy_ledger *ledger, uint32_t member, dummy_position position)
{
    appear(ledger, member, position, member == ledger->self ? 1 : 0);
}

void dummy_ledger_joined(struct dummy_ledger *ledger, uint32_t member, dummy_position position)
{
    appear(ledger, member, position, 1);
}

/* Finds a member that is in the room; a packet about any other is a fault. */
static struct dummy_peer *find_here(struct dummy_ledger *ledger, uint32_t member)
{
    struct dummy_peer *peer = &ledger->peers[member];
    if (peer->position != DUMMY_NOWHERE) {
        return peer;
    }
    dummy_faults_add(&ledger->faults, DUMMY_GARBLED, 1);
    return NULL;
}

static void set_position(struct dummy_ledger *ledger, uint32_t member, dummy_position position)
{
    struct dummy_peer *peer = accepts(ledger) ? find_here(ledger, member) : NULL;
    if (peer != NULL) {
        peer->position = position;
    }
}

void dummy_ledger_gone(struct dummy_ledger *ledger, uint32_t member)
{
    set_position(ledger, member, DUMMY_NOWHERE);
}

void dummy_ledger_moved(struct dummy_ledger *ledger, uint32_t member, dummy_position position)
{
    set_position(ledger, member, position);
}

void dummy_ledger_line(struct dummy_ledger *ledger, uint32_t member, uint64_t count, uint64_t line)
{
    if (!accepts(ledger)) {
        return;
    }
    dummy_sequence_receive(&ledger->lines, line, &ledger->line_faults);
    struct dummy_peer *peer = find_here(ledger, member);
    if (peer != NULL) {
        dummy_sequence_receive(&peer->lines, count, &ledger->sender_faults);
    }
}

void dummy_ledger_odd_line(struct dummy_ledger *ledger, uint64_t line)
{
    if (accepts(ledger)) {
        dummy_sequence_receive(&ledger->lines, line, &ledger->line_faults);
    }
}

void dummy_ledger_outsider(struct dummy_ledger *ledger)
{
    if (accepts(ledger) && !atomic_load(&ledger->room->has_outsiders)) {
        atomic_store(&ledger->room->has_outsiders, true);
    }
}

void dummy_ledger_garbled(struct dummy_ledger *ledger)
{
    dummy_faults_add(&ledger->faults, DUMMY_GARBLED, 1);
}

uint64_t dummy_ledger_own_lines(const struct dummy_ledger *ledger)
{
    return ledger->room == NULL ? 0 : ledger->peers[ledger->self].lines.next - 1;
}

/* How many members have another position than this client has received. */
static uint64_t count_misplaced(const struct dummy_ledger *ledger)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < ledger->room->member_count; i++) {
        const struct dummy_member *member = &ledger->room->members[i];
        bool agrees = ledger->peers[i].position == atomic_load(&member->position);
        count += atomic_load(&member->here) && !agrees;
    }
    return count;
}

bool dummy_ledger_is_complete(const struct dummy_ledger *ledger)
{
    const struct dummy_room *room = ledger->room;
    bool all_received = ledger->lines.next - 1 == dummy_room_line_most(room);
    bool in_doubt = atomic_load(&room->lines_doubtful) > 0;
    return ((all_received && !in_doubt) || atomic_load(&room->has_outsiders)) &&
           count_misplaced(ledger) == 0;
}

void dummy_ledger_freeze(struct dummy_ledger *ledger)
{
    ledger->frozen = true;
    dummy_room_received(ledger->room, ledger->lines.next - 1);
}

static void check_last_line(struct dummy_ledger *ledger)
{
    uint64_t last = ledger->lines.next - 1;
    uint64_t least = dummy_room_line_least(ledger->room);
    uint64_t most = dummy_room_line_most(ledger->room);
    if (last < least) {
        dummy_faults_add(&ledger->line_faults, DUMMY_LOST, (int64_t)(least - last));
    }
    if (last > most) {
        dummy_faults_add(&ledger->line_faults, DUMMY_DOUBLED, (int64_t)(last - most));
    }
}

void dummy_ledger_check(struct dummy_ledger *ledger)
{
    if (!atomic_load(&ledger->room->has_outsiders)) {
        check_last_line(ledger);
    }
    dummy_faults_add(&ledger->faults, DUMMY_WRONG_POSITION, (int64_t)count_misplaced(ledger));
}

uint64_t dummy_ledger_fault_count(const struct dummy_ledger *ledger, enum dummy_fault fault)
{
    uint64_t by_line = dummy_faults_count(&ledger->line_faults, fault);
    uint64_t by_sender = dummy_faults_count(&ledger->sender_faults, fault);
    return dummy_faults_count(&ledger->faults, fault) + (by_line > by_sender ? by_line : by_sender);
}
