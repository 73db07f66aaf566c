/* net/os/cgroup.h: Processor quotas of the control groups of Linux. Private to net. */
#ifndef GW_NET_OS_CGROUP_H
#define GW_NET_OS_CGROUP_H

#include <stdint.h>

/*
 * How many processors the quotas of the program's control group and of all groups above it allow,
 * rounded up; UINT32_MAX when none of them has a quota. `membership` is /proc/self/cgroup, `root`
 * is /sys/fs/cgroup; tests pass their own. Reads cpu.max of version 2 and cpu.cfs_quota_us of
 * version 1.
 *
 * Source    cgroups(7), Documentation/admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst.
 */
uint32_t gw__cgroup_processor_count(const char *membership, const char *root);

#endif
