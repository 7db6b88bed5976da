/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrmon as a client of isrloopd, whose part the test plays: so that losses,
 * merged edges and refusals come when the test wants them.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "xt.h"

#define TEXT_BYTES 8192

#define LINES_REPLY                                                     \
	"{\"parameters\":{\"lines\":["                                  \
	"{\"name\":\"BTN\",\"chip\":\"gpiochip0\",\"offset\":17,"       \
	"\"gpio_name\":\"GPIO17\",\"clock\":\"monotonic\","             \
	"\"simulated\":false},"                                         \
	"{\"name\":\"DOOR\",\"chip\":\"sim:\",\"offset\":2,"            \
	"\"gpio_name\":\"\",\"clock\":\"realtime\",\"simulated\":true}" \
	"]}}"

#define EVENT(line, kind, edge, value, t_ns, seq, line_seq, lost, client,   \
	      merged)                                                       \
	"{\"line\":\"" line "\",\"kind\":\"" kind "\",\"edge\":" edge       \
	",\"value\":" #value ",\"t_ns\":" #t_ns ",\"clock\":\"monotonic\"," \
	"\"seq\":" #seq ",\"line_seq\":" #line_seq ",\"lost\":" #lost       \
	",\"lost_client\":" #client ",\"merged\":" #merged                  \
	",\"debounced\":false,\"simulated\":false,\"new_field\":[1]}"

#define REPLY(events) \
	"{\"continues\":true,\"parameters\":{\"events\":[" events "]}}"

#define INITIAL \
	REPLY(EVENT("BTN", "initial", "null", 0, 1000, 40, 7, 0, 0, false))

static char folder[64], path[96];
static int listener = -1, peer = -1;
static pid_t pid;

/* What the program wrote, and how it ended. */
static char out[TEXT_BYTES], err[TEXT_BYTES];
static int status;

static void setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(folder, "/tmp/test-isrmon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	strcpy(address.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	xt_ok(bind(listener, (struct sockaddr *)&address, sizeof(address)));
	xt_ok(listen(listener, 1));
}

static void remove_file(const char *name)
{
	char file[160];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	unlink(file);
}

static void teardown(void)
{
	close(listener);
	remove_file("socket");
	remove_file("out");
	remove_file("err");
	rmdir(folder);
}

static void redirect(int fd, const char *name)
{
	char file[160];
	int target;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	target = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (target < 0 || dup2(target, fd) < 0)
		_exit(126);
	close(target);
}

/* Up to four arguments, NULL for none. */
static void start(const char *a, const char *b, const char *c, const char *d)
{
	const char *argv[] = {"isrmon", "--socket", path, a, b, c, d, NULL};

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		redirect(STDOUT_FILENO, "out");
		redirect(STDERR_FILENO, "err");
		execv("tools/isrmon", (char **)argv);
		_exit(127);
	}
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(peer, 0);
}

