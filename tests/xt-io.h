/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Tasks with descriptors: two ends, and a loop that sleeps while nobody has
 * anything to do, until the last task has ended.
 */
#ifndef XT_IO_H
#define XT_IO_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "task.h"
#include "xt-task.h"

/* A pair of descriptors; what is written to one is read from the other. */
enum xt_pair { XT_SOCKETS, XT_PTY, XT_PAIRS };

static int ends[2];

static inline void open_pty(void)
{
	struct termios raw;

	ends[1] = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(ends[1], 0);
	ck_assert_int_eq(grantpt(ends[1]), 0);
	ck_assert_int_eq(unlockpt(ends[1]), 0);
	ends[0] = open(ptsname(ends[1]), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(ends[0], 0);
	ck_assert_int_eq(tcgetattr(ends[0], &raw), 0);
	cfmakeraw(&raw);
	ck_assert_int_eq(tcsetattr(ends[0], TCSANOW, &raw), 0);
}

static inline void open_pair(enum xt_pair kind)
{
	if (kind == XT_PTY)
		open_pty();
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static inline void close_end(int i)
{
	if (ends[i] >= 0)
		close(ends[i]);
	ends[i] = -1;
}

static inline void close_ends(void)
{
	close_end(0);
	close_end(1);
}

static inline int count_readable(int i)
{
	int n;

	ck_assert_int_eq(ioctl(ends[i], FIONREAD, &n), 0);
	return n;
}

/*
 * What the test itself writes to an end: it fits, and is at the other one. Of
 * a terminal the kernel carries it there in a thread of its own.
 */
static inline void put_bytes(int i, const char *text)
{
	int n = (int)strlen(text), before = count_readable(!i);

	ck_assert_int_eq(write(ends[i], text, (size_t)n), n);
	xt_wait_until(count_readable(!i) == before + n);
}

/* A task that the loop runs to the end of. */
struct xt_task {
	isr_task_cb *fn;
	void *arg;
	struct isr_task *task;
	bool has_ended;
	int result;
};

static struct xt_task xt_tasks[16];
static unsigned int n_xt_tasks, n_xt_left;

static inline int xt_run_task(void *arg)
{
	struct xt_task *t = arg;

	t->result = t->fn(t->arg);
	t->has_ended = true;
	if (--n_xt_left == 0)
		isr_loop_stop(loop);
	/* What it is is the test's to judge. */
	return 0;
}

static inline struct xt_task *begin(isr_task_cb *fn, const void *arg)
{
	struct xt_task *t = &xt_tasks[n_xt_tasks++];

	ck_assert_uint_le(n_xt_tasks, 16);
	*t = (struct xt_task){.fn = fn, .arg = (void *)(uintptr_t)arg};
	n_xt_left++;
	xt_ok(isr_spawn(loop, NULL, xt_run_task, t, &t->task));
	return t;
}

/* One that was cancelled before it began counts, too. */
static inline void run_to_the_end(void)
{
	unsigned int i;

	xt_ok(isr_loop_run(loop));
	for (i = 0; i < n_xt_tasks; i++)
		xt_ok(isr_detach(xt_tasks[i].task));
	n_xt_tasks = 0;
	ck_assert_uint_eq(n_xt_left, 0);
}

/* One task, alone. */
static inline int run_one(isr_task_cb *fn, const void *arg)
{
	struct xt_task *t = begin(fn, arg);

	run_to_the_end();
	return t->result;
}

static inline void io_setup(void)
{
	ends[0] = ends[1] = -1;
	n_xt_tasks = n_xt_left = 0;
	task_setup();
}

static inline void io_teardown(void)
{
	task_teardown();
	close_ends();
}

static inline uint64_t count_passes(void)
{
	struct isr_loop_stats stats;

	xt_ok(isr_loop_get_stats(loop, &stats));
	return stats.passes;
}

/* All others that are ready run and the loop looks at descriptors, so often. */
static inline void let_others(unsigned int n)
{
	uint64_t passes;

	while (n--) {
		passes = count_passes();
		do
			xt_ok(isr_yield());
		while (count_passes() == passes);
	}
}

/* Its wait is over, as if it had lasted for so long. */
static inline void time_out(struct isr_task *task)
{
	if (isri_alarm_is_set(&task->alarm))
		isri_alarm_set(loop, &task->alarm, 1);
}

#endif /* XT_IO_H */
