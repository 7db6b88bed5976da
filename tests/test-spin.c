/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * spin_ns: the loop looks for a set before it blocks. What tells is not how
 * long that took, but that nobody had to write to the eventfd.
 */
#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xt-step.h"

#define FOREVER_NS (3600 * 1000000000ULL)
/* Passes after which a loop that has nothing to do would sleep. */
#define IDLE_PASSES 10

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

static struct isr_flag flag;
static struct xt_step o;
static atomic_uint n_passes;
static unsigned int act_at;
static struct ev_prepare prepare;
static struct ev_timer watchdog;

static void on_flag(struct isr_flag *f, uint32_t count, void *arg)
{
	leave_letter('F');
	isr_loop_stop(loop);
}

/* The program's own watcher: as long as it comes, the loop does not sleep. */
static void on_prepare(struct ev_loop *ev, struct ev_prepare *p, int revents)
{
	if (++n_passes == act_at)
		isr_flag_set(&flag);
}

/* Should the loop sleep after all. */
static void on_watchdog(struct ev_loop *ev, struct ev_timer *t, int revents)
{
	leave_letter('!');
	isr_loop_stop(loop);
}

static void start(uint64_t spin_ns, double watchdog_s)
{
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.spin_ns = spin_ns,
	};
	struct ev_loop *ev;

	xt_step_setup_with(&config);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, on_flag, NULL));
	o = xt_step('o', NULL);
	n_passes = n_writes = 0;
	act_at = 0;
	counted_fd = isri_wake_of(loop)->fd;
	ev = isr_loop_get_ev(loop);
	ev_prepare_init(&prepare, on_prepare);
	ev_prepare_start(ev, &prepare);
	ev_timer_init(&watchdog, on_watchdog, watchdog_s, 0);
	ev_timer_start(ev, &watchdog);
}

static void teardown(void)
{
	counted_fd = -1;
	if (!loop)
		return;
	ev_prepare_stop(isr_loop_get_ev(loop), &prepare);
	ev_timer_stop(isr_loop_get_ev(loop), &watchdog);
	xt_step_teardown();
}

/* It is of no use then. */
static bool is_one_cpu(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) == 1;
}

static void *set_when_idle(void *arg)
{
	xt_wait_until(n_passes >= IDLE_PASSES);
	isr_flag_set(&flag);
	return NULL;
}

START_TEST(spin_finds_the_set_of_a_thread_without_a_write)
{
	pthread_t thread;

	if (is_one_cpu())
		return;
	start(FOREVER_NS, 5);
	ck_assert_int_eq(pthread_create(&thread, NULL, set_when_idle, NULL), 0);

	xt_ok(isr_loop_run(loop));

	n_passes = IDLE_PASSES;
	pthread_join(thread, NULL);
	ck_assert_str_eq(trace, "F");
	ck_assert_uint_eq(n_writes, 0);
	ck_assert_uint_eq(xt_loop_stats().wakeups, 0);
}
END_TEST

START_TEST(spin_gives_libev_its_turn)
{
	if (is_one_cpu())
		return;
	start(_i ? UINT64_MAX : FOREVER_NS, 5);
	act_at = IDLE_PASSES;

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "F");
	ck_assert_uint_eq(n_writes, 0);
}
END_TEST

/* With nothing done it is over once; then only what wakes the loop counts. */
START_TEST(spin_ends)
{
	start(_i, 0.03);

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "!");
	/* It sleeps until the watchdog's time, in one piece or so. */
	ck_assert_uint_le(n_passes, IDLE_PASSES);
}
END_TEST

static void on_other(struct isr_flag *f, uint32_t count, void *arg)
{
	leave_letter('o');
}

/* Has it delivered last; then the watcher sets the one that ends the run. */
static void deliver_other(struct isr_flag *other)
{
	xt_ok(isr_flag_init(other, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(other, on_other, NULL));
	isr_flag_set(other);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_ptr_eq(isri_wake_of(loop)->last, other);
	n_passes = 0;
	act_at = IDLE_PASSES;
}

/* Where the spinning loop would look, there is nothing any more. */
START_TEST(spin_looks_not_at_a_flag_that_has_ended)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	struct isr_flag *other;

	other = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(other, MAP_FAILED);
	start(FOREVER_NS, 5);
	deliver_other(other);
	xt_ok(isr_flag_done(other));
	munmap(other, size);

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "oF");
}
END_TEST

