/* tools/dummy-client/text.c: texts of messages, in a form that a receiver can check. */
#include "tools/dummy-client/text.h"
#include "tools/dummy-client/number.h"
#include <stdio.h>
#include <string.h>

static const char chat_form[DUMMY_CHAT_TEXT_BYTES] = "dummy 000000 line 00000000 at 00000000000 us";

/* The offsets and lengths of its numbers. */
enum {
    CLIENT_AT = 6,
    CLIENT_DIGITS = 6,
    LINE_AT = 18,
    LINE_DIGITS = 8,
    INTENDED_AT = 30,
    INTENDED_DIGITS = 11,
    END_AT = 41
};

static void write_digits(char *out, int digit_count, uint64_t number)
{
    while (digit_count-- > 0) {
        out[digit_count] = (char)('0' + number % 10);
        number /= 10;
    }
}

char *dummy_text_write_chat(const struct dummy_chat_text *chat, char text[DUMMY_CHAT_TEXT_BYTES])
{
    memcpy(text, chat_form, sizeof chat_form);
    write_digits(text + CLIENT_AT, CLIENT_DIGITS, (uint64_t)chat->client + 1);
    write_digits(text + LINE_AT, LINE_DIGITS, chat->line);
    write_digits(text + INTENDED_AT, INTENDED_DIGITS, chat->intended_us);
    return text;
}

/* Parses exactly `digit_count` digits; the NUL of a text that is too short is not a digit. */
static bool read_digits(const char *text, int digit_count, uint64_t *number_out)
{
    uint64_t number = 0;
    for (int i = 0; i < digit_count; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9) {
            return false;
        }
        number = number * 10 + digit;
    }
    *number_out = number;
    return true;
}

/* Whether the form's words are at [from, to). */
static bool matches_form(const char *text, int from, int to)
{
    return strncmp(text + from, chat_form + from, (size_t)(to - from)) == 0;
}

bool dummy_text_read_chat(const char *text, struct dummy_chat_text *chat_out)
{
    uint64_t client, line, intended_us;
    if (!matches_form(text, 0, CLIENT_AT) ||
        !read_digits(text + CLIENT_AT, CLIENT_DIGITS, &client) ||
        !matches_form(text, CLIENT_AT + CLIENT_DIGITS, LINE_AT) ||
        !read_digits(text + LINE_AT, LINE_DIGITS, &line) ||
        !matches_form(text, LINE_AT + LINE_DIGITS, INTENDED_AT) ||
        !read_digits(text + INTENDED_AT, INTENDED_DIGITS, &intended_us) ||
        !matches_form(text, END_AT, DUMMY_CHAT_TEXT_BYTES)) {
        return false;
    }
    *chat_out = (struct dummy_chat_text){
        .client = (uint32_t)client - 1, .line = (uint32_t)line, .intended_us = intended_us};
    return true;
}

static const char hello_words[] = "hello from dummy ";
static const char message_words[] = ", message ";

char *dummy_text_write_hello(uint32_t client, uint32_t message, char text[DUMMY_HELLO_TEXT_BYTES])
{
    snprintf(text, DUMMY_HELLO_TEXT_BYTES, "%s%lu%s%lu", hello_words, (unsigned long)client + 1,
             message_words, (unsigned long)message);
    return text;
}

/* Parses `words` and a number. Returns a pointer behind them, or NULL. */
static const char *read_after(const char *text, const char *words, uint64_t *number_out)
{
    size_t bytes = strlen(words);
    return strncmp(text, words, bytes) == 0
               ? dummy_number_read(text + bytes, UINT32_MAX, number_out)
               : NULL;
}

bool dummy_text_read_hello(const char *text, uint32_t *client_out, uint32_t *message_out)
{
    uint64_t client, message;
    const char *rest = read_after(text, hello_words, &client);
    rest = rest == NULL ? NULL : read_after(rest, message_words, &message);
    if (rest == NULL || *rest != '\0') {
        return false;
    }
    *client_out = (uint32_t)client - 1;
    *message_out = (uint32_t)message;
    return true;
}

char *dummy_text_write_name(uint32_t client, char text[DUMMY_NAME_BYTES])
{
    snprintf(text, DUMMY_NAME_BYTES, "dummy-%lu", (unsigned long)client + 1);
    return text;
}
