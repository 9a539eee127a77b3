/*
 * Numbers as text: Prometheus, or JSON.
 */
#include "daemon/exposition.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/buf.h"
#include "base/clock.h"

#define PREFIX "uringspawn_"

/* ---- pieces of text ------------------------------------------------------ */

static void put(struct exposition *e, const char *bytes, size_t size)
{
	if (e->ret == 0)
		e->ret = buf_append(e->out, bytes, size);
}

/* Of at most 255 bytes: names, numbers and sentences of our own. */
__attribute__((format(printf, 2, 3))) static void say(struct exposition *e,
						      const char *format, ...)
{
	char text[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(e, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* In quotes.  What both forms escape is the same here, for no text has other
 * control characters than a line's end. */
static void say_quoted(struct exposition *e, const char *text)
{
	say(e, "\"");
	for (; *text; text++) {
		if (*text == '\n')
			say(e, "\\n");
		else if (*text == '"' || *text == '\\')
			say(e, "\\%c", *text);
		else
			put(e, text, 1);
	}
	say(e, "\"");
}

/* Seconds without a rounding and without zeros at their end. */
static void say_seconds(struct exposition *e, uint64_t ns)
{
	char text[48];
	int n = snprintf(text, sizeof(text), "%llu.%09llu",
			 (unsigned long long)(ns / NS_PER_S),
			 (unsigned long long)(ns % NS_PER_S));

	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	put(e, text, (size_t)n);
}

/* ---- the parts of a form ------------------------------------------------- */

/* The name of a member of a JSON object. */
static void say_key(struct exposition *e, const char *key)
{
	if (!e->first)
		say(e, ",");
	e->first = false;
	say_quoted(e, key);
	say(e, ":");
}

static void open_family(struct exposition *e, const struct family *family)
{
	e->family = family;
	if (e->json) {
		say_key(e, family->name);
		return;
	}
	say(e, "# HELP " PREFIX "%s %s.\n", family->name, family->help);
	say(e, "# TYPE " PREFIX "%s %s\n", family->name, family->type);
}

static void open_object(struct exposition *e)
{
	if (e->json)
		say(e, "{");
	e->first = true;
}

static void close_object(struct exposition *e)
{
	if (e->json)
		say(e, "}");
	e->first = false;
}

void exposition_begin(struct exposition *e, struct buf *out, bool json)
{
	*e = (struct exposition){ .out = out, .json = json };
	open_object(e);
}

int exposition_end(struct exposition *e)
{
	close_object(e);
	if (e->json)
		say(e, "\n");
	return e->ret;
}

static void say_label(struct exposition *e, const char *name, const char *value)
{
	say(e, "%s=", name);
	say_quoted(e, value);
}

/* ---- families ------------------------------------------------------------ */

void expose_number(struct exposition *e, const struct family *family, uint64_t value)
{
	open_family(e, family);
	if (e->json)
		say(e, "%llu", (unsigned long long)value);
	else
		say(e, PREFIX "%s %llu\n", family->name, (unsigned long long)value);
}

void expose_begin(struct exposition *e, const struct family *family)
{
	open_family(e, family);
	open_object(e);
}

void expose_sample(struct exposition *e, const char *label, uint64_t value)
{
	if (e->json) {
		say_key(e, label);
		say(e, "%llu", (unsigned long long)value);
		return;
	}
	say(e, PREFIX "%s{", e->family->name);
	if (e->group) {
		say_label(e, e->family->label, e->group);
		say(e, ",");
	}
	say_label(e, e->group ? e->family->inner : e->family->label, label);
	say(e, "} %llu\n", (unsigned long long)value);
}

void expose_group(struct exposition *e, const char *label)
{
	e->group = label;
	if (e->json)
		say_key(e, label);
	open_object(e);
}

void expose_group_end(struct exposition *e)
{
	e->group = NULL;
	close_object(e);
}

void expose_end(struct exposition *e)
{
	close_object(e);
}

void expose_info(struct exposition *e, const struct family *family,
		 const char *const (*labels)[2], size_t n)
{
	open_family(e, family);
	open_object(e);
	if (!e->json)
		say(e, PREFIX "%s{", family->name);
	for (size_t i = 0; i < n; i++) {
		if (e->json)
			say_key(e, labels[i][0]);
		else
			say(e, "%s%s=", i ? "," : "", labels[i][0]);
		say_quoted(e, labels[i][1]);
	}
	if (!e->json)
		say(e, "} 1\n");
	close_object(e);
}

/* One bucket, counting all that are not above @bound_ns. */
static void say_bucket(struct exposition *e, uint64_t bound_ns, uint64_t count)
{
	bool last = bound_ns == UINT64_MAX;

	if (e->json) {
		say(e, "%s[", e->first ? "" : ",");
		e->first = false;
	} else {
		say(e, PREFIX "%s_bucket{", e->family->name);
		if (e->group) {
			say_label(e, e->family->label, e->group);
			say(e, ",");
		}
		say(e, "le=\"");
	}
	if (!last)
		say_seconds(e, bound_ns);
	else
		say(e, "%s", e->json ? "null" : "+Inf");
	say(e, "%s%llu%s", e->json ? "," : "\"} ", (unsigned long long)count,
	    e->json ? "]" : "\n");
}

static uint64_t say_buckets(struct exposition *e, const struct bounded *h)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < h->n; i++) {
		count += h->counts[i];
		say_bucket(e, i < h->n - 1 ? h->bounds_ns[i] : UINT64_MAX, count);
	}
	return count;
}

/* The end of a line's name, with the labels that it has. */
static void say_suffix(struct exposition *e, const char *suffix)
{
	say(e, PREFIX "%s_%s", e->family->name, suffix);
	if (e->group) {
		say(e, "{");
		say_label(e, e->family->label, e->group);
		say(e, "}");
	}
	say(e, " ");
}

static void say_histogram(struct exposition *e, const struct bounded *h)
{
	uint64_t count;

	if (e->json)
		say(e, "{\"buckets\":[");
	e->first = true;
	count = say_buckets(e, h);
	if (e->json)
		say(e, "],\"sum\":");
	else
		say_suffix(e, "sum");
	say_seconds(e, h->sum_ns);
	if (e->json) {
		say(e, ",\"count\":%llu}", (unsigned long long)count);
	} else {
		say(e, "\n");
		say_suffix(e, "count");
		say(e, "%llu\n", (unsigned long long)count);
	}
	e->first = false;
}

void expose_histogram(struct exposition *e, const struct family *family,
		      const struct usp_histogram *histogram)
{
	uint64_t bounds_ns[USP_HISTOGRAM_BUCKETS];
	const struct bounded bounded = {
		.bounds_ns = bounds_ns,
		.counts = histogram->counts,
		.n = USP_HISTOGRAM_BUCKETS,
		.sum_ns = histogram->sum_ns,
	};

	for (unsigned i = 0; i < USP_HISTOGRAM_BUCKETS; i++)
		bounds_ns[i] = usp_histogram_bound_ns(i);
	open_family(e, family);
	say_histogram(e, &bounded);
}

void expose_bounded(struct exposition *e, const char *label,
		    const struct bounded *histogram)
{
	if (e->json)
		say_key(e, label);
	e->group = label;
	say_histogram(e, histogram);
	e->group = NULL;
}
