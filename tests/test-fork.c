/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A process that has a loop forks: the child can do nothing with it, and the
 * parent notices nothing.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xt-pin.h"
#include "xt-world.h"

#define EVENTS 100U

enum kind {
	PIN_SOFT,
	PIN_LOOP,
	PIN_HARD,
	SIGNAL_SOFT,
	SIGNAL_HARD,
	TIMER_SOFT,
	TIMER_HARD,
	FD_SOFT,
	FD_HARD,
	USER_SOFT,
	USER_HARD,
	KINDS
};

static struct isr_source *sources[KINDS];
static atomic_uint n_handled[KINDS];
static int fds[KINDS][2];

static struct isr_flag flag;
static struct isr_ring ring;
static struct isr_event slots[16];
static struct isr_latch latch;
static uint32_t values[3];
static struct isr_byte_ring bytes;
static unsigned char room[16];
static atomic_uint n_calls;

/* Written by children: the line of what was not as it has to be. */
static int *bad_line;

static int handle(struct isr_source *source, const struct isr_event *event,
		  void *arg)
{
	atomic_uint *n = arg;
	char byte;

	if (n == &n_handled[FD_SOFT] || n == &n_handled[FD_HARD])
		if (read(fds[n - n_handled][0], &byte, 1) != 1)
			return -EIO;
	atomic_fetch_add(n, event->kind == ISR_EVENT_TIMER
				    ? (unsigned int)event->value
				    : 1);
	return 0;
}

static void call(void *arg)
{
	n_calls++;
}

static void open_pin(enum kind kind, const char *line, enum xt_mode mode)
{
	struct isr_pin_config config = xt_pin(line, mode);

	xt_ok(isr_pin_open(loop, &config, handle, &n_handled[kind],
			   &sources[kind], NULL));
}

static void open_hard_and_soft(enum kind soft, bool is_hard)
{
	const struct isr_source_options options = {.hard = is_hard};
	enum kind kind = soft + is_hard;
	atomic_uint *n = &n_handled[kind];
	struct isr_source **source = &sources[kind];

	switch (soft) {
	case SIGNAL_SOFT:
		xt_ok(isr_signal_open(loop, is_hard ? SIGUSR2 : SIGUSR1,
				      &options, handle, n, source));
		break;
	case TIMER_SOFT:
		xt_ok(isr_timer_open(loop, 0, 0, &options, handle, n, source));
		break;
	case FD_SOFT:
		ck_assert_int_eq(pipe2(fds[kind], O_CLOEXEC), 0);
		xt_ok(isr_fd_open(loop, fds[kind][0], ISR_FD_READ, &options,
				  handle, n, source));
		break;
	default:
		xt_ok(isr_user_open(loop, &options, handle, n, source));
	}
}

static void open_sources(void)
{
	enum kind kind;

	for (kind = 0; kind < KINDS; kind++)
		n_handled[kind] = 0;
	open_pin(PIN_SOFT, "A", XT_SOFT);
	open_pin(PIN_LOOP, "B", XT_LOOP);
	open_pin(PIN_HARD, "C", XT_HARD);
	for (kind = SIGNAL_SOFT; kind < KINDS; kind += 2) {
		open_hard_and_soft(kind, false);
		open_hard_and_soft(kind, true);
	}
}

static void open_bridges(void)
{
	n_calls = 0;
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_ring_init(&ring, loop, slots, 16, ISR_RING_DROP_NEW));
	xt_ok(isr_latch_init(&latch, loop, values, sizeof(values[0])));
	xt_ok(isr_byte_ring_init(&bytes, loop, room, sizeof(room)));
}

