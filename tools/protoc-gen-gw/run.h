/* tools/protoc-gen-gw/run.h: one run, wherever the schema comes from. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_RUN_H
#define GW_TOOLS_PROTOC_GEN_GW_RUN_H

#include "tools/protoc-gen-gw/output.h"
#include "tools/protoc-gen-gw/text.h"

/* What to do. */
struct task {
    proto_file *const *files; /* the schema, and all that it imports */
    size_t file_count;
    const char *file_name;      /* which of them the schema is */
    const char *control_name;   /* the framework's schema, to be described with it; or NULL */
    const char *lock_path;      /* NULL: there is none */
    const char *reference_path; /* where PROTOCOL.md belongs; NULL: nowhere */
    const char *include_prefix; /* see struct schema */
    const char *packets_command; /* the same */
    bool is_control;
    bool is_frozen; /* the lock must know everything already */
    enum { RUN_GENERATE, RUN_DOCUMENT, RUN_LIST, RUN_SHOW_CHANGES, RUN_ACCEPT } what;
    struct text *words; /* what there is to say, for people; NULL where nobody listens */
};

/*
 * Reads `parameter`, which may be NULL or empty, into `task`; words with commas between them:
 *
 *      lock=PATH              the lock
 *      control                the schema is the framework's own
 *      include=PREFIX         of the framework's headers
 *      documents              what is written is not C, but what describes the packets to others
 *      with=PROTO             the control packets are described too; both files are given
 *      reference=PATH         where to keep PROTOCOL.md up to date
 *      packets=COMMAND        what lists packets and changes the lock, for the messages, when list
 *                             or accept is added to it
 *      do=list|changes|accept what tools/packets asks for
 *
 * Returns   NULL, or what is wrong. Owns: both strings are the pool's.
 */
const char *run_read_parameter(struct task *task, struct pool *pool, const char *parameter);

/*
 * Makes everything, and brings the lock or PROTOCOL.md up to date; or, when something is wrong,
 * nothing. With `do` no files are made: packets are listed, or the lock is made to agree.
 *
 * Returns   NULL, or all that is wrong, a line each. Owns: the text is `schema`'s, which the caller
 *           ends with schema_fini(), and `output` with output_fini().
 */
const char *run_task(const struct task *task, struct schema *schema, struct output *output);

/* Answers protoc: a request on stdin, a response on stdout. Returns the exit code. */
int run_as_plugin(void);

/* Does what the command line says, without protoc. Returns the exit code. */
int run_by_hand(int argc, char **argv);

#endif
