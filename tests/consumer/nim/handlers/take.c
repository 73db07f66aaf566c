/* tests/consumer/nim/handlers/take.c: A player takes sticks. */
#include "nim.gen.h"
#include "nim.h"
#include "nim_server.gen.h"

#include <gangway/session/session.h>

/* In a turn of the session; the table has a turn of its own, so the move is copied to it. */
void nim_on_take(struct gw_session *session, const struct gw_frame *frame, const Nim__Take *take)
{
    const struct move move = {gw_session_id_of(session), *frame, take->sticks};
    table_take(&move);
}