static void setup(void)
{
	xt_chip_setup();
	bad_line = mmap(NULL, sizeof(*bad_line), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(bad_line, MAP_FAILED);
	open_sources();
	open_bridges();
}

static void teardown(void)
{
	enum kind kind;

	xt_chip_teardown();
	for (kind = FD_SOFT; kind <= FD_HARD; kind++) {
		close(fds[kind][0]);
		close(fds[kind][1]);
	}
	munmap(bad_line, sizeof(*bad_line));
}

/*
 * What a child does
 */

static void expect_at(int line, bool is_right)
{
	if (!is_right && !*bad_line)
		*bad_line = line;
}
#define expect(condition) expect_at(__LINE__, (condition))
#define expect_refused(call) expect_at(__LINE__, (call) == -EPERM)

static void try_source(struct isr_source *source)
{
	struct isr_source_stats stats;

	expect_refused(isr_source_disarm(source));
	expect_refused(isr_source_arm(source));
	expect_refused(isr_source_mask(source));
	expect_refused(isr_source_unmask(source));
	expect_refused(isr_source_get_stats(source, &stats));
	expect_refused(isr_source_close(source));
	expect_refused(isr_source_fire(source, NULL));
	expect(!isr_source_get_failed_flag(source));
	expect(!isr_source_get_latency(source));
	expect(isr_source_get_id(source) != 0);
	expect(isr_source_get_name(source)[0] != '\0');
}

static void try_kinds(void)
{
	struct isr_source *source;
	struct isr_pin_config config = xt_pin("D", XT_SOFT);
	struct isr_pin_info info;
	int value;

	expect_refused(isr_pin_get_info(sources[PIN_HARD], &info));
	expect_refused(isr_pin_get_value(sources[PIN_HARD], &value));
	expect_refused(isr_timer_set(sources[TIMER_HARD], 1, 1));
	expect_refused(isr_fd_set_events(sources[FD_HARD], 0));
	expect_refused(
		isr_pin_open(loop, &config, handle, NULL, &source, NULL));
	expect_refused(
		isr_signal_open(loop, SIGHUP, NULL, handle, NULL, &source));
	expect_refused(isr_timer_open(loop, 1, 1, NULL, handle, NULL, &source));
	expect_refused(
		isr_fd_open(loop, 0, ISR_FD_READ, NULL, handle, NULL, &source));
	expect_refused(isr_user_open(loop, NULL, handle, NULL, &source));
}

static void try_bridges(void)
{
	struct isr_event event;
	struct isr_flag other;

	expect_refused(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
	expect_refused(isr_flag_set_cb(&flag, NULL, NULL));
	expect_refused(isr_flag_take(&flag));
	expect_refused(isr_flag_clear(&flag));
	expect_refused(isr_flag_wait(&flag, 0));
	expect_refused(isr_ring_get(&ring, &event, 1));
	expect_refused(isr_flag_done(&flag));
	expect_refused(isr_ring_done(&ring));
	expect_refused(isr_latch_done(&latch));
	expect_refused(isr_byte_ring_done(&bytes));
}

static void try_loop(void)
{
	struct isr_loop_stats stats;
	struct isr_emerg record;

	expect_refused(isr_loop_run(loop));
	expect_refused(isr_loop_dispatch(loop));
	expect_refused(isr_loop_get_fd(loop));
	expect_refused(isr_loop_get_stats(loop, &stats));
	expect_refused(isr_loop_set_log_cb(loop, NULL, NULL));
	expect_refused(isr_emerg_take(loop, &record));
	expect(!isr_loop_get_ev(loop));
	expect_refused(isr_mask(loop));
	expect_refused(isr_unmask(loop, 0));
	expect_refused(isr_enter(loop));
	expect_refused(isr_exit(loop));
	expect_refused(isr_loop_free(loop));
}

/* On copies; and nothing of it may reach the parent. */
static void use_signal_class(void)
{
	struct isr_event event = {.kind = ISR_EVENT_USER};
	uint32_t value = 7, got;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		isr_flag_set(&flag);
		isr_ring_put(&ring, &event);
		isr_byte_ring_write(&bytes, "x", 1);
		isr_schedule(loop, call, NULL);
		isr_loop_stop(loop);
	}
	expect_refused(isr_ring_put_wait(&ring, &event, ISR_FOREVER));
	expect(isr_flag_peek(&flag) == 1000);
	expect(isr_ring_get_lost_total(&ring) == 1000 - 16);
	expect(isr_byte_ring_get_refused(&bytes) == 1000 - 16);
	expect(isr_latch_store(&latch, &value) == 0);
	expect(isr_latch_load(&latch, &got, NULL) == 1 && got == 7);
	expect(!isr_in_context() && !isr_context_get_source());
	expect(isr_fail(-EIO, "in no handler") == -EIO);
	raise(SIGUSR1);
	raise(SIGUSR2);
}

/* A loop of its own is as good as any. */
static void use_own_loop(void)
{
	struct isr_source *source;
	atomic_uint n = 0;
	struct isr_loop *own;

	expect(isr_loop_new(NULL, &own) == 0);
	/* The handler of the parent's source is installed here as well. */
	expect(isr_signal_open(own, SIGUSR1, &xt_hard, handle, &n, &source) ==
	       -EBUSY);
	expect(isr_signal_open(own, SIGHUP, &xt_hard, handle, &n, &source) ==
	       0);
	raise(SIGHUP);
	expect(n == 1);
	expect(isr_user_open(own, NULL, handle, &n, &source) == 0);
	expect(isr_source_fire(source, NULL) == 0);
	expect(isr_loop_dispatch(own) == 0 && isr_loop_dispatch(own) == 0);
	expect(n == 2);
	expect(isr_loop_free(own) == 0);
}

static void be_child(void)
{
	enum kind kind;

	for (kind = 0; kind < KINDS; kind++)
		try_source(sources[kind]);
	try_kinds();
	try_bridges();
	try_loop();
	use_signal_class();
	use_own_loop();
}

static void await_child(pid_t pid)
{
	int status;

	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(*bad_line == 0, "line %d, in the child", *bad_line);
	ck_assert_int_eq(status, 0);
}

static void *fork_child(void *arg)
{
	void (*run)(void) = arg;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		run();
		_exit(0);
	}
	await_child(pid);
	return NULL;
}

