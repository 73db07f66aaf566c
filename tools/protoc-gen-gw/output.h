/* tools/protoc-gen-gw/output.h: the files that a schema becomes. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_OUTPUT_H
#define GW_TOOLS_PROTOC_GEN_GW_OUTPUT_H

#include "tools/protoc-gen-gw/lock.h"
#include "tools/protoc-gen-gw/schema.h"
#include "tools/protoc-gen-gw/text.h"

struct output_file {
    const char *name;
    struct text text;
    struct output_file *next;
};

/* In the order in which they were added. */
struct output {
    struct output_file *first;
    struct output_file *last;
    size_t count;
};

/*
 * Adds an empty file that begins with where it comes from, and says what it is.
 *
 * Returns   its text, to be written on. Owns: stays the output's; `name` stays the caller's.
 */
struct text *output_add(struct output *output, const struct schema *schema, const char *name,
                        const char *what);

/* Adds an empty file. */
struct text *output_add_empty(struct output *output, const char *name);

/* Adds everything that is made of a schema without problems, and that `lock` knows. */
void output_make(struct output *output, struct schema *schema, const struct lock *lock);

/* Adds what describes the packets to others than C: to Wireshark, and to a fuzzer. */
void output_document(struct output *output, struct schema *schema);

void output_fini(struct output *output);

#endif
