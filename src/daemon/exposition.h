/*
 * Numbers as text, in one of two forms: Prometheus's exposition format, or one JSON
 * object of the same names without their prefix.
 *
 * Pure: what is written goes to a buffer.  A failure to write is kept and told at
 * the end.
 */
#ifndef DAEMON_EXPOSITION_H
#define DAEMON_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/spawn.h>

struct buf;

/* One metric: its name after "uringspawn_", with its unit last. */
struct family {
	const char *name;
	const char *type;  /* "counter", "gauge", "histogram" */
	const char *help;  /* one sentence without a full stop */
	const char *label; /* that its samples differ in; NULL: it has one sample */
	const char *inner; /* that those of one label differ in, or NULL */
};

struct exposition {
	struct buf *out;
	bool json;
	bool first; /* JSON: nothing precedes in the object being written */
	int ret;    /* 0, or the -errno of what could not be written */
	const struct family *family;
	const char
		*group; /* the label of the samples now, of a family with an inner one */
};

void exposition_begin(struct exposition *e, struct buf *out, bool json);

/* Returns 0, or -ENOMEM, -EMSGSIZE: the text is not complete. */
int exposition_end(struct exposition *e);

void expose_number(struct exposition *e, const struct family *family, uint64_t value);

/* A family of labels: between expose_begin() and expose_end() each has its sample. */
void expose_begin(struct exposition *e, const struct family *family);
void expose_sample(struct exposition *e, const char *label, uint64_t value);
void expose_end(struct exposition *e);

/* In a family with an inner label: the samples up to expose_group_end() are of @label. */
void expose_group(struct exposition *e, const char *label);
void expose_group_end(struct exposition *e);

/* What is told in words: @labels are @n pairs of a name and its value. */
void expose_info(struct exposition *e, const struct family *family,
		 const char *const (*labels)[2], size_t n);

/* In seconds. */
void expose_histogram(struct exposition *e, const struct family *family,
		      const struct usp_histogram *histogram);

/* Buckets with bounds of their own, not cumulative; the last of @n has none. */
struct bounded {
	const uint64_t *bounds_ns, *counts;
	unsigned n;
	uint64_t sum_ns;
};

/* The histogram of @label, between expose_begin() and expose_end(). */
void expose_bounded(struct exposition *e, const char *label,
		    const struct bounded *histogram);

#endif
