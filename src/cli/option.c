#include "cli/option.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/annotate.h"
#include "base/clock.h"

/* Longer words are cut: they are near to nothing anyway. */
enum { WORD_MAX = 32, OPTIONS_MAX = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
	size_t least_ab = a < b ? a : b;

	return least_ab < c ? least_ab : c;
}

/* Letters to insert, remove or exchange to make @b of @a (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], n_a = strnlen(a, WORD_MAX), n_b = strnlen(b, WORD_MAX);

	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
				       diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n_b];
}

const char *option_nearest(const char *word, const char *const *candidates, size_t n)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) / 2 + 2;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, candidates[i]);

		/* The start of a word is as good as a letter exchanged. */
		if (d > 1 && *word && strncmp(word, candidates[i], strlen(word)) == 0)
			d = 1;
		if (d < best_distance) {
			best_distance = d;
			best = candidates[i];
		}
	}
	return best;
}

static void complain_unknown(const char *command, const char *given,
			     const struct option *options)
{
	const char *names[OPTIONS_MAX], *near;
	char word[WORD_MAX + 1];
	size_t n = 0;

	for (; options[n].name && n < ARRAY_SIZE(names); n++)
		names[n] = options[n].name;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(given, "="), given);
	near = option_nearest(word, names, n);
	if (near)
		fprintf(stderr, "uringspawn: no option '--%s'; did you mean '--%s'?\n",
			word, near);
	else
		fprintf(stderr,
			"uringspawn: no option '--%s'; see 'uringspawn %s --help'\n",
			word, command);
}

void option_complain(const char *command, char **argv, const struct option *options)
{
	const char *given = optind > 0 ? argv[optind - 1] : "";
	int known = 0;

	/* optopt is 0 or the letter of a long option, or a short one that nobody knows.
	 */
	for (size_t i = 0; options[i].name; i++)
		known |= optopt && options[i].val == optopt;
	if (optopt && !known)
		fprintf(stderr,
			"uringspawn: no option '-%c'; see 'uringspawn %s --help'\n",
			optopt, command);
	else if (known && strchr(given, '='))
		fprintf(stderr, "uringspawn: option '%.*s' takes no value\n",
			(int)strcspn(given, "="), given);
	else if (known)
		fprintf(stderr, "uringspawn: option '%s' needs a value\n", given);
	else
		complain_unknown(command, strncmp(given, "--", 2) ? given : given + 2,
				 options);
}

int option_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {
		{ "", NS_PER_S },	  { "s", NS_PER_S },
		{ "ms", NS_PER_MS },	  { "m", 60 * NS_PER_S },
		{ "h", 3600 * NS_PER_S }, { "d", 24 * 3600 * NS_PER_S },
	};
	double value, longest = 100.0 * 365 * 24 * 3600;
	char *rest;

	/* strtod() also reads "inf", "nan" and hexadecimal. */
	if (text[strspn(text, "0123456789.")] == text[0])
		return -EINVAL;
	value = strtod(text, &rest);
	if (strspn(text, "0123456789.") != (size_t)(rest - text) || rest == text)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(rest, units[i].suffix))
			continue;
		if (value * (double)units[i].ns > longest * (double)NS_PER_S)
			return -ERANGE;
		*ret_ns = (uint64_t)(value * (double)units[i].ns);
		return 0;
	}
	return -EINVAL;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

int option_text(const char *text, char *ret_bytes, size_t *ret_size)
{
	static const char letters[] = "ntr0\\", bytes[] = "\n\t\r\0\\";
	size_t n = 0;

	for (; *text; text++) {
		const char *letter;

		if (*text != '\\') {
			ret_bytes[n++] = *text;
			continue;
		}
		letter = *++text ? strchr(letters, *text) : NULL;
		if (letter) {
			ret_bytes[n++] = bytes[letter - letters];
		} else if (*text == 'x' && hex_digit(text[1]) >= 0 &&
			   hex_digit(text[2]) >= 0) {
			ret_bytes[n++] =
				(char)(hex_digit(text[1]) << 4 | hex_digit(text[2]));
			text += 2;
		} else {
			return -EINVAL;
		}
	}
	*ret_size = n;
	return 0;
}

int option_signal(const char *text)
{
	char *rest;
	long number;

	if (isdigit((unsigned char)*text)) {
		number = strtol(text, &rest, 10);
		return *rest || number < 1 || number > SIGRTMAX ? -EINVAL : (int)number;
	}
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(name, text) == 0)
			return i;
	}
	return -EINVAL;
}