/*
 * What the parent sees of it
 */

static void check_nothing_happened(uint64_t wakeups)
{
	struct pollfd due = {.fd = isr_loop_get_fd(loop), .events = POLLIN};
	struct isr_loop_stats stats;
	enum kind kind;

	ck_assert_int_eq(poll(&due, 1, 0), 0);
	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_get_stats(loop, &stats));
	ck_assert_uint_eq(stats.wakeups, wakeups);
	ck_assert_uint_eq(stats.scheduled, 0);
	ck_assert_uint_eq(n_calls, 0);
	ck_assert_uint_eq(isr_flag_peek(&flag), 0);
	ck_assert_uint_eq(isr_byte_ring_get_count(&bytes), 0);
	ck_assert_uint_eq(isr_ring_get_lost_total(&ring), 0);
	for (kind = 0; kind < KINDS; kind++)
		ck_assert_uint_eq(n_handled[kind], 0);
}

static void interrupt_all(void)
{
	enum kind kind;

	for (kind = PIN_SOFT; kind <= PIN_HARD; kind++)
		xt_edges(kind, 1);
	raise(SIGUSR1);
	raise(SIGUSR2);
	for (kind = FD_SOFT; kind <= FD_HARD; kind++)
		ck_assert_int_eq(write(fds[kind][1], "", 1), 1);
	for (kind = USER_SOFT; kind <= USER_HARD; kind++)
		xt_ok(isr_source_fire(sources[kind], NULL));
	for (kind = TIMER_SOFT; kind <= TIMER_HARD; kind++)
		xt_ok(isr_timer_set(sources[kind], 1, 0));
}

