/* tools/dummy-client/sequence.c: a check that numbers arrive once each, in order. */
#include "tools/dummy-client/sequence.h"
#include "tools/dummy-client/faults.h"

enum { REMEMBERED_COUNT = 64 };

void dummy_sequence_init(struct dummy_sequence *sequence, uint64_t next)
{
    *sequence = (struct dummy_sequence){.next = next, .recent = UINT64_MAX};
}

static void skip_to(struct dummy_sequence *sequence, uint64_t number, struct dummy_faults *faults)
{
    uint64_t missing = number - sequence->next;
    dummy_faults_add(faults, DUMMY_LOST, (int64_t)missing);
    sequence->recent = missing < REMEMBERED_COUNT ? sequence->recent << missing : 0;
    sequence->next = number;
}

static void receive_old(struct dummy_sequence *sequence, uint64_t number,
                        struct dummy_faults *faults)
{
    uint64_t age = sequence->next - 1 - number;
    uint64_t bit = age < REMEMBERED_COUNT ? UINT64_C(1) << age : 0;
    if (bit == 0 || (sequence->recent & bit) != 0) {
        dummy_faults_add(faults, DUMMY_DOUBLED, 1);
        return;
    }
    sequence->recent |= bit;
    dummy_faults_add(faults, DUMMY_LOST, -1);
    dummy_faults_add(faults, DUMMY_OUT_OF_ORDER, 1);
}

void dummy_sequence_receive(struct dummy_sequence *sequence, uint64_t number,
                            struct dummy_faults *faults)
{
    if (sequence->next == 0) {
        sequence->next = number;
    }
    if (number < sequence->next) {
        receive_old(sequence, number, faults);
        return;
    }
    if (number > sequence->next) {
        skip_to(sequence, number, faults);
    }
    sequence->recent = sequence->recent << 1 | 1;
    sequence->next = number + 1;
}
