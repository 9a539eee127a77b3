/*
 * client/: opening a connection, and why it does not come about.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "support/clean.h"
#include "support/client.h"

static int open_against(uint8_t type, uint32_t arg, const void *payload, size_t size)
{
	struct frame frame = { .payload_bytes = (uint32_t)size,
			       .type = type,
			       .arg = arg };
	uint8_t bytes[256] = { 0 };

	frame_encode_header(&frame, bytes);
	memcpy(bytes + USP_WIRE_HEADER_BYTES, payload, size);
	return fake_open_raw(bytes, USP_WIRE_HEADER_BYTES + size);
}

CLEAN_TEST(client, opening_says_why_it_does_not)
{
	uint8_t other_version[USP_WIRE_HELLO_BYTES] = {
		0x55, 0x53, 0x50, 0x4e, 9, 0, 9, 0
	};
	struct usp_client *client;

	cr_assert(eq(int, usp_client_open("/nonexistent/s", &client), -ENOENT));
	cr_assert(eq(int, usp_client_open("@uringspawn-test-nobody", &client),
		     -ECONNREFUSED));
	cr_assert(eq(int, open_against(USP_WIRE_ERROR, EBUSY, "full", 4), -EBUSY));
	cr_assert(eq(int, open_against(USP_WIRE_ERROR, EACCES, "no", 2), -EACCES));
	cr_assert(eq(int, open_against(USP_WIRE_ERROR, 0, "?", 1), -EPROTO));
	cr_assert(eq(int, open_against(USP_WIRE_HELLO, 0, other_version, 32), -EPROTO));
	cr_assert(eq(int, open_against(USP_WIRE_HELLO, 0, "short", 5), -EPROTO));
	cr_assert(eq(int, open_against(USP_WIRE_STARTED, 1, "", 0), -EPROTO));
	cr_assert(eq(int, fake_open_raw("", 0), -EPROTO));
	cr_assert(eq(int, fake_open_raw("half a hel", 10), -EPROTO));
	cr_assert(
		eq(int, fake_open_raw("HTTP/1.1 400 Bad Request\r\n\r\n", 28), -EPROTO));
}

CLEAN_TEST(client, greets_with_its_version_and_its_limits)
{
	struct fake fake;
	struct hello hello = fake_hello;

	hello.name = (struct text){ 0 };
	fake_open(&fake, &hello);

	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake));
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN));
	cr_assert(eq(str, (char *)usp_client_error(fake.client), ""));
	fake_close(&fake);
}
