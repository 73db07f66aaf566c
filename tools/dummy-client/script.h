/* tools/dummy-client/script.h: scripts: which message a client sends, when, and with which
 * position. */
#ifndef GW_DUMMY_SCRIPT_H
#define GW_DUMMY_SCRIPT_H

#include "tools/dummy-client/position.h"
#include <stdbool.h>
#include <stdint.h>

struct dummy_options;

/* MIXED is the last. The names are in script.c; --help has them in options.c. */
enum dummy_script { DUMMY_SCRIPT_HELLO, DUMMY_SCRIPT_CHAT, DUMMY_SCRIPT_MOVE, DUMMY_SCRIPT_MIXED };

enum dummy_message { DUMMY_SAY, DUMMY_CHAT, DUMMY_MOVE, DUMMY_MESSAGE_COUNT };

/* Returns whether a script has that name; *script_out is set only then. */
bool dummy_script_find(const char *name, enum dummy_script *script_out);
const char *dummy_script_name(enum dummy_script script);

/* A message's name in reports: "chat". */
const char *dummy_message_name(enum dummy_message message);

/* Whether clients of the script enter rooms. */
bool dummy_script_has_rooms(enum dummy_script script);

/* The message that client `client` sends in slot `slot`, from 0. */
enum dummy_message dummy_script_message(enum dummy_script script, uint32_t client, uint64_t slot);

/* The slot of message `nth`, from 1, among the client's messages of its kind. */
uint64_t dummy_script_slot(enum dummy_script script, uint32_t client, enum dummy_message message,
                           uint64_t nth);

/*
 * The position that client `client` moves to with its move `step`. Each client walks the rows of
 * the map forth and back, from a row of its own. It visits no position twice in four million steps,
 * so that a position identifies its step.
 */
dummy_position dummy_script_position(uint32_t client, uint32_t step);

/*
 * Send times of an open loop: slot k is due at start + k * interval, whether or not earlier
 * messages are answered. Latencies are measured from the due time, so that a server that stops for
 * a second delays every message that was due in that second.
 */
struct dummy_pace {
    uint64_t start_ns;
    uint64_t interval_ns; /* 0: no slot is ever due */
};

/* Later than the end of any run. */
#define DUMMY_NEVER UINT64_MAX

/* The interval for a rate in millionths of a message per second; 0 for a rate of 0. */
uint64_t dummy_pace_interval_ns(uint64_t rate_millionths);

/* Sets the start to `now_ns` plus a fraction of the interval that differs between clients. */
void dummy_pace_begin(struct dummy_pace *pace, uint64_t now_ns, uint32_t client);

/* The due time of slot `slot`, from 0. */
uint64_t dummy_pace_slot_ns(const struct dummy_pace *pace, uint64_t slot);

/* Rates per client and second. */
struct dummy_rate_excess {
    enum dummy_message message;
    double wanted;
    unsigned allowed;
};

/*
 * The first message of the script that exceeds the rate limit of its packet in the schema. The
 * server throttles such a client, so that its messages arrive ever later, and then closes it with
 * TOO_OFTEN; a server with --unlimited does neither.
 *
 * Returns   the rates; `message` is DUMMY_MESSAGE_COUNT when no message exceeds its limit.
 */
struct dummy_rate_excess dummy_script_excess(const struct dummy_options *options);

#endif
