/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: timer sources: a timerfd of absolute times, so that a late callback
 * does not move the following ones. Expirations that a busy loop missed are
 * told by the next call's value; nothing is lost.
 *
 * LOCKING. Whoever serves the timer, a loop or an IRQ thread, writes what it
 * knows of expirations; so the loop takes the watch's lock to change it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "source.h"
#include "watch.h"

struct isri_timer {
	struct isr_source source;
	/* constant from open to close */
	int fd;
	/* under the lock of the watch */
	struct isri_watch watch;
	uint64_t next_ns; /* CLOCK_MONOTONIC */
	uint64_t period_ns;
};

static struct isri_timer *to_timer(struct isr_source *source)
{
	return (struct isri_timer *)source;
}

/* Under the lock: expirations since the last call; the time of the last. */
static uint64_t take_expirations(struct isri_timer *timer, uint64_t *ret_t_ns)
{
	uint64_t n;

	if (read(timer->fd, &n, sizeof(n)) != sizeof(n))
		return 0;

	*ret_t_ns = timer->next_ns + (n - 1) * timer->period_ns;
	timer->next_ns = *ret_t_ns + timer->period_ns;
	isri_source_advance(&timer->source, (uint32_t)n);
	return n;
}

static void serve_watch(struct isri_watch *watch, unsigned int events)
{
	struct isri_timer *timer =
		(struct isri_timer *)((char *)watch -
				      offsetof(struct isri_timer, watch));
	struct isr_event event = {.kind = ISR_EVENT_TIMER};
	uint64_t n;

	n = take_expirations(timer, &event.t_ns);
	if (!n)
		return;

	event.line_seq = timer->source.stats.line_seq;
	event.value = n < INT32_MAX ? (int32_t)n : INT32_MAX;
	isri_watch_hand_on(watch, &event);
}

/* Under the lock: nobody is to be told of them. */
static void discard_pending(struct isri_timer *timer)
{
	uint64_t t_ns;

	isri_source_count(&timer->source.stats.discarded,
			  take_expirations(timer, &t_ns));
}

static void account_timer(struct isr_source *source)
{
	struct isri_timer *timer = to_timer(source);

	isri_watch_lock(&timer->watch);
	discard_pending(timer);
	isri_watch_unlock(&timer->watch);
}

static int arm_timer(struct isr_source *source)
{
	struct isri_timer *timer = to_timer(source);
	int r;

	isri_watch_lock(&timer->watch);
	discard_pending(timer);
	r = isri_watch_set(&timer->watch, ISR_FD_READ);
	if (r == 0)
		isri_source_set_armed(source, true);
	isri_watch_unlock(&timer->watch);
	return r;
}

static void release_timer(struct isr_source *source)
{
	struct isri_timer *timer = to_timer(source);

	isri_watch_done(&timer->watch);
	if (timer->fd >= 0)
		close(timer->fd);
	isri_source_done(source);
	free(timer);
}

static const struct isri_source_ops timer_ops = {
	.arm = arm_timer,
	.disarm = isri_watch_disarm,
	.account = account_timer,
	.release = release_timer,
};

/* Within what a signed time in ns can say: about 292 years. */
static bool are_valid(uint64_t first_ns, uint64_t period_ns)
{
	return first_ns <= INT64_MAX / 2 && period_ns <= INT64_MAX / 2;
}

/* Under the lock: timerfd forgets what has expired before. */
static int start_locked(struct isri_timer *timer, uint64_t first_ns,
			uint64_t period_ns)
{
	struct itimerspec spec = {.it_interval = {0}};
	uint64_t next_ns = isr_now_ns() + first_ns;

	/* A zero it_value stops it. */
	if (first_ns) {
		spec.it_value = isri_clock_to_timespec(next_ns);
		spec.it_interval = isri_clock_to_timespec(period_ns);
		/* A time_t of 32 bits ends 68 years after the boot. */
		if (isri_clock_to_ns(&spec.it_value) != next_ns ||
		    isri_clock_to_ns(&spec.it_interval) != period_ns)
			return -EINVAL;
	}
	if (timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		return -errno;

	timer->next_ns = next_ns;
	timer->period_ns = period_ns;
	return 0;
}

static int start_timer(struct isri_timer *timer, uint64_t first_ns,
		       uint64_t period_ns)
{
	int r;

	isri_watch_lock(&timer->watch);
	discard_pending(timer);
	r = start_locked(timer, first_ns, period_ns);
	isri_watch_unlock(&timer->watch);
	return r;
}

static int init_timer(struct isri_timer *timer,
		      const struct isri_source_setup *setup)
{
	int r;

	timer->source.measured = true;
	timer->source.watch = &timer->watch;
	r = isri_source_init(&timer->source, setup);
	if (r < 0)
		return r;

	timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->fd < 0)
		return -errno;
	return isri_watch_init(&timer->watch, &timer->source, timer->fd,
			       timer->source.hard ? ISRI_WATCH_BY_IRQ
						  : ISRI_WATCH_BY_LOOP,
			       serve_watch);
}

int isr_timer_open(struct isr_loop *loop, uint64_t first_ns, uint64_t period_ns,
		   const struct isr_source_options *options,
		   isr_handler_cb *handler, void *arg,
		   struct isr_source **ret_source)
{
	const struct isri_source_setup setup = {
		.ops = &timer_ops,
		.loop = loop,
		.options = options,
		.kind = "timer",
		.number = -1,
		.handler = handler,
		.arg = arg,
	};
	struct isri_timer *timer;
	int r;

	if (!are_valid(first_ns, period_ns))
		return -EINVAL;
	r = isri_source_check_setup(&setup, ret_source);
	if (r < 0)
		return r;

	timer = isri_source_alloc(sizeof(*timer));
	if (!timer)
		return -ENOMEM;
	timer->fd = -1;
	r = init_timer(timer, &setup);
	if (r < 0)
		goto out;
	r = arm_timer(&timer->source);
	if (r < 0)
		goto out;

	/* Before a hard handler, which may run once the lock is back. */
	isri_watch_lock(&timer->watch);
	r = start_locked(timer, first_ns, period_ns);
	if (r == 0)
		*ret_source = &timer->source;
	isri_watch_unlock(&timer->watch);
	if (r == 0)
		return 0;
	isri_watch_disarm(&timer->source);

out:
	release_timer(&timer->source);
	return r;
}

int isr_timer_set(struct isr_source *source, uint64_t first_ns,
		  uint64_t period_ns)
{
	int r;

	if (!source || source->ops != &timer_ops ||
	    !are_valid(first_ns, period_ns))
		return -EINVAL;
	r = isri_loop_check(source->loop);
	if (r < 0)
		return r;

	return start_timer(to_timer(source), first_ns, period_ns);
}
