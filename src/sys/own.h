/*
 * What this process hands on to its children unless they change it.
 */
#ifndef SYS_OWN_H
#define SYS_OWN_H

#define SYS_TIMER_SLACK_USUAL_NS 50000

/* Each is the usual value where the kernel does not tell. */
int sys_own_nice(void);
int sys_own_oom_score_adj(void);
int sys_own_timer_slack_ns(void); /* the calling thread's */

/*
 * Have no controlling terminal any more, if there is one: who has it may read there, and
 * type what its shell then does.  For a process of one thread.
 */
void sys_own_leave_terminal(void);

#endif
