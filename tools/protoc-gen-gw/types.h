/* tools/protoc-gen-gw/types.h: every message and enum that the schema or its imports declare. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_TYPES_H
#define GW_TOOLS_PROTOC_GEN_GW_TYPES_H

#include "google/protobuf/descriptor.pb-c.h"
#include "tools/protoc-gen-gw/pool.h"

#include <stdint.h>

typedef Google__Protobuf__FileDescriptorProto proto_file;
typedef Google__Protobuf__DescriptorProto proto_message;
typedef Google__Protobuf__EnumDescriptorProto proto_enum;
typedef Google__Protobuf__FieldDescriptorProto proto_field;

/* A message or an enum, wherever it is nested. */
struct type {
    const char *name; /* in full: "game.Chat" */
    const proto_file *file;
    const proto_message *message;  /* NULL for an enum */
    const proto_enum *enumeration; /* NULL for a message */
    const int32_t *path;           /* as in SourceCodeInfo.Location.path */
    size_t path_count;
    size_t depth;               /* in how many messages it is nested */
    const struct field *fields; /* of a message, once fields_read() was called; by number */
};

/* Sorted by name. */
struct types {
    struct type *list;
    size_t count;
};

/* Collects what `files` declare. Messages nest at most DEPTH_MAX deep (depth.h). */
void types_read(struct types *types, struct pool *pool, proto_file *const *files, size_t count);

/* The type of that name, as a field has it: ".game.Chat". NULL: not declared. */
const struct type *types_of_name(const struct types *types, const char *name);

/* The message that `field` holds, or NULL: not a message, or not declared. */
const struct type *types_of_field(const struct types *types, const proto_field *field);

/*
 * The line where `type` begins, or one of its options does, or a member: a message's field, an
 * enum's value. 0 when the file does not say.
 */
int type_line(const struct type *type);
/* What the schema says about a type, or a member of it, in a comment: one paragraph; "": nothing.
 */
const char *type_comment(struct pool *pool, const struct type *type);
const char *type_member_comment(struct pool *pool, const struct type *type, size_t index);

int type_option_line(const struct type *type, int32_t options, int32_t option);
int type_member_line(const struct type *type, size_t index);

#endif
