/*
 * The options of `uringspawn run` that say who the program is and what it may use: users,
 * limits, cgroups.
 */
#ifndef CLI_RUN_RIGHTS_H
#define CLI_RUN_RIGHTS_H

struct run_options;

/* As run_spec_take(). */
int run_rights_take(int option, struct run_options *options);

/* The user and the groups, when all options have been taken. */
void run_rights_complete(struct run_options *options);

#endif
