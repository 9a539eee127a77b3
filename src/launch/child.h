/*
 * The child, between clone and exec.
 */
#ifndef LAUNCH_CHILD_H
#define LAUNCH_CHILD_H

/* Carry out the plan at @plan.  Runs in the child; ends by execve() or exit. */
_Noreturn void child_run(void *plan);

#endif
