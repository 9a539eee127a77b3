/*
 * Unix stream sockets: names, listening, connecting, who the peer is, and bytes
 * with descriptors.
 *
 * A name is a path, or @name for an abstract one.  Every descriptor is
 * close-on-exec.  Everything returns -errno; nothing here decides who may connect.
 *
 * The name of this file must not be that of a header of libc.
 */
#ifndef SYS_SOCK_H
#define SYS_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>

/* Descriptors that one message can carry (the kernel's SCM_MAX_FD). */
#define SOCKET_FDS_MAX 253

/* Returns 0, or -EINVAL: empty; -ENAMETOOLONG. */
int socket_address(const char *name, struct sockaddr_un *ret_addr, socklen_t *ret_size);

/*
 * Where a daemon is when nobody says: $URINGSPAWN_SOCKET, else
 * $XDG_RUNTIME_DIR/uringspawn.sock, else /run/uringspawn/uringspawn.sock.
 * Variables that are empty do not count.  Returns 0 or -ENAMETOOLONG.
 */
int socket_default(char *path, size_t size);

/*
 * A blocking connection.  Room in a full backlog is waited for up to a second.
 * Returns the descriptor, or -ENOENT, -ECONNREFUSED, -EAGAIN, -EACCES and what
 * connect() else gives.
 */
int sys_socket_connect(const char *name);

/*
 * A blocking listener; a path gets mode 0600.  A socket file that nobody listens
 * on is removed and taken over.  Of several that try this at once one succeeds.
 * Returns the descriptor, or -EADDRINUSE: somebody listens there, or the file is not
 * a socket; -EBUSY: somebody keeps the directory locked (flock()); what opening the
 * directory and bind() give.
 */
int sys_socket_listen(const char *name, int backlog);

/* Who connected, as the kernel recorded it then.  Each output may be NULL. */
int sys_socket_peer(int fd, uid_t *ret_uid, gid_t *ret_gid, pid_t *ret_pid);

/* The supplementary groups of who connected; NULL when there are none.  The caller
 * frees them by mem_free(). */
int sys_socket_peer_groups(int fd, gid_t **ret_groups, unsigned *ret_n);

/* Have each message that @fd receives say who sent it (SCM_CREDENTIALS).  What a
 * listener is told holds for the connections that it gives. */
int sys_socket_pass_credentials(int fd);

/* Let so many bytes be on their way that the other end has not read: as many of them as the
 * administrator allows (net.core.wmem_max). */
void sys_socket_send_space(int fd, int bytes);

/*
 * Make a listener fit for several processes that accept from it: it blocks, as a ring
 * needs it, and who finds that another one was faster has -EAGAIN and need not wait.
 */
int sys_socket_share(int fd);

/* Is it a Unix stream socket that listens? */
bool sys_socket_listens(int fd);

/* Its own name, as socket_address() takes it; empty when it has none.  Returns 0, or
 * -ENAMETOOLONG. */
#define SOCKET_NAME_BYTES (sizeof(((struct sockaddr_un *)0)->sun_path) + 2)
int sys_socket_name(int fd, char ret_name[SOCKET_NAME_BYTES]);

/*
 * Send what fits; the descriptors go with the first byte.  Never raises SIGPIPE.
 * Does not block when @wait is false.  Returns the bytes sent, or -EAGAIN, -EPIPE, ...
 */
ssize_t sys_socket_send(int fd, const struct iovec *iov, unsigned n, const int *fds,
			unsigned n_fds, bool wait);

/*
 * Receive what is there, close-on-exec descriptors included; does not block when
 * @wait is false.  @ret_n_fds is set on success only.
 *
 * Returns the bytes received, 0 at the end, or -EAGAIN; -EMSGSIZE: there were more
 * descriptors than @max_fds or than this process may open (all of them are closed,
 * and the bytes that came with them are lost).
 */
ssize_t sys_socket_recv(int fd, void *buf, size_t size, int *ret_fds, unsigned max_fds,
			unsigned *ret_n_fds, bool wait);

#endif
