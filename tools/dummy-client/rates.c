/* tools/dummy-client/rates.c: whether the clients want to say more than the schema lets them. */
#include "tools/dummy-client/rates.h"
#include "proto/game/game_client.gen.h"

static const uint16_t packet_ids[DUMMY_MESSAGE_COUNT] = {[DUMMY_SAY] = GAME_PACKET_SAY,
                                                         [DUMMY_CHAT] = GAME_PACKET_CHAT,
                                                         [DUMMY_MOVE] = GAME_PACKET_MOVE};

/* A script repeats itself after two messages. */
static double wanted_rate(const struct dummy_options *options, enum dummy_message message)
{
    int of_two = (dummy_script_message(options->script, 0, 0) == message ? 1 : 0) +
                 (dummy_script_message(options->script, 0, 1) == message ? 1 : 0);
    return (double)options->rate_millionths / 1e6 * of_two / 2;
}

struct dummy_excess dummy_rates_look(const struct dummy_options *options)
{
    for (int i = 0; i < DUMMY_MESSAGE_COUNT && options->send == NULL; i++) {
        enum dummy_message message = (enum dummy_message)i;
        unsigned allowed = gw_packet_find(&game_client_packets, packet_ids[i])->rate_per_second;
        double wanted = wanted_rate(options, message);
        if (allowed != 0 && wanted > allowed) {
            return (struct dummy_excess){message, wanted, allowed};
        }
    }
    return (struct dummy_excess){.message = DUMMY_MESSAGE_COUNT};
}
