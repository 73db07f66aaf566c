/* tools/protoc-gen-gw/names.c: Conversion of protobuf names to C names. */
#include "tools/protoc-gen-gw/names.h"

#include <stddef.h>
#include <string.h>

/* The functions of ctype.h depend on the locale. */
static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static char to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* A name at most doubles in length, if an underscore precedes each letter. */
static char *buffer_for(struct pool *pool, const char *name)
{
    return pool_take(pool, 2, strlen(name) + 1);
}

const char *name_type(struct pool *pool, const char *full_name)
{
    char *type = buffer_for(pool, full_name);
    char *end = type;
    bool begins = true;
    for (const char *c = full_name; *c != '\0'; c++) {
        if (*c == '.') {
            *end++ = '_';
            *end++ = '_';
        } else if (*c != '_') {
            *end++ = begins ? to_upper(*c) : *c;
        }
        begins = *c == '.' || *c == '_';
    }
    return type;
}

const char *name_symbol(struct pool *pool, const char *full_name)
{
    char *symbol = buffer_for(pool, full_name);
    char *end = symbol;
    bool was_upper = true;
    for (const char *c = full_name; *c != '\0'; c++) {
        if (*c == '.') {
            *end++ = '_';
            *end++ = '_';
        } else {
            if (is_upper(*c) && !was_upper) {
                *end++ = '_';
            }
            *end++ = to_lower(*c);
        }
        was_upper = *c == '.' || is_upper(*c);
    }
    return symbol;
}

const char *name_snake(struct pool *pool, const char *name)
{
    char *snake = buffer_for(pool, name);
    char *end = snake;
    for (const char *c = name_symbol(pool, name); *c != '\0'; c++) {
        bool doubled = *c == '_' && (end == snake || end[-1] == '_');
        if (!doubled) {
            *end++ = *c;
        }
    }
    return snake;
}

const char *name_upper(struct pool *pool, const char *name)
{
    char *upper = pool_print(pool, "%s", name_snake(pool, name));
    for (char *c = upper; *c != '\0'; c++) {
        *c = to_upper(*c);
    }
    return upper;
}

const char *name_member(struct pool *pool, const char *name)
{
    char *member = pool_print(pool, "%s", name == NULL ? "" : name);
    for (char *c = member; *c != '\0'; c++) {
        *c = to_lower(*c);
    }
    return member;
}

const char *name_guard(struct pool *pool, const char *path)
{
    char *guard = pool_print(pool, "%s", path);
    for (char *c = guard; *c != '\0'; c++) {
        *c = is_letter(*c) || is_digit(*c) ? to_upper(*c) : '_';
    }
    return guard;
}

const char *name_stem(struct pool *pool, const char *path)
{
    size_t length = strlen(path);
    const char *dot = strrchr(path, '.');
    if (dot != NULL && strcmp(dot, ".proto") == 0) {
        length = (size_t)(dot - path);
    }
    return pool_print(pool, "%.*s", (int)length, path);
}

bool name_is_good(const char *name)
{
    if (name == NULL) {
        return false;
    }
    bool begins = true;
    for (const char *c = name; *c != '\0'; c++) {
        if (begins ? !is_letter(*c) : !is_letter(*c) && !is_digit(*c) && *c != '.') {
            return false;
        }
        begins = *c == '.';
    }
    return !begins;
}

bool name_is_good_path(const char *path)
{
    if (path == NULL || path[0] == '\0' || path[0] == '/' || strstr(path, "..") != NULL) {
        return false;
    }
    for (const char *c = path; *c != '\0'; c++) {
        if (!is_letter(*c) && !is_digit(*c) && strchr("./-", *c) == NULL) {
            return false;
        }
    }
    return true;
}