static void run_until_all_have(unsigned int n)
{
	enum kind kind;

	for (kind = 0; kind < KINDS; kind++)
		while (n_handled[kind] < n)
			xt_ok(isr_loop_dispatch(loop));
}

START_TEST(fork_leaves_the_parent_every_event)
{
	struct isr_loop_stats stats;
	struct xt_world before;
	pthread_t thread;
	enum kind kind;
	unsigned int i;

	/* It sleeps: the next set would write to its eventfd. */
	xt_ok(isr_loop_get_fd(loop));
	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_get_stats(loop, &stats));
	xt_world_look(&before);
	/* Also when the thread that forks is not the loop's. */
	if (_i == 0) {
		fork_child((void *)be_child);
	} else {
		ck_assert_int_eq(pthread_create(&thread, NULL, fork_child,
						(void *)be_child),
				 0);
		pthread_join(thread, NULL);
	}

	xt_world_check(&before);
	check_nothing_happened(stats.wakeups);
	for (i = 1; i <= EVENTS; i++) {
		interrupt_all();
		run_until_all_have(i);
	}
	xt_settle();
	for (kind = 0; kind < KINDS; kind++) {
		ck_assert_uint_eq(n_handled[kind], EVENTS);
		ck_assert_uint_eq(xt_stamped(sources[kind]), EVENTS);
	}
}
END_TEST

/* It shares them: what it closes is not closed. */
static void close_all(void)
{
	int fd;

	for (fd = 3; fd < 256; fd++)
		close(fd);
	raise(SIGUSR1);
	isr_flag_set(&flag);
}

#define EDGES 1000U
#define CHILDREN 5

static void *make_edges(void *arg)
{
	unsigned int i;

	for (i = 0; i < EDGES; i++) {
		xt_toggle(0);
		xt_toggle(2);
		/* The chip's FIFO has to hold what was not read yet. */
		while (n_handled[PIN_SOFT] + 500 < i ||
		       n_handled[PIN_HARD] + 500 < i)
			sched_yield();
	}
	return NULL;
}

START_TEST(fork_in_a_flood_loses_nothing)
{
	pthread_t thread;
	int i;

	ck_assert_int_eq(pthread_create(&thread, NULL, make_edges, NULL), 0);
	for (i = 0; i < CHILDREN; i++) {
		while (n_handled[PIN_SOFT] < EDGES / CHILDREN * (unsigned)i)
			xt_ok(isr_loop_dispatch(loop));
		fork_child((void *)close_all);
	}
	while (n_handled[PIN_SOFT] < EDGES || n_handled[PIN_HARD] < EDGES)
		xt_ok(isr_loop_dispatch(loop));
	pthread_join(thread, NULL);
	xt_settle();

	ck_assert_uint_eq(n_handled[PIN_SOFT], EDGES);
	ck_assert_uint_eq(n_handled[PIN_HARD], EDGES);
	ck_assert_uint_eq(n_handled[SIGNAL_SOFT], 0);
	ck_assert_uint_eq(xt_stats(sources[PIN_SOFT]).lost_kernel, 0);
	ck_assert_uint_eq(xt_stats(sources[PIN_HARD]).lost_kernel, 0);
}
END_TEST

/* There the search for leaks begins with threads that only the parent has. */
#ifndef __SANITIZE_ADDRESS__
/* Through exit(3), with all that runs there. */
START_TEST(fork_child_ends_as_any_program)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		exit(0);
	await_child(pid);

	xt_edges(0, 1);
	while (!n_handled[PIN_SOFT])
		xt_ok(isr_loop_dispatch(loop));
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("fork");
	TCase *tcase;

	tcase = xt_case(suite, "fork");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, fork_leaves_the_parent_every_event, 0, 2);
	tcase_add_test(tcase, fork_in_a_flood_loses_nothing);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(tcase, fork_child_ends_as_any_program);
#endif

	return xt_main(suite);
}
