/* tools/protoc-gen-gw/list.c: Listing of the packets as a table. */
#include "tools/protoc-gen-gw/list.h"

#include <inttypes.h>
#include <string.h>

enum { COLUMN_COUNT = 7 };

struct row {
    const char *cells[COLUMN_COUNT];
};

static const char *with_comma(struct schema *schema, const char *list, const char *word)
{
    return pool_print(&schema->pool, "%s%s%s", list, list[0] == '\0' ? "" : ", ", word);
}

static uint32_t game_stages(const struct schema *schema)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < schema->stage_count; i++) {
        bits |= UINT32_C(2) << schema->stages[i].number;
    }
    return bits;
}

const char *list_stages(struct schema *schema, const struct packet *packet)
{
    if ((packet->from & FROM_CLIENT) == 0) {
        return "-";
    }
    const char *list = (packet->stages & STAGES_CONNECTED) != 0 ? "CONNECTED" : "";
    bool is_all = (packet->stages & STAGES_GREETED) == STAGES_GREETED;
    if (is_all || (packet->stages & game_stages(schema) & STAGES_GREETED) == 0) {
        return is_all ? with_comma(schema, list, "GREETED") : list;
    }
    for (size_t i = 0; i < schema->stage_count; i++) {
        if ((packet->stages & UINT32_C(2) << schema->stages[i].number) != 0) {
            list = with_comma(schema, list, schema->stages[i].name);
        }
    }
    return list;
}

const char *list_rate(struct schema *schema, const struct packet *packet)
{
    if ((packet->from & FROM_CLIENT) == 0) {
        return "-";
    }
    if (packet->rate == 0) {
        return "unlimited";
    }
    return pool_print(&schema->pool, "%" PRIu32 "/s, burst %" PRIu32 "%s", packet->rate,
                      packet->burst, packet->policy->droppable ? ", then dropped" : "");
}

const char *list_marks(struct schema *schema, const struct packet *packet)
{
    const char *list = packet->policy->sensitive ? "sensitive" : "";
    if (packet->policy->coalesce) {
        list = with_comma(schema, list, "coalesce");
    }
    if (packet->reply != NULL) {
        list = with_comma(schema, list,
                          pool_print(&schema->pool, "answered by %s", packet->reply->name));
    }
    return list;
}

static struct row row_of(struct schema *schema, const struct packet *packet)
{
    struct pool *pool = &schema->pool;
    return (struct row){{
        pool_print(pool, "%" PRIu32, packet->policy->id),
        packet->name,
        lock_from_word(packet->from),
        list_stages(schema, packet),
        pool_print(pool, "%" PRIu32, packet->bytes_max),
        list_rate(schema, packet),
        list_marks(schema, packet),
    }};
}

static size_t width_of(const struct row *rows, size_t count, size_t column)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(rows[i].cells[column]);
        width = length > width ? length : width;
    }
    return width;
}

static void print_rows(struct text *text, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t blanks = 0; /* written before the next word, so that no line ends with a blank */
        for (size_t k = 0; k < COLUMN_COUNT; k++) {
            const char *cell = rows[i].cells[k];
            if (cell[0] != '\0') {
                text_print(text, "%*s%s", (int)blanks, "", cell);
                blanks = 0;
            }
            blanks += width_of(rows, count, k) - strlen(cell) + 2;
        }
        text_print(text, "\n");
    }
}

static bool is_taken(const struct schema *schema, const struct lock *lock, uint32_t id)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (schema->packets[i].policy->id == id) {
            return true;
        }
    }
    return lock_find_id(lock, id) != NULL;
}

static void print_free(struct text *text, const struct schema *schema, const struct lock *lock)
{
    uint32_t id_min = schema->is_control ? 1 : GAME_ID_MIN;
    uint32_t id_max = schema->is_control ? CONTROL_ID_MAX : GAME_ID_MAX;
    const char *gap = "free ids:";
    for (uint32_t id = id_min; id <= id_max; id++) {
        uint32_t first = id;
        while (id <= id_max && !is_taken(schema, lock, id)) {
            id++;
        }
        if (id > first) {
            text_print(text, id - 1 > first ? "%s %" PRIu32 "..%" PRIu32 : "%s %" PRIu32, gap,
                       first, id - 1);
            gap = ",";
        }
    }
    text_print(text, "\n");
}

void list_packets(struct text *text, struct schema *schema, const struct lock *lock)
{
    struct row *rows = pool_take(&schema->pool, schema->packet_count + 1, sizeof *rows);
    rows[0] = (struct row){{"id", "packet", "from", "stages", "bytes", "rate", ""}};
    for (size_t i = 0; i < schema->packet_count; i++) {
        rows[i + 1] = row_of(schema, &schema->packets[i]);
    }
    text_print(text, "%s\n", schema->file_name);
    print_rows(text, rows, schema->packet_count + 1);
    print_free(text, schema, lock);
}
