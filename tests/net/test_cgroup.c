/* tests/net/test_cgroup.c: Processor quotas of control groups, from files of the test. */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/test.h"

#include "net/os/cgroup.h"
#include "net/os/os.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/gangway-cgroup-XXXXXX";
static char membership[64];

/* Writes a file below the root, and the folders to it. */
static void put(const char *path, const char *text)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_root(void **state)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    snprintf(membership, sizeof membership, "%s/self", root);
    return 0;
}

static int remove_root(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

static uint32_t count(void)
{
    return gw__cgroup_processor_count(membership, root);
}

static void without_groups_there_is_no_quota(void **state)
{
    assert_int_equal(gw__cgroup_processor_count("/nowhere", root), UINT32_MAX);
    put("self", "");
    assert_int_equal(count(), UINT32_MAX);
    put("self", "0::/a/b\n4:cpu:/a\nnonsense\n");
    assert_int_equal(count(), UINT32_MAX);
}

static void version_2_rounds_up(void **state)
{
    static const struct {
        const char *text;
        uint32_t count;
    } cases[] = {
        {"max 100000\n", UINT32_MAX}, {"100000 100000\n", 1}, {"100001 100000\n", 2},
        {"50000 100000\n", 1},        {"1000 100000\n", 1},   {"400000 100000\n", 4},
        {"junk\n", UINT32_MAX},       {"", UINT32_MAX},       {"1000 0\n", UINT32_MAX},
        {"-1 100000\n", UINT32_MAX},
    };
    put("self", "0::/service\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put("service/cpu.max", cases[i].text);
        assert_int_equal(count(), cases[i].count);
    }
}

static void version_1_rounds_up(void **state)
{
    put("self", "5:memory:/x\n4:cpu,cpuacct:/docker/1\n0::/\n");
    put("cpu,cpuacct/docker/1/cpu.cfs_quota_us", "-1\n");
    put("cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
    assert_int_equal(count(), UINT32_MAX);
    put("cpu,cpuacct/docker/1/cpu.cfs_quota_us", "250000\n");
    assert_int_equal(count(), 3);
}

static void version_1_can_be_mounted_by_its_short_name(void **state)
{
    put("self", "4:cpuacct,cpu:/\n");
    put("cpu/cpu.cfs_quota_us", "200000\n");
    put("cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(count(), 2);
}

static void the_smallest_quota_of_all_ancestors_counts(void **state)
{
    put("self", "0::/slice/service/unit\n");
    put("slice/service/unit/cpu.max", "800000 100000\n");
    put("slice/service/cpu.max", "max 100000\n");
    put("slice/cpu.max", "300000 100000\n");
    assert_int_equal(count(), 3);
    put("cpu.max", "150000 100000\n"); /* a container sees its own group as the root */
    assert_int_equal(count(), 2);
}

/* A container without a namespace of its own for groups: the path is the host's. */
static void a_missing_path_falls_back_to_the_root(void **state)
{
    put("self", "4:cpu:/docker/0123456789abcdef\n");
    put("cpu/cpu.cfs_quota_us", "100000\n");
    put("cpu/cpu.cfs_period_us", "50000\n");
    assert_int_equal(count(), 2);
}

static void the_processor_count_is_at_least_1(void **state)
{
    assert_true(os_processor_count() >= 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(without_groups_there_is_no_quota),
        TEST(version_2_rounds_up),
        TEST(version_1_rounds_up),
        TEST(version_1_can_be_mounted_by_its_short_name),
        TEST(the_smallest_quota_of_all_ancestors_counts),
        TEST(a_missing_path_falls_back_to_the_root),
        TEST(the_processor_count_is_at_least_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