/* The thread that sets it has lost its CPU before it has pushed it. */
START_TEST(spin_waits_not_for_a_set_that_is_half_way)
{
	struct isr_flag other;

	start(FOREVER_NS, 5);
	deliver_other(&other);
	other.word = 1;

	xt_ok(isr_loop_run(loop));
	ck_assert_str_eq(trace, "oF");

	isri_wake_push(isri_wake_of(loop), &other);
	xt_ok(isr_loop_dispatch(loop));
	ck_assert_str_eq(trace, "oFo");
	xt_ok(isr_flag_done(&other));
}
END_TEST

static void ring(struct isri_alarm *alarm)
{
	leave_letter('a');
	isr_loop_stop(loop);
}

START_TEST(spin_ends_for_an_alarm)
{
	struct isri_alarm alarm = {.ring = ring};

	start(FOREVER_NS, 5);
	isri_alarm_set(loop, &alarm, isr_now_ns() + 1000000);

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "a");
}
END_TEST

START_TEST(spin_is_not_for_a_dispatch)
{
	const struct isri_steps *steps;

	start(FOREVER_NS, 5);
	steps = &isri_loop_base(loop)->steps;

	xt_ok(isr_loop_dispatch(loop));

	ck_assert_uint_eq(steps->spin_since_ns, 0);
}
END_TEST

static void end_loop(struct isr_flag *f, uint32_t count, void *arg)
{
	ev_prepare_stop(isr_loop_get_ev(loop), &prepare);
	ev_timer_stop(isr_loop_get_ev(loop), &watchdog);
	counted_fd = -1;
	xt_ok(isr_loop_free(loop));
	loop = NULL;
}

/* Where a loop spins that is not its own: in the program's ev_run(). */
START_TEST(spin_may_find_the_loops_end)
{
	const struct isr_loop_config config = {
		.sz = sizeof(config),
		.spin_ns = FOREVER_NS,
	};
	struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);

	ck_assert_ptr_nonnull(ev);
	xt_ok(isr_loop_attach(ev, &config, &loop));
	ev_prepare_init(&prepare, on_prepare);
	ev_timer_init(&watchdog, on_watchdog, 5, 0);
	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, end_loop, NULL));
	isr_flag_set(&flag);

	ev_run(ev, 0);

	ck_assert_ptr_null(loop);
	ev_loop_destroy(ev);
}
END_TEST

/* Then libev has come to the end of the inner run, and not begun to wait. */
static void run_libev(struct isr_flag *f, uint32_t count, void *arg)
{
	leave_letter('(');
	ev_run(isr_loop_get_ev(loop), EVRUN_NOWAIT);
	leave_letter(')');
	act_at = n_passes + IDLE_PASSES;
}

START_TEST(spin_goes_on_after_a_step_that_runs_libev)
{
	struct isr_flag other;

	if (is_one_cpu())
		return;
	start(FOREVER_NS, 5);
	xt_ok(isr_flag_init(&other, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&other, run_libev, NULL));
	isr_flag_set(&other);

	xt_ok(isr_loop_run(loop));

	ck_assert_str_eq(trace, "()F");
	xt_ok(isr_flag_done(&other));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spin");
	TCase *tc;

	tc = xt_case(suite, "spin");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, spin_finds_the_set_of_a_thread_without_a_write);
	tcase_add_loop_test(tc, spin_gives_libev_its_turn, 0, 2);
	tcase_add_loop_test(tc, spin_ends, 0, 2);
	tcase_add_test(tc, spin_looks_not_at_a_flag_that_has_ended);
	tcase_add_test(tc, spin_waits_not_for_a_set_that_is_half_way);
	tcase_add_test(tc, spin_ends_for_an_alarm);
	tcase_add_test(tc, spin_is_not_for_a_dispatch);
	tcase_add_test(tc, spin_may_find_the_loops_end);
	tcase_add_test(tc, spin_goes_on_after_a_step_that_runs_libev);

	return xt_main(suite);
}
