/*
 * What people type for what a program may do: users, groups, limits, CPUs.
 *
 * Everything returns 0, or -EINVAL: it is not one; outputs are set on success only.
 */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include <stdint.h>
#include <uringspawn/spawn.h>

/*
 * The credentials of a user, by name or number: its uid, gid, and groups in @groups, which
 * has USP_GROUPS_MAX places.  -ENOENT: there is none of that name.
 */
int limits_user(const char *text, struct usp_options *options, gid_t *groups);

/* A group, by name or number.  -ENOENT: there is none of that name. */
int limits_group(const char *text, gid_t *ret_gid);

/* "NOFILE=1024", "core=0:unlimited". */
int limits_rlimit(const char *text, struct usp_rlimit *ret_limit);

/* "0,2-5": bits of USP_CPU_WORDS words. */
int limits_cpus(const char *text, uint64_t *cpus);

/* A number from @min to @max, in decimal; with a base of 8, in octal. */
int limits_number(const char *text, int base, long min, long max, long *ret_number);

/* A number of bytes: "512", "64K", "2M", "1G". */
int limits_bytes(const char *text, uint64_t *ret_bytes);

#endif
