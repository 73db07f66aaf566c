/* tests/scenarios/log_check.c: Checks of the server's log. */
#include "tests/scenarios/log_check.h"

#include "tests/test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096, EVENT_AT = sizeof "2026-01-31T12:00:00.000Z info   " };

struct ids {
    uint64_t *ids;
    size_t count;
    size_t capacity;
};

static void add(struct ids *ids, uint64_t id)
{
    if (ids->count == ids->capacity) {
        ids->capacity = 2 * ids->capacity + 256;
        ids->ids = realloc(ids->ids, ids->capacity * sizeof *ids->ids);
        assert_non_null(ids->ids);
    }
    ids->ids[ids->count++] = id;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void sort(struct ids *ids)
{
    if (ids->count > 0) {
        qsort(ids->ids, ids->count, sizeof *ids->ids, compare);
    }
}

static void read_line(const char *line, struct ids *greeted, struct ids *ended)
{
    uint64_t id;
    if (strlen(line) <= EVENT_AT) {
        return;
    }
    if (sscanf(line + EVENT_AT, "greeted session=%" SCNu64, &id) == 1) {
        add(greeted, id);
    } else if (sscanf(line + EVENT_AT, "ended session=%" SCNu64, &id) == 1) {
        add(ended, id);
    }
}

static void expect_same(const struct ids *greeted, const struct ids *ended)
{
    assert_int_equal(greeted->count, ended->count);
    for (size_t i = 0; i < greeted->count; i++) {
        assert_int_equal(greeted->ids[i], ended->ids[i]);
        assert_true(i == 0 || greeted->ids[i] != greeted->ids[i - 1]);
    }
}

void log_expect_each_session_ended_once(FILE *log, uint64_t greeted_count)
{
    struct ids greeted = {0}, ended = {0};
    char line[LINE_BYTES];
    rewind(log);
    while (fgets(line, sizeof line, log) != NULL) {
        read_line(line, &greeted, &ended);
    }
    assert_true(greeted.count <= greeted_count);
    assert_true(greeted.count > 0 || greeted_count == 0);
    sort(&greeted);
    sort(&ended);
    expect_same(&greeted, &ended);
    free(greeted.ids);
    free(ended.ids);
}

uint64_t log_line_count(FILE *log)
{
    uint64_t count = 0;
    int letter;
    rewind(log);
    while ((letter = getc(log)) != EOF) {
        count += letter == '\n';
    }
    return count;
}
