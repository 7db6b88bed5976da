/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: what a loop has that needs no libev: its configuration, its counters,
 * what lives in it, its log.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "context.h"
#include "loop.h"
#include "size.h"
#include "stack.h"

#define LOG_BYTES 600

#define URGENT_STEPS 64
#define URGENT_NS 5000000
#define STACK_BYTES (64 * 1024)
#define STACKS_KEPT 64

int isri_loop_check_config(const struct isr_loop_config *config,
			   const char *function)
{
	uint32_t depth;
	int r;

	r = isri_context_refuse_isr(function);
	if (r < 0)
		return r;
	if (!config)
		return 0;
	r = isri_check_size(config, config->sz, sizeof(*config));
	if (r < 0)
		return r;
	depth = config->schedule_depth;
	if (depth && (depth < 2 || depth > ISRI_SCHEDULE_DEPTH_MAX ||
		      (depth & (depth - 1))))
		return -EINVAL;
	if (config->stack_bytes &&
	    (config->stack_bytes < ISRI_STACK_MIN_BYTES ||
	     config->stack_bytes > ISRI_STACK_MAX_BYTES))
		return -EINVAL;
	return 0;
}

void isri_loop_take_config(struct isr_loop *loop,
			   const struct isr_loop_config *config)
{
	struct isr_loop_config *mine = &isri_loop_base(loop)->config;

	if (config)
		*mine = *config;
	if (!mine->schedule_depth)
		mine->schedule_depth = ISRI_SCHEDULE_DEPTH;
	if (!mine->urgent_steps)
		mine->urgent_steps = URGENT_STEPS;
	if (!mine->urgent_ns)
		mine->urgent_ns = URGENT_NS;
	mine->urgent_ns = isri_clock_limit_ns(mine->urgent_ns);
	mine->spin_ns = isri_clock_limit_ns(mine->spin_ns);
	/* Nobody could set anything meanwhile. */
	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		mine->spin_ns = 0;
	if (!mine->stack_bytes)
		mine->stack_bytes = STACK_BYTES;
	if (!mine->stacks_kept)
		mine->stacks_kept = STACKS_KEPT;
}

int isr_loop_get_stats(const struct isr_loop *loop,
		       struct isr_loop_stats *ret_stats)
{
	const struct isri_loop_base *base = (const void *)loop;
	const struct isri_loop_head *head = (const void *)loop;
	int r = isri_loop_check(loop);

	if (r < 0)
		return r;
	if (!ret_stats)
		return -EINVAL;
	*ret_stats = (struct isr_loop_stats){
		.wakeups = base->wakeups,
		.passes = base->passes,
		.deliveries = head->wake.deliveries,
		.scheduled = head->schedule.made,
		.schedule_refused =
			isr_ring_get_lost_total(&head->schedule.ring),
		.masks = head->mask.masks,
		.mask_max_ns = head->mask.max_ns,
		.mask_max_where = head->mask.max_where,
		.steps = base->steps.n_steps,
		.urgent_steps = base->steps.n_urgent,
		.budget_exhausted = base->steps.budget_exhausted,
		.step_max_ns = base->steps.max_ns,
		.tasks = base->n_tasks,
		.probes = base->polling.probes,
		.probe_ns = base->polling.probe_ns,
		.rounds = base->polling.rounds,
		.round_ns = base->polling.round_ns,
	};
	memcpy(ret_stats->step_max_name, base->steps.max_name,
	       sizeof(ret_stats->step_max_name));
	return 0;
}

int isr_loop_set_log_cb(struct isr_loop *loop, isr_log_cb *cb, void *arg)
{
	int r = isri_loop_check(loop);

	if (r < 0)
		return r;
	isri_loop_base(loop)->log_cb = cb;
	isri_loop_base(loop)->log_arg = arg;
	isri_emerg_announce(loop);
	return 0;
}

void isri_loop_log(struct isr_loop *loop, enum isr_log_level level,
		   const char *format, ...)
{
	char message[LOG_BYTES];
	va_list ap;

	if (!isri_loop_base(loop)->log_cb)
		return;
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	isri_loop_base(loop)->log_cb(level, message,
				     isri_loop_base(loop)->log_arg);
}

void isri_loop_member_add(struct isr_loop *loop,
			  struct isri_loop_member *member,
			  void (*close)(struct isri_loop_member *member))
{
	struct isri_loop_base *base = isri_loop_base(loop);

	member->is_source = false;
	member->close = close;
	member->next = base->members;
	member->prev = &base->members;
	if (member->next)
		member->next->prev = &member->next;
	base->members = member;
}

void isri_loop_member_remove(struct isri_loop_member *member)
{
	if (!member->prev)
		return;
	*member->prev = member->next;
	if (member->next)
		member->next->prev = member->prev;
	*member = (struct isri_loop_member){0};
}

static bool is_id_taken(struct isr_loop *loop, int id)
{
	return isri_loop_base(loop)->source_ids[id / 8] & (1U << (id % 8));
}

static void flip_ids(struct isr_loop *loop, int id, int n_ids)
{
	for (; n_ids > 0; id++, n_ids--)
		isri_loop_base(loop)->source_ids[id / 8] ^=
			(uint8_t)(1U << (id % 8));
}

int isri_loop_take_source_ids(struct isr_loop *loop, int n_ids)
{
	int first = 1, id;

	for (id = 1; id <= UINT16_MAX; id++) {
		if (is_id_taken(loop, id))
			first = id + 1;
		if (id - first + 1 < n_ids)
			continue;
		flip_ids(loop, first, n_ids);
		return first;
	}
	return -EMFILE;
}

void isri_loop_put_source_ids(struct isr_loop *loop, int id, int n_ids)
{
	flip_ids(loop, id, n_ids);
}
