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
	say(e, PREFIX "%s{%s=", e->family->name, e->family->label);
	say_quoted(e, label);
	say(e, "} %llu\n", (unsigned long long)value);
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
		say(e, PREFIX "%s_bucket{le=\"", e->family->name);
	}
	if (!last)
		say_seconds(e, bound_ns);
	else
		say(e, "%s", e->json ? "null" : "+Inf");
	say(e, "%s%llu%s", e->json ? "," : "\"} ", (unsigned long long)count,
	    e->json ? "]" : "\n");
}

static uint64_t say_buckets(struct exposition *e, const struct usp_histogram *h)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < USP_HISTOGRAM_BUCKETS; i++) {
		count += h->counts[i];
		say_bucket(e, usp_histogram_bound_ns(i), count);
	}
	return count;
}

void expose_histogram(struct exposition *e, const struct family *family,
		      const struct usp_histogram *histogram)
{
	uint64_t count;

	open_family(e, family);
	if (e->json)
		say(e, "{\"buckets\":[");
	e->first = true;
	count = say_buckets(e, histogram);
	if (e->json)
		say(e, "],\"sum\":");
	else
		say(e, PREFIX "%s_sum ", family->name);
	say_seconds(e, histogram->sum_ns);
	if (e->json)
		say(e, ",\"count\":%llu}", (unsigned long long)count);
	else
		say(e, "\n" PREFIX "%s_count %llu\n", family->name,
		    (unsigned long long)count);
	e->first = false;
}
