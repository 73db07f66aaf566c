/* tools/bench/meter.c: resource usage of the server, read from outside. */
#define _GNU_SOURCE
#include "tools/bench/meter.h"

#include "tools/bench/serve.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t cpu_ns(int pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        serve_fail("the server's processor time");
    }
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* The number behind `key` in a file of lines "key: number ...", 0 when there is none. */
static uint64_t number_in(const char *path, const char *key)
{
    char line[256];
    uint64_t number = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            number += strtoull(line + strlen(key), NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return number;
}

static uint64_t sleep_count(int pid)
{
    char folder[64];
    char path[512];
    uint64_t count = 0;
    snprintf(folder, sizeof(folder), "/proc/%d/task", pid);
    DIR *threads = opendir(folder);
    if (threads == NULL) {
        serve_fail("the server's threads");
    }
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        snprintf(path, sizeof(path), "%s/%s/status", folder, entry->d_name);
        count += number_in(path, "voluntary_ctxt_switches:");
    }
    closedir(threads);
    return count;
}

static uint64_t private_bytes(int pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    return number_in(path, "Private_Dirty:") * 1024;
}

struct meter meter_read(int pid)
{
    return (struct meter){cpu_ns(pid), sleep_count(pid), private_bytes(pid)};
}
