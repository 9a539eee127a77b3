/*
 * Every call that a fault test can fail: one line each, as
 * FAULT_MEM, FAULT_SYS or FAULT_PTHREAD(type, name, (parameters), (arguments)).  MEM
 * gives NULL, SYS gives -errno, PTHREAD gives errno.  The Makefile reads the names from
 * the lines below for the linker's --wrap, so each stands at the start of a line, with
 * its name on that line.
 */
FAULT_MEM(void *, mem_alloc, (size_t size), (size))
FAULT_MEM(void *, mem_zalloc, (size_t size), (size))
FAULT_MEM(void *, mem_resize, (void *mem, size_t size), (mem, size))
FAULT_MEM(void *, sys_map, (size_t size), (size))
FAULT_MEM(void *, sys_map_stack, (size_t size), (size))
FAULT_SYS(int, sys_pipe, (int ret_fds[2]), (ret_fds))
FAULT_SYS(int, sys_socketpair, (int ret_fds[2]), (ret_fds))
FAULT_SYS(int, sys_pty_open, (int *ret_master, int *ret_terminal),
	  (ret_master, ret_terminal))
FAULT_SYS(int, sys_pty_resize, (int master, const struct usp_winsize *size),
	  (master, size))
FAULT_SYS(int, sys_dup, (int fd), (fd))
FAULT_SYS(int, sys_open_null, (void), ())
FAULT_SYS(int, sys_event_open, (void), ())
FAULT_SYS(int, sys_pidfd_open, (pid_t pid), (pid))
FAULT_SYS(int, sys_proc_stat, (pid_t pid, struct proc *ret_proc), (pid, ret_proc))
FAULT_SYS(int, sys_proc_family,
	  (pid_t root, struct proc *procs, unsigned n, unsigned max),
	  (root, procs, n, max))
FAULT_SYS(int, sys_proc_signal, (const struct proc *proc, int signal), (proc, signal))
FAULT_SYS(int, sys_cgroup_find, (const char *proc_self, struct cgroup_place *ret_place),
	  (proc_self, ret_place))
FAULT_SYS(int, sys_cgroup_make, (int parent_fd, const char *name), (parent_fd, name))
FAULT_SYS(int, sys_cgroup_open, (int parent_fd, const char *name), (parent_fd, name))
FAULT_SYS(int, sys_cgroup_kill, (int parent_fd, const char *name), (parent_fd, name))
FAULT_SYS(int, sys_cgroup_state, (int dir_fd, struct cgroup_state *ret_state),
	  (dir_fd, ret_state))
FAULT_SYS(int, sys_cgroup_members, (int dir_fd, pid_t *ret_pids, unsigned max),
	  (dir_fd, ret_pids, max))
FAULT_SYS(pid_t, sys_clone_vfork, (const struct clone_request *request, bool use_clone3),
	  (request, use_clone3))
FAULT_SYS(int, sys_socket_share, (int fd), (fd))
FAULT_SYS(int, sys_socket_pass_credentials, (int fd), (fd))
FAULT_SYS(int, sys_socket_name, (int fd, char ret_name[SOCKET_NAME_BYTES]),
	  (fd, ret_name))
FAULT_SYS(int, sys_socket_peer, (int fd, uid_t *ret_uid, gid_t *ret_gid, pid_t *ret_pid),
	  (fd, ret_uid, ret_gid, ret_pid))
FAULT_SYS(int, sys_socket_peer_groups, (int fd, gid_t **ret_groups, unsigned *ret_n),
	  (fd, ret_groups, ret_n))
FAULT_SYS(int, sys_leave_table, (void), ())
FAULT_SYS(int, sys_pidfd_fetch, (int pidfd, int fd), (pidfd, fd))
FAULT_SYS(int, mailbox_open, (struct reactor * r, struct mailbox **ret_mailbox),
	  (r, ret_mailbox))
FAULT_SYS(int, io_uring_queue_init_params,
	  (unsigned entries, struct io_uring *ring, struct io_uring_params *p),
	  (entries, ring, p))
FAULT_SYS(int, io_uring_queue_init,
	  (unsigned entries, struct io_uring *ring, unsigned flags),
	  (entries, ring, flags))
FAULT_MEM(struct io_uring_probe *, io_uring_get_probe_ring, (struct io_uring * ring),
	  (ring))
FAULT_SYS(int, io_uring_register_ring_fd, (struct io_uring * ring), (ring))
FAULT_SYS(int, io_uring_register_files_sparse, (struct io_uring * ring, unsigned n),
	  (ring, n))
FAULT_SYS(int, io_uring_register_buf_ring,
	  (struct io_uring * ring, struct io_uring_buf_reg *reg, unsigned flags),
	  (ring, reg, flags))
FAULT_SYS(int, io_uring_register_eventfd, (struct io_uring * ring, int fd), (ring, fd))
FAULT_SYS(int, sys_pollset_open, (void), ())
FAULT_SYS(int, sys_pollset_add, (int set, int fd, uint32_t events, uint64_t data),
	  (set, fd, events, data))
FAULT_SYS(int, sys_pollset_change, (int set, int fd, uint32_t events, uint64_t data),
	  (set, fd, events, data))
FAULT_SYS(int, sys_timer_open, (void), ())
FAULT_PTHREAD(int, pthread_create,
	      (pthread_t * thread, const pthread_attr_t *attr, void *(*start)(void *),
	       void *arg),
	      (thread, attr, start, arg))
