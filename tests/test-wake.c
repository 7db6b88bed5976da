/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The wake protocol: how often the eventfd is written, what a loop does at
 * rest, and that no wake-up is lost. Its races are in test-races.c.
 */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <isrloop/flag.h>
#include <isrloop/loop.h>

#include "loop.h"
#include "wake.h"
#include "xt.h"

#define N_FLAGS 8
#define N_THREADS 4
#define SETS_PER_THREAD 1000

static struct isr_loop *loop;
static struct isr_flag flags[N_FLAGS];
static uint64_t n_sets;
static unsigned int n_calls;

/* write(2) of the library comes here: linked with --wrap=write. */
ssize_t __real_write(int fd, const void *data, size_t size_bytes);
ssize_t __wrap_write(int fd, const void *data, size_t size_bytes);
static atomic_int counted_fd;
static atomic_uint n_writes;

ssize_t __wrap_write(int fd, const void *data, size_t size_bytes)
{
	if (fd == counted_fd)
		n_writes++;
	return __real_write(fd, data, size_bytes);
}

static void count(struct isr_flag *f, uint32_t sets, void *arg)
{
	n_calls++;
	n_sets += sets;
}

static void setup(void)
{
	unsigned int i;

	xt_ok(isr_loop_new(&xt_patient, &loop));
	isr_loop_set_log_cb(loop, xt_log, NULL);
	for (i = 0; i < N_FLAGS; i++) {
		xt_ok(isr_flag_init(&flags[i], loop, ISR_FLAG_AUTO));
		xt_ok(isr_flag_set_cb(&flags[i], count, NULL));
	}
	counted_fd = isri_wake_of(loop)->fd;
	n_sets = n_calls = 0;
	n_writes = 0;
}

static void teardown(void)
{
	counted_fd = -1;
	isr_loop_free(loop);
}

static bool is_due(void)
{
	struct pollfd p = {.fd = isr_loop_get_fd(loop), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void *set_all(void *arg)
{
	unsigned int i;

	for (i = 0; i < SETS_PER_THREAD; i++)
		isr_flag_set(&flags[i % N_FLAGS]);
	return NULL;
}

static void set_all_in_threads(void)
{
	pthread_t threads[N_THREADS];
	unsigned int i;

	for (i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, set_all, NULL), 0);
	for (i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void set_all_and_stop(struct isr_flag *f, uint32_t sets, void *arg)
{
	set_all_in_threads();
	ck_assert_uint_eq(n_writes, 0);
	isr_loop_stop(loop);
}

START_TEST(wake_set_of_a_loop_that_is_awake_makes_no_system_call)
{
	xt_ok(isr_flag_set_cb(&flags[0], set_all_and_stop, NULL));
	isr_flag_set(&flags[0]);

	xt_ok(isr_loop_run(loop));

	ck_assert_uint_eq(n_writes, 0);
}
END_TEST

START_TEST(wake_any_number_of_sets_write_once_a_sleep)
{
	unsigned int i;

	ck_assert(!is_due());
	for (i = 1; i <= 10; i++) {
		set_all_in_threads();
		ck_assert_uint_eq(n_writes, i);

		xt_ok(isr_loop_dispatch(loop));
		ck_assert(!is_due());
		ck_assert_uint_eq(n_calls, i * N_FLAGS);
	}
	ck_assert_uint_eq(n_sets, 10 * N_THREADS * SETS_PER_THREAD);
}
END_TEST

START_TEST(wake_without_work_is_harmless)
{
	const uint64_t one = 1;

	ck_assert(!is_due());
	ck_assert_int_eq(write(counted_fd, &one, sizeof(one)), sizeof(one));
	isri_wake_kick(isri_wake_of(loop));
	ck_assert(is_due());

	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 0);
	ck_assert(!is_due());

	isr_flag_set(&flags[0]);
	ck_assert(is_due());
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 1);
}
END_TEST

START_TEST(wake_through_a_full_counter_is_not_lost)
{
	const uint64_t full = UINT64_MAX - 1;

	ck_assert(!is_due());
	ck_assert_int_eq(write(counted_fd, &full, sizeof(full)), sizeof(full));
	errno = 4711;
	isr_flag_set(&flags[0]);
	ck_assert_int_eq(errno, 4711);

	xt_ok(isr_loop_dispatch(loop));
	ck_assert_uint_eq(n_calls, 1);
	ck_assert(!is_due());

	isr_flag_set(&flags[0]);
	ck_assert(is_due());
}
END_TEST

START_TEST(wake_kick_makes_one_pass)
{
	struct isr_loop_stats before, after;

	ck_assert(!is_due());
	xt_ok(isr_loop_get_stats(loop, &before));
	isri_wake_kick(isri_wake_of(loop));
	xt_ok(isr_loop_dispatch(loop));
	xt_ok(isr_loop_get_stats(loop, &after));

	ck_assert_uint_eq(after.wakeups, before.wakeups + 1);
	ck_assert(!is_due());
}
END_TEST

static atomic_long loop_tid;
/* Posted by nobody at rest; by a thread that is ready. */
static sem_t posted;

static void *run_loop(void *arg)
{
	loop_tid = syscall(SYS_gettid);
	xt_ok(isr_loop_run(loop));
	return NULL;
}

/* How often the loop's thread was scheduled away. */
static unsigned long read_switches(void)
{
	unsigned long n, sum = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/status", loop_tid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
			sum += n;
		if (sscanf(line, "nonvoluntary_ctxt_switches: %lu", &n) == 1)
			sum += n;
	}
	fclose(file);
	ck_assert_uint_gt(sum, 0);
	return sum;
}

