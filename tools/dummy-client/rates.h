/* tools/dummy-client/rates.h: whether the clients want to say more than the schema lets them. */
#ifndef GW_DUMMY_RATES_H
#define GW_DUMMY_RATES_H

#include "tools/dummy-client/options.h"
#include "tools/dummy-client/script.h"

/*
 * The first message of the script that would leave more often than its packet's rate. The server
 * slows such a client down, so that what it says comes later and later, and then ends it with
 * TOO_OFTEN; one that was told --unlimited does not.
 *
 * Returns   DUMMY_MESSAGE_COUNT when there is none, otherwise the rates, per client and second.
 */
struct dummy_excess {
    enum dummy_message message;
    double wanted;
    unsigned allowed;
};
struct dummy_excess dummy_rates_look(const struct dummy_options *options);

#endif
