/* server/admin/text.h: A text that grows, for answers; with JSON. */
#ifndef GW_SERVER_ADMIN_TEXT_H
#define GW_SERVER_ADMIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* All zero: empty. Free `data` with free(). After a failed allocation nothing is added. */
struct admin_text {
    char *data;
    size_t bytes;
    size_t capacity;
    bool failed;
};

/* Appends as printf() does. */
void admin_text_add(struct admin_text *text, const char *format, ...);

/* Appends a JSON string with its quotes. A byte that is not UTF-8 becomes U+FFFD. */
void admin_text_add_json(struct admin_text *text, const char *string);

/* Appends a string inside the quotes of a label of a metric: escapes \, " and newlines. */
void admin_text_add_label(struct admin_text *text, const char *string);

#endif
