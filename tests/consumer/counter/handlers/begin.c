/* tests/consumer/counter/handlers/begin.c: Sets the first number of a client. */
#include "counter.gen.h"
#include "counter.h"
#include "counter_server.gen.h"

#include <gangway/session/session.h>

void counter_on_begin(struct gw_session *session, const struct gw_frame *frame,
                      const Counter__Begin *begin)
{
    (void)frame;
    struct count *count = gw_session_user(session);
    count->sum = begin->value;
    gw_session_set_stage(session, COUNTER__STAGE__COUNTING);
}
