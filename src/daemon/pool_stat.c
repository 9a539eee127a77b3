/*
 * Numbers of pools, by name; and the list of them.
 *
 * Pools of one name, of several users, are one here.  So are those without a name, with
 * all that came before: a counter does not fall when a client leaves.
 */
#include "daemon/pool_stat.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/buf.h"
#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/exposition.h"
#include "daemon/listing.h"
#include "daemon/pools.h"
#include "daemon/session.h"
#include "pool/pool.h"

#define LISTED_MEMBERS 256 /* of all pools, in one answer */

/* ---- sums ----------------------------------------------------------------------- */

static void read_stats(const struct shared_pool *shared, struct usp_pool_stats *stats)
{
	*stats = (struct usp_pool_stats){ .size = sizeof(*stats) };
	(void)usp_pool_stats(shared->pool, stats);
	stats->dropped_bytes += shared->unheard_bytes;
}

static void add_counters(struct usp_pool_stats *sum, const struct usp_pool_stats *one)
{
	sum->uses += one->uses;
	sum->cold += one->cold;
	sum->refused += one->refused;
	sum->starts += one->starts;
	for (unsigned i = 0; i < USP_POOL_CAUSES; i++)
		sum->exits[i] += one->exits[i];
	sum->dropped_bytes += one->dropped_bytes;
	sum->wait_sum_ns += one->wait_sum_ns;
	for (unsigned i = 0; i < USP_POOL_WAIT_BUCKETS; i++)
		sum->wait_bucket[i] += one->wait_bucket[i];
	sum->members_cpu_ns += one->members_cpu_ns;
}

static void add(struct usp_pool_stats *sum, const struct usp_pool_stats *one)
{
	add_counters(sum, one);
	sum->members += one->members;
	sum->starting += one->starting;
	sum->idle += one->idle;
	sum->busy += one->busy;
	sum->resetting += one->resetting;
	sum->ending += one->ending;
	sum->waiting += one->waiting;
	sum->rss_bytes += one->rss_bytes;
	if (sum->rss_peak_bytes < one->rss_peak_bytes)
		sum->rss_peak_bytes = one->rss_peak_bytes;
}

void pool_stat_keep(const struct shared_pool *shared)
{
	struct usp_pool_stats stats;

	if (shared->has_name)
		return;
	read_stats(shared, &stats);
	add_counters(&shared->daemon->past_pools, &stats);
}

/* ---- by name -------------------------------------------------------------------- */

/* A label has the bytes of a name that are printable ASCII; all others are %xx. */
#define LABEL_BYTES (3 * USP_POOL_NAME_MAX + 1)

struct named {
	char label[LABEL_BYTES];
	struct usp_pool_stats stats;
};

struct all {
	unsigned n;
	struct named named[1 + POOL_NAMES_MAX]; /* the first: "" */
};

static void make_label(const char *name, char label[LABEL_BYTES])
{
	size_t n = 0;

	for (size_t i = 0; name[i] && i < USP_POOL_NAME_MAX; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < ' ' || c > '~' || c == '%')
			n += (size_t)sprintf(label + n, "%%%02x", c);
		else
			label[n++] = (char)c;
	}
	label[n] = '\0';
}

static struct named *place(struct all *all, const struct shared_pool *shared)
{
	char label[LABEL_BYTES] = "";

	if (shared->has_name)
		make_label(pool_options(shared->pool)->name, label);
	for (unsigned i = 0; i < all->n; i++)
		if (strcmp(all->named[i].label, label) == 0)
			return &all->named[i];
	if (all->n == 1 + POOL_NAMES_MAX)
		return &all->named[0];
	all->named[all->n] = (struct named){ 0 };
	memcpy(all->named[all->n].label, label, sizeof(label));
	return &all->named[all->n++];
}

static void sum_up(struct all *all, const struct daemon *d) REACTOR_ONLY
{
	all->n = 1;
	all->named[0] = (struct named){ .stats = d->past_pools };
	list_each(link, next, (struct list *)&d->pools) {
		const struct shared_pool *shared =
			container_of(link, struct shared_pool, link);
		struct usp_pool_stats stats;

		read_stats(shared, &stats);
		add(&place(all, shared)->stats, &stats);
	}
}

/* ---- metrics ---------------------------------------------------------------------- */

#define OF(member) offsetof(struct usp_pool_stats, member)

