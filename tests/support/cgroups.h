/*
 * The cgroups that tests run jobs in.
 */
#ifndef SUPPORT_CGROUPS_H
#define SUPPORT_CGROUPS_H

/* Skip the test where a job cannot have a cgroup of its own.  Returns the directory of
 * the one that this process is in. */
const char *need_cgroups(void);

/* Homes in the directory of this process's cgroup that this process made. */
unsigned homes(void);

#endif
