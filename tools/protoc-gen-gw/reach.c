/* tools/protoc-gen-gw/reach.c: Traversal of nested message types without recursion. */
#include "tools/protoc-gen-gw/reach.h"

#include "tools/protoc-gen-gw/text.h"

enum { UNKNOWN, OPEN, SAFE };

/* A message on the path from the first one, and the number of its fields that were visited. */
struct reach_visit {
    const struct type *type;
    size_t field;
    size_t deepest; /* depth of its fields visited so far */
};

void reach_init(struct reach *reach, struct pool *pool, const struct types *types)
{
    reach->types = types;
    reach->pool = pool;
    reach->states = pool_take(pool, types->count, 1);
    reach->depths = pool_take(pool, types->count, sizeof *reach->depths);
    reach->stack = pool_take(pool, types->count, sizeof *reach->stack);
}

static size_t place_of(const struct reach *reach, const struct type *type)
{
    return (size_t)(type - reach->types->list);
}

/* The next message among the fields, or NULL when all fields were visited. */
static const struct type *next_inside(const struct reach *reach, struct reach_visit *visit)
{
    while (visit->field < visit->type->message->n_field) {
        const proto_field *field = visit->type->message->field[visit->field++];
        const struct type *inside = types_of_field(reach->types, field);
        if (inside != NULL) {
            return inside;
        }
    }
    return NULL;
}

static const char *way_round(const struct reach *reach, size_t depth, const struct type *again)
{
    struct text text = {0};
    for (size_t i = 0; i < depth; i++) {
        text_print(&text, "%s > ", reach->stack[i].type->name);
    }
    const char *way = pool_print(reach->pool, "%s%s", text.bytes, again->name);
    text_fini(&text);
    return way;
}

/* Unmarks all types on the path, for the next traversal. */
static void close_all(struct reach *reach, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        reach->states[place_of(reach, reach->stack[i].type)] = UNKNOWN;
    }
}

const char *reach_circle(struct reach *reach, const struct type *type)
{
    size_t depth = 0;
    for (const struct type *inside = type;;) {
        unsigned char *state = inside == NULL ? NULL : &reach->states[place_of(reach, inside)];
        if (state != NULL && *state == OPEN) {
            const char *way = way_round(reach, depth, inside);
            close_all(reach, depth);
            return way;
        }
        if (state != NULL && *state == UNKNOWN) {
            *state = OPEN;
            reach->stack[depth++] = (struct reach_visit){.type = inside};
        } else if (state == NULL) {
            reach->states[place_of(reach, reach->stack[--depth].type)] = SAFE;
        }
        if (depth == 0) {
            return NULL;
        }
        inside = next_inside(reach, &reach->stack[depth - 1]);
    }
}

/* The depth of a type is known once the depths of all its fields are. */
size_t reach_depth(struct reach *reach, const struct type *type)
{
    size_t depth = 0;
    for (const struct type *inside = type;;) {
        if (inside != NULL && reach->depths[place_of(reach, inside)] == 0) {
            reach->stack[depth++] = (struct reach_visit){.type = inside, .deepest = 0};
        } else {
            const struct type *known = inside != NULL ? inside : reach->stack[--depth].type;
            size_t *known_depth = &reach->depths[place_of(reach, known)];
            if (inside == NULL) {
                *known_depth = reach->stack[depth].deepest + 1;
            }
            if (depth == 0) {
                return *known_depth;
            }
            struct reach_visit *holder = &reach->stack[depth - 1];
            holder->deepest = *known_depth > holder->deepest ? *known_depth : holder->deepest;
        }
        inside = next_inside(reach, &reach->stack[depth - 1]);
    }
}

void reach_mark(struct reach *reach, const struct type *type, bool *marks)
{
    size_t depth = 0;
    for (const struct type *inside = type;;) {
        if (inside == NULL) {
            depth--;
        } else if (!marks[place_of(reach, inside)]) {
            marks[place_of(reach, inside)] = true;
            reach->stack[depth++] = (struct reach_visit){.type = inside};
        }
        if (depth == 0) {
            return;
        }
        inside = next_inside(reach, &reach->stack[depth - 1]);
    }
}
