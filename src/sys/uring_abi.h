/*
 * Numbers of the kernel's interface, io_uring's above all, that liburing 2.3 and the
 * headers of Linux 6.1 do not have.
 * They are ABI: they never change.  Source:
 * include/uapi/linux/io_uring.h, where nothing else is named.
 */
#ifndef SYS_URING_ABI_H
#define SYS_URING_ABI_H

enum {
	URING_OP_READ_MULTISHOT = 49,	/* Linux 6.7 */
	URING_OP_WAITID = 50,		/* Linux 6.7 */
	URING_OP_FUTEX_WAIT = 51,	/* Linux 6.7 */
	URING_OP_FUTEX_WAKE = 52,	/* Linux 6.7 */
	URING_OP_FIXED_FD_INSTALL = 54, /* Linux 6.8 */
};

enum {
	URING_REGISTER_SEND_MSG_RING = 31, /* Linux 6.13 */
};

enum {
	URING_MSG_RING_FLAGS_PASS = 1 << 1, /* Linux 6.3 */
};

/* include/uapi/linux/fs.h */
enum {
	URING_RWF_NOSIGNAL = 0x100, /* Linux 6.18 */
};

/* include/uapi/linux/futex.h */
enum {
	URING_FUTEX2_SIZE_U32 = 0x02,
	URING_FUTEX2_PRIVATE = 128,
};

/* include/uapi/linux/pidfd.h */
enum {
	PIDFD_SIGNAL_GROUP = 1 << 2, /* PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9 */
};

#endif
