/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: what lives in a loop: its members, their numbers, its log.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "loop.h"

#define LOG_BYTES 600

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

int isri_loop_take_source_id(struct isr_loop *loop)
{
	int id;

	for (id = 1; id <= UINT16_MAX; id++) {
		uint8_t *byte = &isri_loop_base(loop)->source_ids[id / 8];
		uint8_t bit = (uint8_t)(1U << (id % 8));

		if (!(*byte & bit)) {
			*byte |= bit;
			return id;
		}
	}
	return -EMFILE;
}

void isri_loop_put_source_id(struct isr_loop *loop, int id)
{
	isri_loop_base(loop)->source_ids[id / 8] &= (uint8_t) ~(1U << (id % 8));
}
