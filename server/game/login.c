/* server/game/login.c: Login with tokens: the account of a session, and one session per account. */
#include "server/game/login.h"

#include "net/error.h"
#include "session/manager.h"
#include "tools/common/text_file.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { KEY_FILE_BYTES_MAX = 64 * 1024 };

/* The accounts that are logged in: open addressing, at most half full. */
struct seat {
    uint64_t account; /* 0: free */
    gw_session_id session;
};

struct login {
    struct gw_tokens *tokens;
    enum server_duplicate duplicate;
    atomic_flag lock; /* of `seats`; held for one search, and over no call out */
    uint64_t seat_count;
    uint64_t seat_mask;
    struct seat *seats;
    atomic_uint_least64_t results[GW_TOKEN_RESULT_COUNT];
    atomic_uint_least64_t duplicates;
};

/* ---- accounts ---- */

static void lock(struct login *login)
{
    while (atomic_flag_test_and_set_explicit(&login->lock, memory_order_acquire)) {
    }
}

static void unlock(struct login *login)
{
    atomic_flag_clear_explicit(&login->lock, memory_order_release);
}

/* Accounts come from the login service, so no client can choose them to collide. */
static uint64_t first_index(const struct login *login, uint64_t account)
{
    account *= UINT64_C(0x9E3779B97F4A7C15);
    return (account ^ account >> 32) & login->seat_mask;
}

/* Returns the index of the account, or of the free seat that it would take. */
static uint64_t find(const struct login *login, uint64_t account)
{
    uint64_t index = first_index(login, account);
    while (login->seats[index].account != 0 && login->seats[index].account != account) {
        index = (index + 1) & login->seat_mask;
    }
    return index;
}

/* Empties a seat, and moves the later ones of its run, so that find() still reaches them. */
static void empty(struct login *login, uint64_t hole)
{
    for (uint64_t next = (hole + 1) & login->seat_mask; login->seats[next].account != 0;
         next = (next + 1) & login->seat_mask) {
        uint64_t first = first_index(login, login->seats[next].account);
        if (((next - first) & login->seat_mask) >= ((next - hole) & login->seat_mask)) {
            login->seats[hole] = login->seats[next];
            hole = next;
        }
    }
    login->seats[hole] = (struct seat){0};
    login->seat_count--;
}

/*
 * Seats a session, unless an earlier one is seated and stays (OLDEST). Returns 0 or SERVER_FULL;
 * *other_out is the session of an earlier login, or NONE.
 */
static int seat(struct login *login, uint64_t account, gw_session_id session,
                gw_session_id *other_out)
{
    lock(login);
    struct seat *found = &login->seats[find(login, account)];
    bool is_new = found->account == 0;
    bool is_full = is_new && login->seat_count > login->seat_mask / 2;
    *other_out = is_new ? GW_SESSION_ID_NONE : found->session;
    if (!is_full && (is_new || login->duplicate == SERVER_DUPLICATE_NEWEST)) {
        *found = (struct seat){account, session};
        login->seat_count += is_new;
    }
    unlock(login);
    return is_full ? (int)GW__CLOSE_REASON__SERVER_FULL : 0;
}

void login_leave(struct login *login, uint64_t account, gw_session_id session)
{
    lock(login);
    uint64_t index = find(login, account);
    if (login->seats[index].account != 0 && login->seats[index].session == session) {
        empty(login, index);
    }
    unlock(login);
}

/* ---- entering ---- */

/* Ends the earlier session, or refuses this one. Returns 0 or a close reason. */
static int decide_duplicate(struct login *login, struct gw_session *session, gw_session_id other)
{
    atomic_fetch_add_explicit(&login->duplicates, 1, memory_order_relaxed);
    if (login->duplicate == SERVER_DUPLICATE_OLDEST) {
        gw_session_end_text(session, GW__CLOSE_REASON__NOT_WELCOME, "the account is logged in");
        return GW__CLOSE_REASON__NOT_WELCOME;
    }
    struct gw_session *earlier = gw_session_manager_find(gw_session_manager_of(session), other);
    if (earlier != NULL) {
        gw_session_end_text(earlier, GW__CLOSE_REASON__KICKED, "logged in elsewhere");
        gw_session_unref(earlier);
    }
    return 0;
}

int login_enter(struct login *login, struct gw_session *session, const Gw__Hello *hello,
                struct gw_token *token_out)
{
    enum gw_token_result result =
        gw_tokens_use(login->tokens, hello->credentials.data, hello->credentials.len,
                      (uint64_t)time(NULL), token_out);
    atomic_fetch_add_explicit(&login->results[result], 1, memory_order_relaxed);
    if (result != GW_TOKEN_OK) {
        return GW__CLOSE_REASON__NOT_WELCOME;
    }
    if (login->duplicate == SERVER_DUPLICATE_ALLOW) {
        return 0;
    }
    gw_session_id other;
    int refusal = seat(login, token_out->account, gw_session_id_of(session), &other);
    return other == GW_SESSION_ID_NONE ? refusal : decide_duplicate(login, session, other);
}

void login_counters_read(const struct login *login, struct login_counters *counters_out)
{
    for (int i = 0; i < GW_TOKEN_RESULT_COUNT; i++) {
        counters_out->tokens[i] = atomic_load_explicit(&login->results[i], memory_order_relaxed);
    }
    counters_out->duplicates = atomic_load_explicit(&login->duplicates, memory_order_relaxed);
}

/* ---- creation ---- */

static bool open_tokens(struct login *login, const struct server_config *config,
                        struct problem *problem)
{
    char why[GW_TOKEN_PROBLEM_BYTES];
    if (config->token_key[0] == '\0') {
        return problem_set(problem, "--auth token needs keys: give --token-key FILE, which "
                                    "`gangway-token key >FILE` makes");
    }
    struct problem reason;
    char *keys = text_file_read(config->token_key, KEY_FILE_BYTES_MAX, &reason);
    if (keys == NULL) {
        return problem_set(problem, "--token-key: %.400s", reason.text);
    }
    const struct gw_tokens_config tokens = {.keys = keys, .realm = config->token_realm};
    int error = gw_tokens_create(&tokens, &login->tokens, why);
    free(keys);
    if (error == GW_E_UNSUPPORTED) {
        return problem_set(problem, "this build has no login tokens (libsodium was not there); "
                                    "give --auth open");
    }
    if (error == GW_E_INVALID) {
        return problem_set(problem, "--token-key %.200s: %s", config->token_key, why);
    }
    return error == GW_OK || problem_set(problem, "no memory; free some");
}

struct login *login_create(const struct server_config *config, struct problem *problem_out)
{
    struct login *login = calloc(1, sizeof *login);
    uint64_t count = 256; /* sessions that are ending have seats, too */
    while (count < 3 * (uint64_t)config->sessions_max) {
        count *= 2;
    }
    if (login != NULL) {
        login->duplicate = (enum server_duplicate)config->duplicate_login;
        login->seat_mask = count - 1;
        login->seats = calloc(count, sizeof *login->seats);
        atomic_flag_clear(&login->lock);
    }
    if (login == NULL || login->seats == NULL) {
        problem_set(problem_out, "no memory; free some");
    } else if (open_tokens(login, config, problem_out)) {
        return login;
    }
    login_destroy(login);
    return NULL;
}

void login_destroy(struct login *login)
{
    if (login != NULL) {
        gw_tokens_destroy(login->tokens);
        free(login->seats);
        free(login);
    }
}
