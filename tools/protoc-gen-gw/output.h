/* tools/protoc-gen-gw/output.h: List of the files that a schema generates. */
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

/* Files in the order in which they were added. */
struct output {
    struct output_file *first;
    struct output_file *last;
    size_t count;
};

/*
 * Adds a file with a first line that names the schema and the content.
 *
 * Returns   its text, for the caller to append to. Owns: the output keeps it; borrows `name`.
 */
struct text *output_add(struct output *output, const struct schema *schema, const char *name,
                        const char *what);

/* Adds an empty file. */
struct text *output_add_empty(struct output *output, const char *name);

/* Adds all C files of a schema without errors. `lock` has all its packets. */
void output_make(struct output *output, struct schema *schema, const struct lock *lock);

/* Adds the dissector for Wireshark, and dictionary and seeds for a fuzzer. */
void output_document(struct output *output, struct schema *schema);

/*
 * Adds the JavaScript module `name`, which ends with .mjs, and its declarations. Adds an error to
 * schema->problems instead if two names would be equal there.
 */
void output_javascript(struct output *output, struct schema *schema, const char *name);

void output_fini(struct output *output);

#endif
