/* net/os/cgroup.c: Processor quotas of the control groups of Linux. */
#include "net/os/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096 + 256 }; /* PATH_MAX of Linux, and the root */

/* Reads the first line of a file of a group. Returns false when there is none. */
static bool read_line(const char *folder, const char *name, char *line, int line_bytes)
{
    char path[LINE_BYTES];
    int bytes = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (bytes < 0 || (size_t)bytes >= sizeof(path)) {
        return false;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool is_read = fgets(line, line_bytes, file) != NULL;
    (void)fclose(file);
    return is_read;
}

static uint32_t processors_for(long long quota_us, long long period_us)
{
    if (quota_us <= 0 || period_us <= 0) {
        return UINT32_MAX; /* "max", -1, or an unknown format */
    }
    long long count = quota_us / period_us + (quota_us % period_us != 0);
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

static uint32_t quota_of_group(const char *folder)
{
    char line[128];
    long long quota_us = 0;
    long long period_us = 0;
    if (read_line(folder, "cpu.max", line, sizeof(line)) &&
        sscanf(line, "%lld %lld", &quota_us, &period_us) == 2) {
        return processors_for(quota_us, period_us);
    }
    if (read_line(folder, "cpu.cfs_quota_us", line, sizeof(line))) {
        quota_us = strtoll(line, NULL, 10);
    }
    if (read_line(folder, "cpu.cfs_period_us", line, sizeof(line))) {
        period_us = strtoll(line, NULL, 10);
    }
    return processors_for(quota_us, period_us);
}

/*
 * The smallest quota of a group and its ancestors. In a container the path may be that of the host,
 * of which only the last groups, or only the root, are visible: a missing group has no quota.
 */
static uint32_t quota_of_path(const char *root, const char *controllers, const char *path)
{
    char folder[LINE_BYTES];
    int root_bytes =
        snprintf(folder, sizeof(folder), "%s%s%s", root, *controllers ? "/" : "", controllers);
    if (root_bytes < 0 || (size_t)root_bytes + strlen(path) >= sizeof(folder)) {
        return UINT32_MAX;
    }
    memcpy(folder + root_bytes, path, strlen(path) + 1);
    uint32_t least = UINT32_MAX;
    for (;;) {
        uint32_t count = quota_of_group(folder);
        least = count < least ? count : least;
        char *slash = strrchr(folder + root_bytes, '/');
        if (slash == NULL) {
            return least;
        }
        *slash = '\0';
    }
}

/* Whether a list such as "cpu,cpuacct" names the controller of processor time. */
static bool has_cpu(const char *controllers)
{
    while (controllers != NULL) {
        size_t bytes = strcspn(controllers, ",");
        if (bytes == 3 && memcmp(controllers, "cpu", 3) == 0) {
            return true;
        }
        controllers = controllers[bytes] == ',' ? controllers + bytes + 1 : NULL;
    }
    return false;
}

uint32_t gw__cgroup_processor_count(const char *membership, const char *root)
{
    char line[LINE_BYTES];
    uint32_t least = UINT32_MAX;
    FILE *file = fopen(membership, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        /* "4:cpu,cpuacct:/path" of version 1, "0::/path" of version 2 */
        char *controllers = strchr(line, ':');
        char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (path == NULL) {
            continue;
        }
        *path++ = '\0';
        controllers++;
        path[strcspn(path, "\n")] = '\0';
        if (*controllers == '\0' || has_cpu(controllers)) {
            uint32_t count = quota_of_path(root, controllers, path);
            least = count < least ? count : least;
        }
        if (has_cpu(controllers)) { /* some systems mount only the short name */
            uint32_t count = quota_of_path(root, "cpu", path);
            least = count < least ? count : least;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return least;
}