/* As the kernel says it: "S" follows the name, which is in parentheses. */
static char read_state(void)
{
	char path[64], line[256], *name_end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", loop_tid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	fclose(file);
	name_end = strrchr(line, ')');
	ck_assert_ptr_nonnull(name_end);
	return name_end[2];
}

/* When it has said that it will sleep, it does nothing else before. */
static void await_sleep(void)
{
	while (atomic_load(&isri_wake_of(loop)->pending) != ISRI_WAKE_ARMED ||
	       read_state() != 'S')
		sched_yield();
}

/* A time in which nothing happens: nobody posts. */
static void rest(void)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += 300 * 1000 * 1000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	while (sem_timedwait(&posted, &end) < 0 && errno == EINTR)
		;
}

START_TEST(wake_never_happens_at_rest)
{
	unsigned long before;
	pthread_t thread;

	sem_init(&posted, 0, 0);
	loop_tid = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, run_loop, NULL), 0);
	xt_wait_until(loop_tid);
	await_sleep();
	before = read_switches();
	rest();

	ck_assert_uint_eq(read_switches(), before);

	isr_loop_stop(loop);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(n_writes, 1);
	/* Back to this thread, so that the fixture may free it. */
	isr_loop_stop(loop);
	xt_ok(isr_loop_run(loop));
}
END_TEST

#define PING_PONGS 50000

static struct isr_flag ping, pong;
static unsigned int n_pings;

static void on_ping(struct isr_flag *f, uint32_t sets, void *arg)
{
	struct isr_loop *mine = arg;

	ck_assert_uint_eq(sets, 1);
	if (++n_pings == PING_PONGS)
		isr_loop_stop(mine);
	else
		isr_flag_set(&pong);
}

static void on_pong(struct isr_flag *f, uint32_t sets, void *arg)
{
	ck_assert_uint_eq(sets, 1);
	n_calls++;
	isr_flag_set(&ping);
}

static void *play_ping(void *arg)
{
	struct isr_loop *mine;

	xt_ok(isr_loop_new(NULL, &mine));
	xt_ok(isr_flag_init(&ping, mine, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&ping, on_ping, mine));
	sem_post(&posted);
	xt_ok(isr_loop_run(mine));
	xt_ok(isr_loop_free(mine));
	isr_loop_stop(loop);
	return NULL;
}

/* Each loop sleeps before each wake-up; one that is lost is a time-out. */
START_TEST(wake_of_a_hundred_thousand_loses_none)
{
	pthread_t thread;

	sem_init(&posted, 0, 0);
	n_pings = 0;
	xt_ok(isr_flag_init(&pong, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&pong, on_pong, NULL));
	ck_assert_int_eq(pthread_create(&thread, NULL, play_ping, NULL), 0);
	while (sem_wait(&posted) < 0)
		;
	isr_flag_set(&pong);

	xt_ok(isr_loop_run(loop));

	pthread_join(thread, NULL);
	ck_assert_uint_eq(n_pings, PING_PONGS);
	ck_assert_uint_eq(n_calls, PING_PONGS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wake");
	TCase *tc = xt_case(suite, "wake");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc,
		       wake_set_of_a_loop_that_is_awake_makes_no_system_call);
	tcase_add_test(tc, wake_any_number_of_sets_write_once_a_sleep);
	tcase_add_test(tc, wake_without_work_is_harmless);
	tcase_add_test(tc, wake_through_a_full_counter_is_not_lost);
	tcase_add_test(tc, wake_kick_makes_one_pass);

	tc = xt_case(suite, "threads");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, wake_never_happens_at_rest);
	tcase_add_test(tc, wake_of_a_hundred_thousand_loses_none);
	return xt_main(suite);
}
