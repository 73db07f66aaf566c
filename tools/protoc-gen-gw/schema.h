/* tools/protoc-gen-gw/schema.h: Packets and stages of one .proto file. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_SCHEMA_H
#define GW_TOOLS_PROTOC_GEN_GW_SCHEMA_H

#include "gw/policy.pb-c.h"
#include "tools/protoc-gen-gw/fields.h"
#include "tools/protoc-gen-gw/pool.h"
#include "tools/protoc-gen-gw/problem.h"
#include "tools/protoc-gen-gw/types.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers of protocol/packet.h and protocol/WIRE.md. */
enum {
    FROM_CLIENT = 1,
    FROM_SERVER = 2,

    STAGE_NUMBER_MAX = 30,

    CONTROL_ID_MAX = 63,
    GAME_ID_MIN = 256,
    GAME_ID_MAX = 32767,

    BODY_BYTES_MAX = 65536,
    USUAL_CLIENT_BYTES_MAX = 4096, /* what a server accepts unless its program allows more */
    FIELD_LIMIT_MAX = 65535,       /* fits into the 16 bits of struct gw_field_rule */
    CLIENT_DEPTH_MAX = 8,
    COUNTER_COUNT_MAX = 32,
    GREETING_BYTES_MAX = 1024,

    DEFAULT_CLIENT_BYTES = 256,
    DEFAULT_RATE = 20,
    DEFAULT_LENGTH = 64,
    DEFAULT_COUNT = 16,
    RATE_MAX = 65535,
};

#define STAGES_CONNECTED 0x00000001u
#define STAGES_GREETED   0xFFFFFFFEu
#define STAGES_ANY       0xFFFFFFFFu

/* One of the game's stages. */
struct stage {
    const char *name;
    int32_t number;
    int line;
};

/* A message with (gw.packet): its policy as written and as effective. */
struct packet {
    const struct type *type;
    Gw__PacketPolicy *policy; /* as written */
    int line;                 /* of the option */
    int lock_line;            /* 0: no lock */

    const char *name;     /* without the package: "ChatLine" */
    const char *snake;    /* "chat_line" */
    const char *upper;    /* "CHAT_LINE" */
    const char *c_type;   /* "Game__ChatLine" */
    const char *c_symbol; /* "game__chat_line" */

    /* Effective values, with defaults. */
    uint8_t from; /* bits; 0 if missing */
    uint32_t stages;
    uint32_t bytes_max;
    uint32_t bytes_limit; /* upper limit of bytes_max */
    uint32_t rate;
    uint32_t burst;
    const struct packet *reply; /* NULL: not a request */
    bool is_reply;              /* of another packet */
};

/* Unpacked options, freed with the schema. */
struct kept_policy {
    Gw__FieldPolicy *policy;
    struct kept_policy *older;
};

/* Packets are sorted by id once the schema is read. */
struct schema {
    struct pool pool;
    struct problems problems;
    struct types types;
    const proto_file *file;
    const char *file_name;
    const char *package;
    const char *prefix;          /* of generated functions and tables: "game" */
    const char *include_prefix;  /* of the library's headers: "gangway/" when installed */
    const char *lock_path;       /* NULL: no lock */
    const char *packets_command; /* lists packets and changes the lock: "tools/packets " */
    bool is_control;             /* the schema of the control packets */
    uint64_t hash;               /* never 0 */

    const struct type *stages_type; /* NULL: no stages */
    struct stage *stages;
    size_t stage_count;
    struct packet *packets;
    size_t packet_count;
    struct kept_policy *kept;
    struct schema *control;  /* the control schema, if it is read too; or NULL */
    const bool *from_client; /* by index in `types`: used by client packets */
    const bool *in_packets;  /* by index in `types`: used by any packet */
};

/*
 * Reads the declarations of `file_name`, one of `files`, and adds all errors to schema->problems.
 *
 * Owns      borrows `files` and `file_name` until schema_fini().
 */
void schema_read(struct schema *schema, proto_file *const *files, size_t count,
                 const char *file_name, bool is_control);

/* Owns: takes `policy`, and frees it with the schema. */
void schema_keep_policy(struct schema *schema, Gw__FieldPolicy *policy);

void schema_fini(struct schema *schema);

#endif
