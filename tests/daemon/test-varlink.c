/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The protocol, without sockets: a message in, its reply out. */
#include <stdlib.h>

#include "daemon/varlink.h"
#include "tests/xt.h"

static struct buffer out;
static char reason[128];
static unsigned int runs;

/* Answers with its own parameter and whether more was asked for. */
static void echo(struct varlink_call *call)
{
	static const char *const names[] = {"text", NULL};
	json_t *text;

	runs++;
	if (!varlink_check_names(call, names))
		return;
	text = varlink_get(call, "text");
	if (!json_is_string(text))
		varlink_invalid_parameter(call, "text");
	else
		varlink_reply(call, json_pack("{s:O, s:b}", "text", text,
					      "more", call->more));
}

static const struct varlink_method methods[] = {
	{"Echo", echo},
	{NULL, NULL},
};

static const struct varlink_interface interface = {
	"org.example.test",
	"interface org.example.test\n",
	methods,
};

static const struct varlink_interface *const interfaces[] = {
	&varlink_service_interface,
	&interface,
	NULL,
};

static const struct varlink_service service = {
	.vendor = "v",
	.product = "p",
	.version = "1",
	.url = "u",
	.interfaces = interfaces,
};

static void setup(void)
{
	runs = 0;
}

static void teardown(void)
{
	buffer_done(&out);
}

static int handle(const char *message)
{
	return varlink_handle(&service, message, strlen(message), NULL, &out,
			      reason);
}

static void assert_reply(const char *expected)
{
	ck_assert_str_eq(buffer_head(&out), expected);
	ck_assert_uint_eq(out.length, strlen(expected) + 1);
}

static const struct {
	const char *call;
	const char *reply;
} calls[] = {
	{"{\"method\":\"org.example.test.Echo\",\"parameters\":{\"text\":\"a\"}}",
	 "{\"parameters\":{\"text\":\"a\",\"more\":false}}"},
	{"{\"method\":\"org.example.test.Echo\",\"more\":true,\"parameters\":{\"text\":\"b\"}}",
	 "{\"parameters\":{\"text\":\"b\",\"more\":true}}"},
	{"{\"method\":\"org.example.test.Echo\"}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}"},
	{"{\"method\":\"org.example.test.Echo\",\"parameters\":{\"text\":\"a\",\"txt\":1}}",
	 "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"txt\"}}"},
	{"{\"method\":\"org.example.test.Ecko\"}",
	 "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"org.example.test.Ecko\"}}"},
	{"{\"method\":\"org.example.Echo\",\"parameters\":null}",
	 "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"org.example\"}}"},
	{"{\"method\":\"Echo\"}",
	 "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"Echo\"}}"},
	{"{\"method\":\"org.varlink.service.GetInfo\"}",
	 "{\"parameters\":{\"vendor\":\"v\",\"product\":\"p\",\"version\":\"1\",\"url\":\"u\",\"interfaces\":[\"org.varlink.service\",\"org.example.test\"]}}"},
	{"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"org.example.test\"}}",
	 "{\"parameters\":{\"description\":\"interface org.example.test\\n\"}}"},
	{"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"org.example\"}}",
	 "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"org.example\"}}"},
};

START_TEST(call_has_its_reply)
{
	xt_ok(handle(calls[_i].call));

	assert_reply(calls[_i].reply);
}
END_TEST

START_TEST(oneway_runs_and_is_not_answered)
{
	xt_ok(handle(
		"{\"method\":\"org.example.test.Echo\",\"oneway\":true,\"parameters\":{\"text\":\"a\"}}"));
	xt_ok(handle("{\"method\":\"org.example.test.Echo\",\"oneway\":true}"));
	xt_ok(handle("{\"method\":\"org.example.Echo\",\"oneway\":true}"));

	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(out.length, 0);
}
END_TEST

static const char *const malformed[] = {
	"",
	"hello",
	"{",
	"[]",
	"{}",
	"1",
	"{\"method\":1}",
	"{\"method\":\"org.example.test.Echo\",\"parameters\":[]}",
	"{\"method\":\"org.example.test.Echo\",\"more\":1}",
	"{\"method\":\"org.example.test.Echo\",\"oneway\":\"yes\"}",
	"{\"method\":\"a.B\",\"method\":\"org.example.test.Echo\"}",
	"{\"method\":\"\xff\"}",
	"{\"method\":\"a\\u0000b\"}",
	"{\"method\":\"org.example.test.Echo\"} x",
};

START_TEST(no_call_is_no_call)
{
	reason[0] = '\0';

	xt_fails_with(EBADMSG, handle(malformed[_i]));

	ck_assert_uint_eq(out.length, 0);
	ck_assert_uint_eq(runs, 0);
	ck_assert_str_ne(reason, "");
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	char *deep = malloc(60001);

	memset(deep, '[', 60000);
	deep[60000] = '\0';

	xt_fails_with(EBADMSG, handle(deep));

	ck_assert_str_eq(reason,
			 "not JSON: maximum parsing depth reached near '['");
	free(deep);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("varlink");
	TCase *tcase = xt_case(suite, "varlink");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, call_has_its_reply, 0,
			    sizeof(calls) / sizeof(calls[0]));
	tcase_add_test(tcase, oneway_runs_and_is_not_answered);
	tcase_add_loop_test(tcase, no_call_is_no_call, 0,
			    sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_test(tcase, deep_nesting_is_refused);
	return xt_main(suite);
}
