/* tests/consumer/counter/handlers/add.c: Adds the number of a client. */
#include "counter.gen.h"
#include "counter.h"
#include "counter_server.gen.h"

#include <gangway/session/session.h>

void counter_on_add(struct gw_session *session, const struct gw_frame *frame,
                    const Counter__Add *add)
{
    (void)frame;
    struct count *count = gw_session_user(session);
    count->sum += add->value;
    Counter__Sum sum = COUNTER__SUM__INIT;
    sum.value = count->sum;
    counter_send_sum(session, &sum);
}
