/*
 * A command that returns once the daemon serves, and leaves it behind.
 */
#ifndef DAEMON_BACKGROUND_H
#define DAEMON_BACKGROUND_H

/*
 * Go on in a child; before there is any thread.  Returns -1 in it; in the parent, when the
 * child is ready or over, the exit code that is to be returned.
 *
 * @keep_fds  descriptors from 3 on were passed for a purpose; else they are closed
 */
int background_enter(int keep_fds);

/*
 * It serves: let the parent return, and hold nothing that it was started with: neither its
 * streams, whose other end somebody may read to the end, nor its working directory.  (A log
 * that goes to a file goes on.)  Nothing happens in a daemon that is not in the background.
 */
void background_ready(void);

#endif
