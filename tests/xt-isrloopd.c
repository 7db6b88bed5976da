/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* isrmon as a child whose isrloopd the test plays, call by call. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xt-isrloopd.h"

static char folder[64], path[96];
static int listener = -1, peer = -1;
static pid_t pid;

/* What the program wrote, and how it ended. */
char isrmon_out[TEXT_BYTES], isrmon_err[TEXT_BYTES];
static int status;

void isrloopd_setup(void)
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

void isrloopd_teardown(void)
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
void isrmon_start(const char *a, const char *b, const char *c, const char *d)
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

void isrloopd_answer(const char *text)
{
	size_t size = strlen(text) + 1;

	ck_assert_int_eq(send(peer, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

void isrloopd_offer(const char *text)
{
	size_t size = strlen(text) + 1;

	if (send(peer, text, size, MSG_NOSIGNAL) != (ssize_t)size)
		ck_assert(errno == EPIPE || errno == ECONNRESET);
}

/* The next call, which must be this one; free its parameters. */
json_t *isrloopd_expect_call(const char *method)
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

json_t *isrloopd_expect_subscribe(void)
{
	json_decref(isrloopd_expect_call("io.isrloop.ListLines"));
	isrloopd_answer(LINES_REPLY);
	return isrloopd_expect_call("io.isrloop.Subscribe");
}

void isrloopd_serve_start(void)
{
	json_decref(isrloopd_expect_subscribe());
	isrloopd_answer(INITIAL);
}

void isrloopd_serve_start_of(const char *records)
{
	json_t *parameters = isrloopd_expect_subscribe();
	const char *chosen =
		json_string_value(json_object_get(parameters, "records"));

	ck_assert_str_eq(chosen ? chosen : "", records);
	json_decref(parameters);
	isrloopd_answer(INITIAL);
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

void isrmon_finish(int expected_status)
{
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(peer);
	read_file("out", isrmon_out);
	read_file("err", isrmon_err);
	ck_assert(WIFEXITED(status));
	ck_assert_msg(WEXITSTATUS(status) == expected_status, "status %d: %s%s",
		      WEXITSTATUS(status), isrmon_out, isrmon_err);
}

void isrmon_expect_error(const char *part)
{
	ck_assert_msg(strstr(isrmon_err, part) != NULL, "no '%s' in: %s", part,
		      isrmon_err);
}

void isrmon_kill(void)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(peer);
}

void isrloopd_hang_up(void)
{
	shutdown(peer, SHUT_RDWR);
}
