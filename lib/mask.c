/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: critical sections, and threads that make themselves ISR context.
 *
 * Three kinds of ISR context are kept out, each in the way that it can bear:
 * a thread that enters waits for a mutex, IRQ threads have a lock each, and
 * signal handlers, which cannot wait, find a door (door.c). The door is last:
 * what comes before it may take as long as a handler does.
 *
 * The mutex is robust: a thread that ends while it has entered does not take
 * the loop along.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <isrloop/mask.h>

#include "context.h"
#include "irq-thread.h"
#include "loop.h"
#include "nap.h"

#define WARN_NS 1000000
/* A handler that is inside will mostly be gone after that many. */
#define LOOKS 100

static struct isri_mask *mask_of(struct isr_loop *loop)
{
	return &isri_loop_head_of(loop)->mask;
}

static const char *innermost_site(const struct isri_mask *mask)
{
	int i = mask->depth < ISRI_MASK_SITES ? mask->depth : ISRI_MASK_SITES;

	return i ? mask->where[i - 1] : NULL;
}

/* Its owner ended: what it did is as good as complete. */
static void lock_users(struct isr_loop *loop)
{
	struct isri_mask *mask = mask_of(loop);

	if (pthread_mutex_lock(&mask->users) != EOWNERDEAD)
		return;
	pthread_mutex_consistent(&mask->users);
	isri_emerg_record(loop, ISR_EMERG_MASK, -EOWNERDEAD, 0,
			  "a thread ended without isr_exit()", NULL);
}

static void wait_until_empty(const struct isri_door *door)
{
	unsigned int looks = 0;

	while (!isri_door_is_empty(door))
		if (++looks > LOOKS)
			isri_nap();
}

static void mask_all(struct isr_loop *loop)
{
	struct isri_mask *mask = mask_of(loop);

	lock_users(loop);
	isri_irq_threads_hard_lock(loop);
	isri_door_shut(&mask->door);
	isri_context_section_begun();
	mask->start_ns = isr_now_ns();
	wait_until_empty(&mask->door);
}

static void note_duration(struct isr_loop *loop, uint64_t duration_ns)
{
	struct isri_mask *mask = mask_of(loop);

	mask->masks++;
	if (duration_ns > mask->max_ns) {
		mask->max_ns = duration_ns;
		mask->max_where = mask->where[0];
	}
	if (duration_ns > mask->warn_ns)
		isri_emerg_record(loop, ISR_EMERG_MASK, -ETIME, duration_ns,
				  "interrupts were masked for long",
				  mask->where[0]);
}

static void unmask_all(struct isr_loop *loop)
{
	struct isri_mask *mask = mask_of(loop);
	struct isri_mask_client *client;
	uint64_t duration_ns;
	bool refused;

	duration_ns = isr_now_ns() - mask->start_ns;
	refused = isri_door_open(&mask->door);
	isri_irq_threads_hard_unlock(loop);
	isri_context_section_ended();
	pthread_mutex_unlock(&mask->users);
	if (refused)
		for (client = mask->clients; client; client = client->next)
			client->catch_up(client);
	note_duration(loop, duration_ns);
}

int isr_mask_at(struct isr_loop *loop, const char *where)
{
	struct isri_mask *mask;
	int r;

	r = isri_loop_check_open_for(loop, "isr_mask");
	if (r < 0)
		return r;

	mask = mask_of(loop);
	if (mask->depth == 0)
		mask_all(loop);
	if (mask->depth < ISRI_MASK_SITES)
		mask->where[mask->depth] = where;
	return mask->depth++;
}

int isr_unmask(struct isr_loop *loop, int token)
{
	struct isri_mask *mask;
	int r;

	r = isri_loop_check(loop);
	if (r < 0)
		return r;

	mask = mask_of(loop);
	if (mask->depth == 0 || token != mask->depth - 1) {
		isri_emerg_record(loop, ISR_EMERG_MASK, -EINVAL, 0,
				  "isr_unmask() of another section",
				  innermost_site(mask));
		return -EINVAL;
	}
	mask->depth = token;
	if (token == 0)
		unmask_all(loop);
	return 0;
}

