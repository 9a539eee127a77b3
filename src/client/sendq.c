#include "client/sendq.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include "base/alloc.h"
#include "base/annotate.h"
#include "sys/fd.h"
#include "sys/sock.h"

/* What may wait for a daemon that does not read. */
#define SENDQ_BYTES_MAX ((size_t)1 << 30)

/* The descriptors of one frame. */
struct parcel {
	struct list link;
	uint64_t at; /* where its frame starts, in bytes since the start */
	unsigned n;
	int fds[USP_WIRE_FDS_MAX];
};

static void close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sys_close(fds[i]);
}

static void parcel_free(struct parcel *parcel)
{
	close_all(parcel->fds, parcel->n);
	mem_free(parcel);
}

void sendq_init(struct sendq *sendq)
{
	*sendq = (struct sendq){ 0 };
	buf_init(&sendq->bytes, SENDQ_BYTES_MAX);
	list_init(&sendq->parcels);
}

void sendq_done(struct sendq *sendq)
{
	struct list *link;

	while ((link = list_take_first(&sendq->parcels)))
		parcel_free(container_of(link, struct parcel, link));
	buf_done(&sendq->bytes);
}

static int put_bytes(struct sendq *sendq, const struct frame *frame)
{
	size_t size = USP_WIRE_HEADER_BYTES + (size_t)frame->payload_bytes;
	uint8_t *place;

	if (buf_reserve(&sendq->bytes, size, &place))
		return -ENOMEM;
	frame_encode_header(frame, place);
	if (frame->payload_bytes)
		memcpy(place + USP_WIRE_HEADER_BYTES, frame->payload,
		       frame->payload_bytes);
	buf_grew(&sendq->bytes, size);
	return 0;
}

int sendq_put(struct sendq *sendq, const struct frame *frame, const int *fds)
{
	uint64_t at = sendq->sent + buf_size(&sendq->bytes);
	struct parcel *parcel;
	int ret;

	assert(frame->fds <= USP_WIRE_FDS_MAX);
	if (!frame->fds)
		return put_bytes(sendq, frame);

	parcel = mem_alloc(sizeof(*parcel));
	if (!parcel) {
		close_all(fds, frame->fds);
		return -ENOMEM;
	}
	*parcel = (struct parcel){ .at = at, .n = frame->fds };
	memcpy(parcel->fds, fds, sizeof(*fds) * frame->fds);
	ret = put_bytes(sendq, frame);
	if (ret) {
		parcel_free(parcel);
		return ret;
	}
	list_append(&sendq->parcels, &parcel->link);
	return 0;
}

static struct parcel *first_parcel(struct sendq *sendq)
{
	struct list *link = list_first(&sendq->parcels);

	return link ? container_of(link, struct parcel, link) : NULL;
}

/* Send up to the next frame with descriptors.  Returns the bytes or -errno. */
static ssize_t send_once(struct sendq *sendq, int fd)
{
	struct parcel *parcel = first_parcel(sendq), *later = parcel;
	struct iovec iov = {
		.iov_base = buf_bytes(&sendq->bytes),
		.iov_len = buf_size(&sendq->bytes),
	};
	ssize_t n;

	if (parcel && parcel->at > sendq->sent) {
		parcel = NULL;
	} else if (parcel) {
		struct list *next = parcel->link.next;

		later = next == &sendq->parcels ? NULL
						: container_of(next, struct parcel, link);
	}
	if (later)
		iov.iov_len = (size_t)(later->at - sendq->sent);

	n = sys_socket_send(fd, &iov, 1, parcel ? parcel->fds : NULL,
			    parcel ? parcel->n : 0, false);
	if (n > 0 && parcel) {
		list_remove(&parcel->link);
		parcel_free(parcel);
	}
	return n;
}

int sendq_send(struct sendq *sendq, int fd)
{
	while (!sendq_empty(sendq)) {
		ssize_t n = send_once(sendq, fd);

		/* Too many references: the daemon has yet to take descriptors
		 * that were sent before. */
		if (n == -EAGAIN || n == -ETOOMANYREFS)
			return 0;
		if (n < 0)
			return (int)n;
		sendq->sent += (uint64_t)n;
		buf_consume(&sendq->bytes, (size_t)n);
	}
	return 0;
}
