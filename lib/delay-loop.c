/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, loop class: a delay expires, or is stopped. Its memory orders pair with
 * those of delay.c, where the table is.
 *
 * While it is not running its alarm may still be set; to ring is harmless then.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "atomic.h"
#include "delay.h"
#include "test-point.h"

static void write_alarm(struct isr_delay *delay, uint64_t alarm_ns)
{
	ISR_TEST_POINT("delay:B");
	/* delay:B */
	atomic_store_explicit(ATOMIC(&delay->alarm_ns), alarm_ns,
			      memory_order_seq_cst);
}

static uint64_t read_deadline(struct isr_delay *delay)
{
	ISR_TEST_POINT("delay:B1");
	/* delay:B */
	return atomic_load_explicit(ATOMIC(&delay->deadline_ns),
				    memory_order_seq_cst);
}

/* Before the deadline is read, or a trigger would rely on the alarm. */
static void stop_alarm(struct isr_delay *delay)
{
	write_alarm(delay, ISRI_DELAY_NEVER);
	isri_alarm_cancel(delay->loop, &isri_delay_rest(delay)->alarm);
}

static void start_alarm(struct isr_delay *delay, uint64_t alarm_ns)
{
	write_alarm(delay, alarm_ns);
	isri_alarm_set(delay->loop, &isri_delay_rest(delay)->alarm, alarm_ns);
}

/* Unless it was triggered meanwhile. */
static void expire(struct isr_delay *delay, uint64_t deadline_ns)
{
	ISR_TEST_POINT("delay:C");
	/* delay:C */
	if (!atomic_compare_exchange_strong_explicit(
		    ATOMIC(&delay->deadline_ns), &deadline_ns, ISRI_DELAY_IDLE,
		    memory_order_seq_cst, memory_order_seq_cst))
		return;
	stop_alarm(delay);
	isr_flag_set(&delay->expired);
}

/* Expires, or has the alarm ring not later than that is due. */
static void look(struct isr_delay *delay)
{
	uint64_t deadline_ns;

	while ((deadline_ns = read_deadline(delay)) > ISRI_DELAY_IDLE) {
		/* Triggered again: an expiry that nobody was told of is over.
		 */
		isr_flag_clear(&delay->expired);
		if (deadline_ns <= isr_now_ns()) {
			expire(delay, deadline_ns);
			continue;
		}
		/* Only the loop writes it. */
		if (delay->alarm_ns > deadline_ns)
			start_alarm(delay, deadline_ns);
		return;
	}
}

static void ring(struct isri_alarm *alarm)
{
	struct isr_delay *delay =
		(struct isr_delay *)((char *)alarm -
				     offsetof(struct isri_delay_rest, alarm) -
				     offsetof(struct isr_delay, rest));

	write_alarm(delay, ISRI_DELAY_NEVER);
	look(delay);
}

static void on_changed(struct isr_flag *changed, uint32_t count, void *arg)
{
	look(arg);
}

static uint64_t put_deadline(struct isr_delay *delay, uint64_t deadline_ns)
{
	/* delay:C */
	return atomic_exchange_explicit(ATOMIC(&delay->deadline_ns),
					deadline_ns, memory_order_seq_cst);
}

static void finish(struct isr_delay *delay)
{
	put_deadline(delay, ISRI_DELAY_DONE);
	stop_alarm(delay);
	isri_loop_member_remove(&isri_delay_rest(delay)->member);
	isr_flag_done(&delay->changed);
	isr_flag_done(&delay->expired);
}

static void close_member(struct isri_loop_member *member)
{
	finish((struct isr_delay *)((char *)member -
				    offsetof(struct isri_delay_rest, member) -
				    offsetof(struct isr_delay, rest)));
}

int isr_delay_init(struct isr_delay *delay, struct isr_loop *loop,
		   unsigned int mode)
{
	struct isri_delay_rest *rest;
	int r;

	if (!delay)
		return -EINVAL;
	r = isri_loop_check_open(loop);
	if (r < 0)
		return r;
	r = isr_flag_init(&delay->expired, loop, mode);
	if (r < 0)
		return r;

	/* Cannot fail: the other one was made. */
	isr_flag_init(&delay->changed, loop, ISR_FLAG_AUTO);
	isr_flag_set_cb(&delay->changed, on_changed, delay);
	delay->loop = loop;
	memset(&delay->rest, 0, sizeof(delay->rest));
	rest = isri_delay_rest(delay);
	rest->alarm.ring = ring;
	rest->clear = isr_flag_clear;
	isri_loop_member_add(loop, &rest->member, close_member);
	write_alarm(delay, ISRI_DELAY_NEVER);
	put_deadline(delay, ISRI_DELAY_IDLE);
	return 0;
}

/* Its flag is bound as long as it is not finished. */
static int check(const struct isr_delay *delay, const char *function)
{
	if (!delay || !delay->expired.wake)
		return -EINVAL;
	return isri_wake_check_for(delay->expired.wake, function);
}

int isr_delay_stop(struct isr_delay *delay)
{
	bool was_running;
	int r;

	r = check(delay, __func__);
	if (r < 0)
		return r;
	stop_alarm(delay);
	was_running = put_deadline(delay, ISRI_DELAY_IDLE) > ISRI_DELAY_IDLE;
	isr_flag_clear(&delay->expired);
	return was_running;
}

int isr_delay_done(struct isr_delay *delay)
{
	int r;

	r = check(delay, __func__);
	if (r == 0)
		finish(delay);
	return r == -EINVAL ? 0 : r;
}
