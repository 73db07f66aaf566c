/* tools/protoc-gen-gw/run.h: One run of the generator, from a schema to files. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_RUN_H
#define GW_TOOLS_PROTOC_GEN_GW_RUN_H

#include "tools/protoc-gen-gw/output.h"
#include "tools/protoc-gen-gw/text.h"

/* The parameters of a run. */
struct task {
    proto_file *const *files; /* the schema and its imports */
    size_t file_count;
    const char *file_name;       /* which of them the schema is */
    const char *control_name;    /* the control schema, to document it too; or NULL */
    const char *lock_path;       /* NULL: no lock */
    const char *reference_path;  /* path of PROTOCOL.md; NULL: not written */
    const char *include_prefix;  /* see struct schema */
    const char *packets_command; /* the same */
    const char *js_name;         /* the JavaScript module to generate; or NULL */
    bool is_control;
    bool is_frozen; /* an incomplete lock is an error */
    enum { RUN_GENERATE, RUN_DOCUMENT, RUN_LIST, RUN_SHOW_CHANGES, RUN_ACCEPT } what;
    struct text *words; /* receives messages for the user; may be NULL */
};

/*
 * Reads `parameter`, which may be NULL or empty, into `task`; comma-separated words:
 *
 *      lock=PATH              the lock
 *      control                the schema is the control schema
 *      include=PREFIX         prefix of the library's headers
 *      documents              generate documentation instead of C
 *      js=FILE                generate the JavaScript module FILE, which ends with .mjs, and its
 *                             declarations instead of C; beside documents, both
 *      with=PROTO             document the control packets too; both files are given
 *      reference=PATH         path of PROTOCOL.md, which the run updates
 *      packets=COMMAND        command that lists packets or changes the lock when "list" or
 *                             "accept" is appended; quoted in messages
 *      do=list|changes|accept a task of tools/packets
 *
 * Returns   NULL, or an error text. Owns: the pool owns both strings.
 */
const char *run_read_parameter(struct task *task, struct pool *pool, const char *parameter);

/*
 * Generates all files and updates the lock or PROTOCOL.md; if the schema has errors, does nothing.
 * With `do` it generates no files but lists packets or updates the lock.
 *
 * Returns   NULL, or all errors, one a line. Owns: `schema` owns the text; the caller frees
 * `schema` with schema_fini() and `output` with output_fini().
 */
const char *run_task(const struct task *task, struct schema *schema, struct output *output);

/* Runs as a plugin of protoc: request on stdin, response on stdout. Returns the exit code. */
int run_as_plugin(void);

/* Runs with a command line, without protoc. Returns the exit code. */
int run_by_hand(int argc, char **argv);

#endif
