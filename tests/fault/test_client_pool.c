/*
 * Pools of a daemon's client, and their uses: each call that can fail, failed in turn.
 */
#include <errno.h>

#include "support/clean.h"
#include "support/client.h"
#include "support/fault.h"

static const struct usp_options member = { .size = sizeof(member), .argv = argv_true };
static const struct usp_pool_options options = { .size = sizeof(options),
						 .kind = USP_POOL_WORKER,
						 .member = &member,
						 .reset = { "r", 1, "k", 1, 0 } };

CLEAN_TEST(client_pool, without_memory_nothing_is_asked_for)
{
	struct usp_options use = { .size = sizeof(use), .on_event = on_event };
	struct usp_pool *pool = NULL;
	struct told told = { 0 };
	const char *field;
	struct fake fake;
	unsigned n = 0;
	int ret;

	fake_open(&fake, &fake_hello);
	for (;;) {
		fault_at(++n, ENOMEM);
		ret = usp_client_pool_open(fake.client, &options, &pool, &field);
		if (!fault_fired())
			break;
		cr_assert(eq(int, ret, -ENOMEM), "call %u failed", n);
		cr_assert(pool == NULL, "set although it failed");
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(lt(uint, 1, n), "no fault point");

	use.pool = pool;
	use.user = &told;
	for (n = 0;;) {
		fault_at(++n, ENOMEM);
		ret = usp_client_spawn(fake.client, &use, &told.process);
		if (!fault_fired())
			break;
		cr_assert(eq(int, ret, -ENOMEM), "call %u failed", n);
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(lt(uint, 1, n), "no fault point");
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_POOL_OPEN));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_SPAWN));
	cr_assert(fake_silence(&fake), "one that failed was sent");
	usp_client_pool_leave(pool);
	fake_close(&fake);
}
