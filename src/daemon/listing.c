#include "daemon/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/job.h"
#include "daemon/session.h"
#include "engine/look.h"
#include "sys/proc.h"

/* Of each /proc is read: a page is made in less than a millisecond. */
enum { PAGE_JOBS = 64, PROGRAM_BYTES = 64, TEXT_BYTES = 128 };

/* ---- numbers ------------------------------------------------------------------ */

/* The next that no job has; they begin anew after 2^32. */
void listing_add(struct job *job)
{
	struct daemon *d = job->session->daemon;
	int ret;

	do {
		d->last_number++;
		ret = d->last_number ? table_put(&d->jobs_by_number, d->last_number, job)
				     : -EEXIST;
	} while (ret == -EEXIST);
	if (ret < 0)
		return;
	job->number = d->last_number;
	list_append(&d->listed, &job->listed);
}

void listing_remove(struct job *job)
{
	if (!job->number)
		return;
	table_remove(&job->session->daemon->jobs_by_number, job->number);
	list_remove(&job->listed);
}

struct job *listing_find(const struct session *s, uint32_t number)
{
	struct job *job = table_get(&s->daemon->jobs_by_number, number);

	return job && peer_may_rule(&s->peer, &job->session->peer) ? job : NULL;
}

/* ---- text ----------------------------------------------------------------------- */

static int put(struct buf *out, const char *text, size_t size)
{
	return buf_append(out, text, size);
}

int listing_put_text(struct buf *out, const char *name, size_t max)
{
	char text[6 * TEXT_BYTES + 3] = "\"";
	size_t n = 1;

	for (size_t i = 0; name[i] && i < max && i < TEXT_BYTES; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			n += (size_t)sprintf(text + n, "\\u%04x", c);
		else
			text[n++] = (char)c;
	}
	text[n++] = '"';
	return put(out, text, n);
}

int listing_put_usage(struct buf *out, pid_t pid)
{
	static const char unknown[] = ", \"cpu_seconds\": null, \"memory_bytes\": null";
	struct proc proc;
	char text[96];
	int n;

	if (!pid || sys_proc_stat(pid, &proc) < 0)
		return put(out, unknown, sizeof(unknown) - 1);
	n = snprintf(text, sizeof(text),
		     ", \"cpu_seconds\": %.2f, \"memory_bytes\": %" PRIu64,
		     (double)proc.cpu_ticks / (double)sysconf(_SC_CLK_TCK),
		     proc.resident_pages * (uint64_t)sysconf(_SC_PAGESIZE));
	return put(out, text, (size_t)n);
}

static int put_job(struct buf *out, const struct job *job, bool first) REACTOR_ONLY
{
	const struct peer *peer = &job->session->peer;
	bool gone = !session_listens(job->session);
	struct look look;
	char text[320];
	int n, ret;

	engine_look(job->process, &look);
	n = snprintf(
		text, sizeof(text),
		"%s\n  {\"job\": %u, \"client\": %d, \"uid\": %u, \"client_gone\": %s, "
		"\"state\": \"%s\", \"pid\": %d, \"age_seconds\": %.3f, "
		"\"output_bytes\": %" PRIu64,
		first ? "" : ",", job->number, (int)peer->pid, (unsigned)peer->uid,
		gone ? "true" : "false", look.state, (int)look.pid,
		(double)look.age_ns / (double)NS_PER_S, look.output_bytes);
	ret = put(out, text, (size_t)n);
	if (ret == 0)
		ret = listing_put_usage(out, look.pid);
	if (ret == 0)
		ret = put(out, ", \"program\": ", 13);
	if (ret == 0)
		ret = listing_put_text(out, look.name, PROGRAM_BYTES);
	return ret == 0 ? put(out, "}", 1) : ret;
}

/* Numbers are compared as they were given, also where they began anew. */
static bool is_behind(const struct job *job, uint32_t after)
{
	return after == 0 || (int32_t)(job->number - after) > 0;
}

int listing_write(const struct session *s, uint32_t after, struct buf *out)
{
	uint32_t last = 0, next = 0;
	unsigned n = 0;
	char text[64];
	int size, ret = put(out, "{\"jobs\": [", 10);

	list_each(link, following, &s->daemon->listed) {
		const struct job *job = container_of(link, struct job, listed);

		if (ret < 0 || next)
			break;
		if (!is_behind(job, after) ||
		    !peer_may_rule(&s->peer, &job->session->peer))
			continue;
		if (n == PAGE_JOBS) {
			next = last;
			continue;
		}
		ret = put_job(out, job, n++ == 0);
		last = job->number;
	}
	if (ret < 0)
		return ret;
	size = snprintf(text, sizeof(text), "\n], \"next\": %u}\n", next);
	return put(out, text, (size_t)size);
}
