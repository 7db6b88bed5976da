/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* isrmon's side of varlink, against a peer that the test plays. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "varlink-client.h"
#include "xt.h"

static struct varlink_client client;
static int peer;

static void setup(void)
{
	int fds[2];

	xt_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	client = (struct varlink_client){.fd = fds[0], .size = 16};
	client.buffer = malloc(client.size);
	ck_assert_ptr_nonnull(client.buffer);
	peer = fds[1];
}

static void teardown(void)
{
	varlink_close(&client);
	close(peer);
}

static void peer_sends(const char *bytes, size_t size)
{
	ck_assert_int_eq(write(peer, bytes, size), (ssize_t)size);
}

static void expect_reply(const char *key, int value)
{
	json_t *reply;

	ck_assert_int_eq(varlink_take(&client, &reply), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(reply, key)),
			 value);
	json_decref(reply);
}

START_TEST(send_writes_one_object_and_a_nul)
{
	char text[256];
	ssize_t n;
	json_t *call;

	xt_ok(varlink_send(&client, "a.b.C", json_pack("{s:i}", "x", 5), true));

	n = read(peer, text, sizeof(text));
	ck_assert_int_gt(n, 1);
	ck_assert_uint_eq(strlen(text), (size_t)n - 1);
	call = json_loads(text, 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(call, "method")),
			 "a.b.C");
	ck_assert(json_is_true(json_object_get(call, "more")));
	json_decref(call);
}
END_TEST

START_TEST(send_to_a_peer_that_is_gone_fails_without_a_signal)
{
	close(peer);
	xt_fails_with(EPIPE,
		      varlink_send(&client, "a.b.C", json_object(), false));
	peer = dup(client.fd);
}
END_TEST

START_TEST(take_gives_replies_one_by_one)
{
	json_t *reply;

	peer_sends("{\"a\":1}\0{\"a\":2}", 15);
	xt_ok(varlink_receive(&client));

	expect_reply("a", 1);
	ck_assert_int_eq(varlink_take(&client, &reply), 0);
	peer_sends("", 1);
	xt_ok(varlink_receive(&client));
	expect_reply("a", 2);
}
END_TEST

START_TEST(reply_may_come_byte_by_byte)
{
	static const char text[] = "{\"a\":7}";
	json_t *reply;
	size_t i;

	for (i = 0; i < sizeof(text) - 1; i++) {
		peer_sends(&text[i], 1);
		ck_assert_int_eq(varlink_receive(&client), 1);
		ck_assert_int_eq(varlink_take(&client, &reply), 0);
	}
	peer_sends(&text[i], 1);
	ck_assert_int_eq(varlink_receive(&client), 1);
	expect_reply("a", 7);
}
END_TEST

START_TEST(reply_may_be_longer_than_the_buffer)
{
	char text[1000];
	json_t *reply;

	memset(text, ' ', sizeof(text));
	memcpy(text, "{\"a\":3}", 7);
	text[sizeof(text) - 1] = '\0';
	peer_sends(text, sizeof(text));

	xt_ok(varlink_wait(&client, 0, &reply));

	ck_assert_int_eq(json_integer_value(json_object_get(reply, "a")), 3);
	json_decref(reply);
	ck_assert_int_eq(varlink_take(&client, &reply), 0);
}
END_TEST

START_TEST(what_is_no_object_is_a_bad_message)
{
	json_t *reply;

	peer_sends("[1]", 4);
	xt_ok(varlink_receive(&client));
	xt_fails_with(EBADMSG, varlink_take(&client, &reply));
}
END_TEST

START_TEST(what_is_no_json_is_a_bad_message)
{
	json_t *reply;

	peer_sends("hello", 6);
	xt_ok(varlink_receive(&client));
	xt_fails_with(EBADMSG, varlink_take(&client, &reply));
}
END_TEST

START_TEST(receive_tells_the_end_and_does_not_wait)
{
	ck_assert_int_eq(varlink_receive(&client), 0);
	shutdown(peer, SHUT_WR);
	xt_fails_with(ECONNRESET, varlink_receive(&client));
}
END_TEST

START_TEST(wait_ends_by_its_timeout)
{
	json_t *reply;

	xt_fails_with(ETIMEDOUT, varlink_wait(&client, 0, &reply));
}
END_TEST

START_TEST(connect_tells_that_nobody_is_there)
{
	struct varlink_client other;

	xt_fails_with(ENOENT, varlink_connect(&other, "/nonexistent/socket"));
	varlink_close(&other);
}
END_TEST

START_TEST(connect_refuses_a_path_that_does_not_fit)
{
	struct varlink_client other;
	char path[200];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';

	xt_fails_with(ENAMETOOLONG, varlink_connect(&other, path));
	varlink_close(&other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("varlink-client");
	TCase *tcase = xt_case(suite, "replies");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, send_writes_one_object_and_a_nul);
	tcase_add_test(tcase,
		       send_to_a_peer_that_is_gone_fails_without_a_signal);
	tcase_add_test(tcase, take_gives_replies_one_by_one);
	tcase_add_test(tcase, reply_may_come_byte_by_byte);
	tcase_add_test(tcase, reply_may_be_longer_than_the_buffer);
	tcase_add_test(tcase, what_is_no_object_is_a_bad_message);
	tcase_add_test(tcase, what_is_no_json_is_a_bad_message);
	tcase_add_test(tcase, receive_tells_the_end_and_does_not_wait);
	tcase_add_test(tcase, wait_ends_by_its_timeout);

	tcase = xt_case(suite, "connecting");
	tcase_add_test(tcase, connect_tells_that_nobody_is_there);
	tcase_add_test(tcase, connect_refuses_a_path_that_does_not_fit);
	return xt_main(suite);
}
