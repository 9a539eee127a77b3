/*
 * Numbers, sizes and times as people write them.
 */
#include "daemon/config_number.h"

#include <ctype.h>
#include <string.h>
#include "base/annotate.h"
#include "base/clock.h"

/* The decimal digits at *@text, which moves behind them.  False when there are none,
 * or too many. */
static bool parse_digits(const char **text, uint64_t *ret_number)
{
	const char *at = *text;
	uint64_t number = 0;

	for (; isdigit((unsigned char)*at); at++) {
		unsigned digit = (unsigned)(*at - '0');

		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	if (at == *text)
		return false;
	*text = at;
	*ret_number = number;
	return true;
}

bool config_number(const char *text, bool bytes, uint64_t *ret_number)
{
	static const char suffixes[] = "KMG";
	uint64_t number;
	const char *suffix;

	if (!parse_digits(&text, &number))
		return false;
	if (bytes && *text &&
	    (suffix = strchr(suffixes, toupper((unsigned char)*text)))) {
		uint64_t unit = UINT64_C(1) << (10 * (suffix - suffixes + 1));

		if (__builtin_mul_overflow(number, unit, &number))
			return false;
		text++;
	}
	if (*text)
		return false;
	*ret_number = number;
	return true;
}

bool config_time(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", NS_PER_S },	{ "ms", NS_PER_MS },	  { "s", NS_PER_S },
		{ "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
	};
	uint64_t number;

	if (!parse_digits(&text, &number))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(text, units[i].name))
			return !__builtin_mul_overflow(number, units[i].ns, ret_ns);
	return false;
}
