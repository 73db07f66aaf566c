/* tools/dummy-client/text.h: texts of messages, in a form that a receiver can check. */
#ifndef GW_DUMMY_TEXT_H
#define GW_DUMMY_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A chat line contains its sender, the number of the line, and when it was due:
 *
 *      dummy 000042 line 00000017 at 00012345678 us
 *
 * The form is fixed, so that it is parsed in one pass. Texts count clients from one, the code
 * counts them from zero.
 */
struct dummy_chat_text {
    uint32_t client;
    uint32_t line;        /* of this client, from 1 */
    uint64_t intended_us; /* since the run began */
};

enum {
    DUMMY_CLIENT_COUNT_MAX = 999999,
    DUMMY_CHAT_TEXT_BYTES = 45, /* with its NUL */
    DUMMY_HELLO_TEXT_BYTES = 64,
    DUMMY_NAME_BYTES = 24,
};

/* Writes a chat line. Returns `text`. */
char *dummy_text_write_chat(const struct dummy_chat_text *chat, char text[DUMMY_CHAT_TEXT_BYTES]);

/* Returns whether `text` is such a line; *chat_out is set only then. */
bool dummy_text_read_chat(const char *text, struct dummy_chat_text *chat_out);

/* Writes "hello from dummy 2, message 1" for client 1. Returns `text`. */
char *dummy_text_write_hello(uint32_t client, uint32_t message, char text[DUMMY_HELLO_TEXT_BYTES]);

/* Returns whether `text` is such a text; the rest is set only then. */
bool dummy_text_read_hello(const char *text, uint32_t *client_out, uint32_t *message_out);

/* Writes the name of a client: "dummy-2" for client 1. Returns `text`. */
char *dummy_text_write_name(uint32_t client, char text[DUMMY_NAME_BYTES]);

#endif