static void write_members(struct exposition *e, const struct all *all)
{
	static const struct family family = { "pool_members", "gauge",
					      "Members of pools, by what they do", "pool",
					      "state" };

	expose_begin(e, &family);
	for (unsigned i = 0; i < all->n; i++) {
		const struct usp_pool_stats *stats = &all->named[i].stats;

		expose_group(e, all->named[i].label);
		expose_sample(e, "starting", stats->starting);
		expose_sample(e, "idle", stats->idle);
		expose_sample(e, "busy", stats->busy);
		expose_sample(e, "resetting", stats->resetting);
		expose_sample(e, "ending", stats->ending);
		expose_group_end(e);
	}
	expose_end(e);
}

static void write_exits(struct exposition *e, const struct all *all)
{
	static const struct family family = { "pool_exits_total", "counter",
					      "Members that ended, by why", "pool",
					      "cause" };

	expose_begin(e, &family);
	for (unsigned i = 0; i < all->n; i++) {
		expose_group(e, all->named[i].label);
		for (unsigned cause = 0; cause < USP_POOL_CAUSES; cause++)
			expose_sample(e, usp_pool_cause_name(cause),
				      all->named[i].stats.exits[cause]);
		expose_group_end(e);
	}
	expose_end(e);
}

static void write_numbers(struct exposition *e, const struct all *all)
{
	static const struct {
		struct family family;
		size_t offset;
	} numbers[] = {
		{ { "pool_uses_total", "counter", "Uses that had a member", "pool",
		    NULL },
		  OF(uses) },
		{ { "pool_cold_total", "counter", "Uses for which a member was started",
		    "pool", NULL },
		  OF(cold) },
		{ { "pool_refused_total", "counter", "Uses that had no member", "pool",
		    NULL },
		  OF(refused) },
		{ { "pool_starts_total", "counter", "Members that were started", "pool",
		    NULL },
		  OF(starts) },
		{ { "pool_dropped_bytes_total", "counter",
		    "Bytes that workers wrote outside of a use", "pool", NULL },
		  OF(dropped_bytes) },
		{ { "pool_memory_bytes", "gauge", "Memory of members, as last looked at",
		    "pool", NULL },
		  OF(rss_bytes) },
	};

	for (size_t n = 0; n < ARRAY_SIZE(numbers); n++) {
		expose_begin(e, &numbers[n].family);
		for (unsigned i = 0; i < all->n; i++) {
			const char *stats = (const char *)&all->named[i].stats;
			uint64_t value;

			memcpy(&value, stats + numbers[n].offset, sizeof(value));
			expose_sample(e, all->named[i].label, value);
		}
		expose_end(e);
	}
}

static void write_waiting(struct exposition *e, const struct all *all)
{
	static const struct family family = { "pool_waiting", "gauge",
					      "Uses that wait for a member", "pool",
					      NULL };

	expose_begin(e, &family);
	for (unsigned i = 0; i < all->n; i++)
		expose_sample(e, all->named[i].label, all->named[i].stats.waiting);
	expose_end(e);
}

static const uint64_t bounds_us[USP_POOL_WAIT_BUCKETS - 1] = USP_POOL_WAIT_US;

static void write_waits(struct exposition *e, const struct all *all)
{
	static const struct family family = { "pool_wait_seconds", "histogram",
					      "From the request for a use to its member",
					      "pool", NULL };
	uint64_t bounds_ns[USP_POOL_WAIT_BUCKETS - 1];

	for (unsigned i = 0; i < ARRAY_SIZE(bounds_ns); i++)
		bounds_ns[i] = bounds_us[i] * NS_PER_US;
	expose_begin(e, &family);
	for (unsigned i = 0; i < all->n; i++)
		expose_bounded(e, all->named[i].label,
			       &(struct bounded){
				       .bounds_ns = bounds_ns,
				       .counts = all->named[i].stats.wait_bucket,
				       .n = USP_POOL_WAIT_BUCKETS,
				       .sum_ns = all->named[i].stats.wait_sum_ns,
			       });
	expose_end(e);
}

void pool_stat_write(struct exposition *e, const struct daemon *d)
{
	static struct all all; /* of the reactor's thread alone */

	sum_up(&all, d);
	write_members(e, &all);
	write_waiting(e, &all);
	write_numbers(e, &all);
	write_exits(e, &all);
	write_waits(e, &all);
}

/* ---- the list ---------------------------------------------------------------------- */

/* What is being written; a failure is kept, and told at the end. */
struct list_text {
	const struct session *asker;
	struct buf *out;
	int ret;
	unsigned members_left;
	bool first;
};

__attribute__((format(printf, 2, 3))) static void say(struct list_text *t,
						      const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (t->ret == 0)
		t->ret = buf_append(t->out, text, (size_t)n);
}

