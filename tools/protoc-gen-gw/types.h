/* tools/protoc-gen-gw/types.h: Sorted list of all messages and enums, with their lines. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_TYPES_H
#define GW_TOOLS_PROTOC_GEN_GW_TYPES_H

#include "google/protobuf/descriptor.pb-c.h"
#include "tools/protoc-gen-gw/pool.h"

#include <stdint.h>

typedef Google__Protobuf__FileDescriptorProto proto_file;
typedef Google__Protobuf__DescriptorProto proto_message;
typedef Google__Protobuf__EnumDescriptorProto proto_enum;
typedef Google__Protobuf__FieldDescriptorProto proto_field;

/* A message or an enum, at any nesting level. */
struct type {
    const char *name; /* in full: "game.Chat" */
    const proto_file *file;
    const proto_message *message;  /* NULL for an enum */
    const proto_enum *enumeration; /* NULL for a message */
    const int32_t *path;           /* as in SourceCodeInfo.Location.path */
    size_t path_count;
    size_t depth;               /* number of messages around it */
    const struct field *fields; /* of a message, after fields_read(); by number */
};

/* Sorted by name. */
struct types {
    struct type *list;
    size_t count;
};

/* Collects the types of `files`. Messages nest at most DEPTH_MAX deep (depth.h). */
void types_read(struct types *types, struct pool *pool, proto_file *const *files, size_t count);

/* Finds a type by its name in a field: ".game.Chat". Returns NULL if it is not declared. */
const struct type *types_of_name(const struct types *types, const char *name);

/* The message type of `field`; NULL if it is no message or not declared. */
const struct type *types_of_field(const struct types *types, const proto_field *field);

/*
 * The line where `type`, one of its options or one of its members (field or enum value) begins; 0
 * if the file has no source info.
 */
int type_line(const struct type *type);
/* The comment of a type or of one of its members, as one paragraph; "" if there is none. */
const char *type_comment(struct pool *pool, const struct type *type);
const char *type_member_comment(struct pool *pool, const struct type *type, size_t index);

int type_option_line(const struct type *type, int32_t options, int32_t option);
int type_member_line(const struct type *type, size_t index);

#endif
