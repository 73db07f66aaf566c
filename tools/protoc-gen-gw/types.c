/* tools/protoc-gen-gw/types.c: Sorted list of all messages and enums, with their lines. */
#include "tools/protoc-gen-gw/types.h"

#include "tools/protoc-gen-gw/depth.h"
#include "tools/protoc-gen-gw/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of fields in descriptor.proto. */
enum {
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    MESSAGE_FIELD = 2, /* or enum value */
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
};

enum { PATH_MAX_COUNT = 2 * DEPTH_MAX };

struct walk {
    struct types *types;
    struct pool *pool;
    const proto_file *file;
    int32_t path[PATH_MAX_COUNT];
    size_t path_count;
};

static struct type *add(struct walk *walk, const char *scope, const char *name)
{
    struct types *types = walk->types;
    types->list = pool_grow(walk->pool, types->list, types->count, sizeof *types->list);
    struct type *type = &types->list[types->count++];
    const char *dot = scope[0] == '\0' ? "" : ".";
    *type = (struct type){
        .name = pool_print(walk->pool, "%s%s%s", scope, dot, name == NULL ? "" : name),
        .file = walk->file,
        .path = memcpy(pool_take(walk->pool, walk->path_count, sizeof(int32_t)), walk->path,
                       walk->path_count * sizeof(int32_t)),
        .path_count = walk->path_count,
        .depth = walk->path_count / 2 - 1,
    };
    return type;
}

static void enter(struct walk *walk, int32_t number, size_t index)
{
    walk->path[walk->path_count++] = number;
    walk->path[walk->path_count++] = (int32_t)index;
}

static void leave(struct walk *walk)
{
    walk->path_count -= 2;
}

static void add_enums(struct walk *walk, const char *scope, int32_t number,
                      proto_enum *const *enums, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enter(walk, number, i);
        add(walk, scope, enums[i]->name)->enumeration = enums[i];
        leave(walk);
    }
}

/* Recursion is bounded: the unpacked bytes nested at most DEPTH_MAX deep. */
static void add_messages(struct walk *walk, const char *scope, int32_t number,
                         proto_message *const *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const proto_message *message = messages[i];
        enter(walk, number, i);
        struct type *type = add(walk, scope, message->name);
        type->message = message;
        const char *name = type->name;
        add_enums(walk, name, MESSAGE_ENUM, message->enum_type, message->n_enum_type);
        add_messages(walk, name, MESSAGE_NESTED, message->nested_type, message->n_nested_type);
        leave(walk);
    }
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct type *)left)->name, ((const struct type *)right)->name);
}

void types_read(struct types *types, struct pool *pool, proto_file *const *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const proto_file *file = files[i];
        struct walk walk = {.types = types, .pool = pool, .file = file};
        const char *scope = file->package == NULL ? "" : file->package;
        add_enums(&walk, scope, FILE_ENUM, file->enum_type, file->n_enum_type);
        add_messages(&walk, scope, FILE_MESSAGE, file->message_type, file->n_message_type);
    }
    if (types->count != 0) {
        qsort(types->list, types->count, sizeof *types->list, by_name);
    }
}

const struct type *types_of_name(const struct types *types, const char *name)
{
    if (types->count == 0 || name == NULL || name[0] != '.') {
        return NULL;
    }
    struct type key = {.name = name + 1};
    return bsearch(&key, types->list, types->count, sizeof *types->list, by_name);
}

const struct type *types_of_field(const struct types *types, const proto_field *field)
{
    const struct type *found = types_of_name(types, field->type_name);
    return found != NULL && found->message != NULL ? found : NULL;
}

typedef Google__Protobuf__SourceCodeInfo__Location proto_location;

static const proto_location *location_of(const proto_file *file, const int32_t *path, size_t count)
{
    const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;
    for (size_t i = 0; info != NULL && i < info->n_location; i++) {
        const proto_location *location = info->location[i];
        if (location->n_path == count && memcmp(location->path, path, count * sizeof *path) == 0) {
            return location;
        }
    }
    return NULL;
}

static int line_of(const proto_file *file, const int32_t *path, size_t count)
{
    const proto_location *location = location_of(file, path, count);
    bool has_line = location != NULL && location->n_span != 0 && location->span[0] >= 0 &&
                    location->span[0] < INT32_MAX;
    return has_line ? location->span[0] + 1 : 0;
}

/* Appends the words of a comment, separated by single blanks. */
static void add_words(struct text *text, const char *comment)
{
    while (comment != NULL && *comment != '\0') {
        comment += strspn(comment, " \n");
        size_t length = strcspn(comment, " \n");
        if (length != 0) {
            text_print(text, "%s%.*s", text->length == 0 ? "" : " ", (int)length, comment);
        }
        comment += length;
    }
}

static const char *comment_of(struct pool *pool, const proto_location *location)
{
    struct text text = {0};
    if (location != NULL) {
        add_words(&text, location->leading_comments);
        add_words(&text, location->trailing_comments);
    }
    const char *comment = pool_print(pool, "%s", text.bytes == NULL ? "" : text.bytes);
    text_fini(&text);
    return comment;
}

const char *type_comment(struct pool *pool, const struct type *type)
{
    return comment_of(pool, location_of(type->file, type->path, type->path_count));
}

int type_line(const struct type *type)
{
    return line_of(type->file, type->path, type->path_count);
}

const char *type_member_comment(struct pool *pool, const struct type *type, size_t index)
{
    int32_t path[PATH_MAX_COUNT + 2];
    memcpy(path, type->path, type->path_count * sizeof *path);
    path[type->path_count] = MESSAGE_FIELD;
    path[type->path_count + 1] = (int32_t)index;
    return comment_of(pool, location_of(type->file, path, type->path_count + 2));
}

/* The line of the element at path `first`, `second` in the type; otherwise the line of the type. */
static int line_inside(const struct type *type, int32_t first, int32_t second)
{
    int32_t path[PATH_MAX_COUNT + 2];
    memcpy(path, type->path, type->path_count * sizeof *path);
    path[type->path_count] = first;
    path[type->path_count + 1] = second;
    int line = line_of(type->file, path, type->path_count + 2);
    return line != 0 ? line : type_line(type);
}

int type_option_line(const struct type *type, int32_t options, int32_t option)
{
    return line_inside(type, options, option);
}

int type_member_line(const struct type *type, size_t index)
{
    return line_inside(type, MESSAGE_FIELD, (int32_t)index);
}