static double seconds(uint64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static void list_member(const struct pool_member_look *look, void *user) REACTOR_ONLY
{
	struct list_text *t = user;

	if (t->members_left == 0)
		return;
	t->members_left--;
	say(t,
	    "%s\n    {\"pid\": %d, \"state\": \"%s\", \"uses\": %" PRIu64
	    ", \"age_seconds\": %.3f",
	    t->first ? "" : ",", (int)look->pid, look->state, look->uses,
	    seconds(look->age_ns));
	t->first = false;
	if (t->ret == 0)
		t->ret = listing_put_usage(t->out, look->pid);
	say(t, "}");
}

static void list_counters(struct list_text *t, const struct usp_pool_stats *stats)
{
	say(t,
	    ", \"uses\": %" PRIu64 ", \"cold\": %" PRIu64 ", \"refused\": %" PRIu64
	    ", \"starts\": %" PRIu64 ", \"exits\": {",
	    stats->uses, stats->cold, stats->refused, stats->starts);
	for (unsigned i = 0; i < USP_POOL_CAUSES; i++)
		say(t, "%s\"%s\": %" PRIu64, i ? ", " : "", usp_pool_cause_name(i),
		    stats->exits[i]);
	say(t, "}, \"dropped_bytes\": %" PRIu64 ", \"wait_seconds\": {\"buckets\": [",
	    stats->dropped_bytes);
	for (unsigned i = 0; i < USP_POOL_WAIT_BUCKETS - 1; i++)
		say(t, "[%g, %" PRIu64 "], ", (double)bounds_us[i] / 1e6,
		    stats->wait_bucket[i]);
	say(t, "[null, %" PRIu64 "]], \"sum\": %.9f}",
	    stats->wait_bucket[USP_POOL_WAIT_BUCKETS - 1], seconds(stats->wait_sum_ns));
	say(t,
	    ", \"ended_cpu_seconds\": %.6f, \"memory_bytes\": %" PRIu64
	    ", \"memory_peak_bytes\": %" PRIu64,
	    seconds(stats->members_cpu_ns), stats->rss_bytes, stats->rss_peak_bytes);
}

/* What the client that asks calls it; 0: it does not have it open. */
static uint32_t id_of(const struct shared_pool *shared, const struct session *s)
{
	list_each(link, next, (struct list *)&shared->openings) {
		const struct opening *opening =
			container_of(link, struct opening, in_pool);

		if (opening->session == s)
			return opening->id;
	}
	return 0;
}

static void list_pool(struct list_text *t, const struct shared_pool *shared,
		      bool first) REACTOR_ONLY
{
	const struct usp_pool_options *o = pool_options(shared->pool);
	struct usp_pool_stats stats;

	read_stats(shared, &stats);
	say(t, "%s\n  {\"name\": ", first ? "" : ",");
	if (t->ret == 0)
		t->ret = listing_put_text(t->out, o->name ? o->name : "",
					  USP_POOL_NAME_MAX);
	say(t, ", \"pool\": %u", id_of(shared, t->asker));
	say(t,
	    ", \"kind\": \"%s\", \"uid\": %u, \"client\": %d, \"clients\": %u, "
	    "\"keep\": %s, \"closing\": %s, \"min\": %u, \"max\": %u, \"spare\": %u",
	    usp_pool_kind_name(o->kind), (unsigned)shared->maker.uid,
	    (int)shared->maker.pid, shared->n_openings, shared->keep ? "true" : "false",
	    pool_is_closing(shared->pool) ? "true" : "false", o->min, o->max, o->spare);
	if (o->kind == USP_POOL_WORKER)
		say(t, ", \"channel\": %d", o->channel);
	say(t,
	    ", \"members\": %u, \"starting\": %u, \"idle\": %u, \"busy\": %u, "
	    "\"resetting\": %u, \"ending\": %u, \"waiting\": %u",
	    stats.members, stats.starting, stats.idle, stats.busy, stats.resetting,
	    stats.ending, stats.waiting);
	list_counters(t, &stats);
	say(t, ", \"processes\": [");
	t->first = true;
	pool_each_member(shared->pool, list_member, t);
	say(t, "\n  ]}");
}

int pool_stat_list(const struct session *s, struct buf *out)
{
	struct list_text t = { .asker = s, .out = out, .members_left = LISTED_MEMBERS };
	bool first = true;

	say(&t, "{\"pools\": [");
	list_each(link, next, &s->daemon->pools) {
		const struct shared_pool *shared =
			container_of(link, struct shared_pool, link);

		if (!peer_may_rule(&s->peer, &shared->maker))
			continue;
		list_pool(&t, shared, first);
		first = false;
	}
	say(&t, "\n]}\n");
	return t.ret;
}