static void end_forgotten(struct isr_loop *loop, const char *message)
{
	struct isri_mask *mask = mask_of(loop);

	isri_emerg_record(loop, ISR_EMERG_MASK, -EDEADLK, 0, message,
			  innermost_site(mask));
	mask->depth = 0;
	unmask_all(loop);
}

static void on_forgotten(struct isr_loop *loop)
{
	end_forgotten(loop, "a callback returned while masked");
}

static int init_users(pthread_mutex_t *users)
{
	pthread_mutexattr_t attr;
	int r;

	r = pthread_mutexattr_init(&attr);
	if (r)
		return -r;
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	r = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (!r)
		r = pthread_mutex_init(users, &attr);
	if (r == ENOTSUP) {
		/* A kernel without it: late in the worst case, not wrong. */
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_NONE);
		r = pthread_mutex_init(users, &attr);
	}
	pthread_mutexattr_destroy(&attr);
	return -r;
}

int isri_mask_init(struct isr_loop *loop, uint64_t warn_ns)
{
	struct isri_mask *mask = mask_of(loop);
	int r;

	*mask = (struct isri_mask){
		.warn_ns = warn_ns ? warn_ns : WARN_NS,
	};
	r = init_users(&mask->users);
	if (r < 0)
		return r;
	mask->on_forgotten = on_forgotten;
	return 0;
}

void isri_mask_stop(struct isr_loop *loop)
{
	if (mask_of(loop)->depth)
		end_forgotten(loop, "a loop was freed while masked");
	lock_users(loop);
	pthread_mutex_unlock(&mask_of(loop)->users);
}

void isri_mask_done(struct isr_loop *loop)
{
	if (mask_of(loop)->on_forgotten)
		pthread_mutex_destroy(&mask_of(loop)->users);
}

void isri_mask_add(struct isr_loop *loop, struct isri_mask_client *client)
{
	struct isri_mask_client **link = &mask_of(loop)->clients;

	while (*link && (*link)->priority >= client->priority)
		link = &(*link)->next;
	client->next = *link;
	*link = client;
}

void isri_mask_remove(struct isr_loop *loop, struct isri_mask_client *client)
{
	struct isri_mask_client **link = &mask_of(loop)->clients;

	while (*link && *link != client)
		link = &(*link)->next;
	if (*link)
		*link = client->next;
}

/* What this thread has entered. */
static __thread struct {
	struct isri_frame frame;
	unsigned int depth;
} entered __attribute__((tls_model("initial-exec")));

int isr_enter(struct isr_loop *loop)
{
	struct isri_frame *frame = isri_context_get_frame();
	int r;

	if (!loop)
		return -EINVAL;
	if (!isri_wake_is_at_home(isri_wake_of(loop)))
		return -EPERM;
	if (frame == &entered.frame) {
		if (frame->loop != loop)
			return -EBUSY;
		entered.depth++;
		return 0;
	}
	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;
	/* Masked: two loops' threads that did that would wait for each other. */
	if (isri_wake_is_owner(isri_wake_of(loop)) || isri_context_is_masked())
		return -EDEADLK;
	if (frame)
		return -EBUSY;

	lock_users(loop);
	isri_context_enter(&entered.frame, ISR_CONTEXT_USER_THREAD, loop, NULL);
	entered.depth = 1;
	return 0;
}

int isr_exit(struct isr_loop *loop)
{
	struct isri_frame *frame = isri_context_get_frame();
	int r;

	if (!loop)
		return -EINVAL;
	if (!isri_wake_is_at_home(isri_wake_of(loop)))
		return -EPERM;
	if (frame != &entered.frame) {
		r = isri_context_refuse_isr(__func__);
		return r < 0 ? r : -EINVAL;
	}
	if (frame->loop != loop)
		return -EINVAL;

	if (--entered.depth == 0) {
		isri_context_leave(frame);
		pthread_mutex_unlock(&mask_of(loop)->users);
	}
	return 0;
}