static void answer(const char *text)
{
	size_t size = strlen(text) + 1;

	ck_assert_int_eq(send(peer, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* The next call, which must be this one; free its parameters. */
static json_t *expect_call(const char *method)
{
	char text[TEXT_BYTES];
	size_t length = 0;
	json_t *call, *parameters;

	do {
		ck_assert_uint_lt(length, sizeof(text));
		ck_assert_int_eq(read(peer, text + length, 1), 1);
	} while (text[length++] != '\0');

	call = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(call);
	ck_assert_str_eq(json_string_value(json_object_get(call, "method")),
			 method);
	parameters = json_incref(json_object_get(call, "parameters"));
	json_decref(call);
	return parameters;
}

/* Everything up to the first record after the initial ones. */
static void serve_start(void)
{
	json_decref(expect_call("io.isrloop.ListLines"));
	answer(LINES_REPLY);
	json_decref(expect_call("io.isrloop.Subscribe"));
	answer(INITIAL);
}

static void read_file(const char *name, char *text)
{
	char file[160];
	ssize_t n;
	int fd;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	n = read(fd, text, TEXT_BYTES - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(fd);
}

static void finish(int expected_status)
{
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(peer);
	read_file("out", out);
	read_file("err", err);
	ck_assert(WIFEXITED(status));
	ck_assert_msg(WEXITSTATUS(status) == expected_status, "status %d: %s%s",
		      WEXITSTATUS(status), out, err);
}

static void expect_error(const char *part)
{
	ck_assert_msg(strstr(err, part) != NULL, "no '%s' in: %s", part, err);
}

START_TEST(edges_are_shown_by_the_daemons_name)
{
	start("-n", "2", "BTN", NULL);
	serve_start();
	answer(REPLY(EVENT("BTN", "edge", "\"rising\"", 1, 5000000001, 41, 8, 0,
			   0, false) "," EVENT("BTN", "edge", "\"falling\"", 0,
					       6000000002, 42, 9, 0, 0,
					       false)));
	finish(0);

	ck_assert_str_eq(out, "5.000000001\trising\t\"BTN\"\n"
			      "6.000000002\tfalling\t\"BTN\"\n");
	ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(lines_and_edges_are_asked_of_the_daemon)
{
	json_t *expected =
		json_pack("{s:s, s:[s]}", "edges", "rising", "lines", "BTN");
	json_t *parameters;

	start("-e", "rising", "BTN", NULL);
	json_decref(expect_call("io.isrloop.ListLines"));
	answer(LINES_REPLY);
	parameters = expect_call("io.isrloop.Subscribe");
	ck_assert(json_equal(parameters, expected));
	json_decref(parameters);
	json_decref(expected);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(peer);
}
END_TEST

START_TEST(without_lines_all_are_watched)
{
	json_t *parameters;

	start("-n", "1", "-F", "%a %l %c %o %s %n");
	json_decref(expect_call("io.isrloop.ListLines"));
	answer(LINES_REPLY);
	parameters = expect_call("io.isrloop.Subscribe");
	ck_assert_ptr_null(json_object_get(parameters, "lines"));
	json_decref(parameters);
	answer(INITIAL);
	answer(REPLY(
		EVENT("DOOR", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, false)));
	finish(0);

	ck_assert_str_eq(out, "DOOR unnamed sim: 2 41 8\n");
	expect_error("'DOOR' is simulated (sim:)");
}
END_TEST

START_TEST(losses_have_a_line_of_their_own_and_a_status)
{
	start("-n", "1", "BTN", NULL);
	serve_start();
	answer(REPLY(EVENT("BTN", "edge", "\"rising\"", 1, 5, 141, 108, 100,
			   100, false)));
	finish(4);

	ck_assert_str_eq(out, "0.000000005\tlost\t\"BTN\"\t100 at client\n"
			      "0.000000005\trising\t\"BTN\"\n");
	expect_error("BTN: 100 edges lost, 1 shown");
}
END_TEST

START_TEST(losses_of_daemon_and_client_are_told_apart)
{
	start("--json", "-n", "2", NULL);
	serve_start();
	answer(REPLY(EVENT(
		"BTN", "edge", "\"rising\"", 1, 5, 51, 18, 10, 4,
		false) "," EVENT("BTN", "lost", "null", 1, 6, 54, 21, 3, 0,
				 false) "," EVENT("BTN", "edge", "\"falling\"",
						  0, 7, 55, 22, 0, 0, true)));
	finish(4);

	ck_assert_ptr_nonnull(strstr(out,
				     "\"lost\":10,\"lost_at\":\"kernel, "
				     "ring or client\",\"lost_client\":4"));
	ck_assert_ptr_nonnull(strstr(out, "\"kind\":\"lost\""));
	ck_assert_ptr_nonnull(
		strstr(out, "\"lost\":3,\"lost_at\":\"kernel or ring\""));
	ck_assert_ptr_nonnull(strstr(out, "\"merged\":true"));
	expect_error("BTN: 13 edges lost, 2 shown");
}
END_TEST

START_TEST(losses_go_to_stderr_beside_a_format)
{
	start("-n", "1", "-F", "%x");
	serve_start();
	answer(REPLY(EVENT("BTN", "edge", "\"rising\"", 1, 5, 141, 108, 100, 0,
			   true)));
	finish(4);

	ck_assert_str_eq(out, "100\n");
	expect_error("BTN: 100 lost at kernel or ring");
	expect_error("BTN: edges merged");
}
END_TEST

START_TEST(width_is_not_told_across_a_loss)
{
	start("-n", "3", "-F", "%d %w");
	serve_start();
	answer(REPLY(EVENT(
		"BTN", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0,
		false) "," EVENT("BTN", "lost", "null", 1, 6, 42, 9, 1, 0,
				 false) "," EVENT("BTN", "edge", "\"falling\"",
						  0, 8, 43, 10, 0, 0,
						  false) "," EVENT("BTN",
								   "edge",
								   "\"rising\"",
								   1, 9, 44, 11,
								   0, 0,
								   false)));
	finish(4);

	ck_assert_str_eq(out, "- -\n0.000000003 -\n0.000000001 0.000000001\n");
}
END_TEST

START_TEST(merged_edges_alone_leave_the_status)
{
	start("-n", "1", "BTN", NULL);
	serve_start();
	answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, true)));
	finish(0);

	ck_assert_str_eq(
		out,
		"0.000000005\tmerged\t\"BTN\"\tat least 1 falling edge\n"
		"0.000000005\trising\t\"BTN\"\n");
	expect_error("BTN: at least 1 edges merged");
}
END_TEST

START_TEST(unknown_kinds_and_lines_are_skipped)
{
	start("-n", "1", "-F", "%s");
	serve_start();
	answer(REPLY(EVENT(
		"BTN", "party", "null", 1, 5, 41, 8, 0, 0,
		false) "," EVENT("NEW", "edge", "\"rising\"", 1, 5, 42, 1, 0, 0,
				 false) "," EVENT("BTN", "edge", "\"rising\"",
						  1, 5, 43, 9, 0, 0, false)));
	finish(0);

	ck_assert_str_eq(out, "43\n");
}
END_TEST

START_TEST(initial_levels_are_shown_on_demand)
{
	start("-I", "-n", "1", NULL);
	serve_start();
	answer(REPLY(
		EVENT("BTN", "edge", "\"rising\"", 1, 5, 41, 8, 0, 0, false)));
	finish(0);

	ck_assert_str_eq(out, "\"BTN\"=inactive\n"
			      "0.000000005\trising\t\"BTN\"\n");
}
END_TEST

START_TEST(idle_timeout_has_a_status_of_its_own)
{
	start("--idle-timeout", "1ms", NULL, NULL);
	serve_start();
	finish(3);
}
END_TEST

START_TEST(unknown_line_is_told_with_near_names)
{
	start("BTM", NULL, NULL, NULL);
	json_decref(expect_call("io.isrloop.ListLines"));
	answer(LINES_REPLY);
	json_decref(expect_call("io.isrloop.Subscribe"));
	answer("{\"error\":\"io.isrloop.NoSuchLine\",\"parameters\":"
	       "{\"line\":\"BTM\",\"near\":[\"BTN\",\"BTNS\"]}}");
	finish(1);

	ck_assert_str_eq(err, "isrmon: isrloopd has no line 'BTM': "
			      "did you mean 'BTN' or 'BTNS'?\n");
}
END_TEST

START_TEST(unknown_line_without_near_names_is_told_how_to_list)
{
	start("XYZ", NULL, NULL, NULL);
	json_decref(expect_call("io.isrloop.ListLines"));
	answer(LINES_REPLY);
	json_decref(expect_call("io.isrloop.Subscribe"));
	answer("{\"error\":\"io.isrloop.NoSuchLine\",\"parameters\":"
	       "{\"line\":\"XYZ\",\"near\":[]}}");
	finish(1);

	expect_error("isrloopd has no line 'XYZ': 'isrmon -I' shows");
}
END_TEST

START_TEST(too_many_clients_are_told)
{
	start(NULL, NULL, NULL, NULL);
	json_decref(expect_call("io.isrloop.ListLines"));
	answer("{\"error\":\"io.isrloop.TooManyClients\",\"parameters\":"
	       "{\"max_clients\":64}}");
	finish(1);

	expect_error("as many clients as it may");
}
END_TEST

START_TEST(a_daemon_without_lines_is_told)
{
	start(NULL, NULL, NULL, NULL);
	json_decref(expect_call("io.isrloop.ListLines"));
	answer("{\"parameters\":{\"lines\":[]}}");
	finish(1);

	expect_error("isrloopd has no lines");
}
END_TEST

START_TEST(a_daemon_that_ends_is_told)
{
	start(NULL, NULL, NULL, NULL);
	serve_start();
	shutdown(peer, SHUT_RDWR);
	finish(5);

	expect_error("isrloopd ended the connection");
}
END_TEST

START_TEST(what_is_no_daemon_is_told)
{
	start(NULL, NULL, NULL, NULL);
	json_decref(expect_call("io.isrloop.ListLines"));
	answer("220 mail.example.org ESMTP");
	finish(1);

	expect_error("what answers is not isrloopd");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("isrmon-daemon");
	TCase *tcase = xt_case(suite, "records");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, edges_are_shown_by_the_daemons_name);
	tcase_add_test(tcase, lines_and_edges_are_asked_of_the_daemon);
	tcase_add_test(tcase, without_lines_all_are_watched);
	tcase_add_test(tcase, initial_levels_are_shown_on_demand);
	tcase_add_test(tcase, unknown_kinds_and_lines_are_skipped);
	tcase_add_test(tcase, idle_timeout_has_a_status_of_its_own);

	tcase = xt_case(suite, "losses");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, losses_have_a_line_of_their_own_and_a_status);
	tcase_add_test(tcase, losses_of_daemon_and_client_are_told_apart);
	tcase_add_test(tcase, losses_go_to_stderr_beside_a_format);
	tcase_add_test(tcase, width_is_not_told_across_a_loss);
	tcase_add_test(tcase, merged_edges_alone_leave_the_status);

	tcase = xt_case(suite, "errors");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, unknown_line_is_told_with_near_names);
	tcase_add_test(tcase,
		       unknown_line_without_near_names_is_told_how_to_list);
	tcase_add_test(tcase, too_many_clients_are_told);
	tcase_add_test(tcase, a_daemon_without_lines_is_told);
	tcase_add_test(tcase, a_daemon_that_ends_is_told);
	tcase_add_test(tcase, what_is_no_daemon_is_told);
	return xt_main(suite);
}
