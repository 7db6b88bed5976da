/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: emergency records leave the loop: to the program's callback, or to the
 * log. With neither they wait to be taken.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "emerg.h"
#include "loop.h"

static const char *context_name(uint8_t context)
{
	static const char *const names[] = {
		[ISR_CONTEXT_THREAD] = "a thread",
		[ISR_CONTEXT_LOOP] = "the loop",
		[ISR_CONTEXT_TASK] = "a task",
		[ISR_CONTEXT_SIGNAL] = "a signal handler",
		[ISR_CONTEXT_IRQ_THREAD] = "an IRQ thread",
		[ISR_CONTEXT_USER_THREAD] = "an entered thread",
	};

	return context < sizeof(names) / sizeof(names[0]) ? names[context]
							  : "?";
}

static void log_frame(struct isr_loop *loop, unsigned int i, void *address)
{
	Dl_info info;

	if (!dladdr(address, &info) || !info.dli_fname)
		isri_loop_log(loop, ISR_LOG_DEBUG, "  #%u %p", i, address);
	else if (!info.dli_sname)
		isri_loop_log(
			loop, ISR_LOG_DEBUG, "  #%u %p in %s+0x%zx", i, address,
			info.dli_fname,
			(size_t)((char *)address - (char *)info.dli_fbase));
	else
		isri_loop_log(
			loop, ISR_LOG_DEBUG, "  #%u %p %s+0x%zx in %s", i,
			address, info.dli_sname,
			(size_t)((char *)address - (char *)info.dli_saddr),
			info.dli_fname);
}

static void log_record(struct isr_loop *loop, const struct isr_emerg *record)
{
	const char *error = strerrordesc_np(-record->code);
	char who[64] = "";
	char how_long[48] = "";
	uint32_t i;

	if (record->source)
		snprintf(who, sizeof(who), "source %u (%s): ", record->source,
			 record->source_name);
	if (record->value_ns)
		snprintf(how_long, sizeof(how_long), ", %.3f ms",
			 (double)record->value_ns / 1e6);

	isri_loop_log(loop, ISR_LOG_WARNING,
		      "%s%s: %s (%d)%s, in %s, thread %d%s%s", who,
		      record->message, error ? error : "error", record->code,
		      how_long, context_name(record->context), record->tid,
		      *record->where ? ", at " : "", record->where);
	for (i = 0; i < record->n_frames; i++)
		log_frame(loop, i, record->frames[i]);
}

/*
 * No more than there is room for: handlers that fail as fast as their records
 * are told must not keep the loop here. True when there may be more.
 */
static bool drain(struct isr_loop *loop)
{
	struct isri_emerg *emerg = &isri_loop_base(loop)->head.emerg;
	struct isr_emerg record;
	int i;

	for (i = 0; i < ISR_EMERG_RECORDS; i++) {
		if (!emerg->cb && !isri_loop_base(loop)->log_cb)
			return false;
		if (!isri_emerg_get(emerg, &record))
			return false;
		if (emerg->cb)
			emerg->cb(&record, emerg->arg);
		else
			log_record(loop, &record);
	}
	return true;
}

static void drain_ready(struct isr_flag *ready, uint32_t count, void *arg)
{
	/* After the other flags had their turn. */
	if (drain(arg))
		isr_flag_set(ready);
}

int isri_emerg_start(struct isr_loop *loop)
{
	struct isri_emerg *emerg = &isri_loop_base(loop)->head.emerg;
	int r;

	r = isri_emerg_init(emerg, loop);
	if (r < 0)
		return r;
	return isr_flag_set_cb(&emerg->ready, drain_ready, loop);
}

void isri_emerg_stop(struct isr_loop *loop)
{
	drain(loop);
}

void isri_emerg_announce(struct isr_loop *loop)
{
	struct isri_emerg *emerg = &isri_loop_base(loop)->head.emerg;

	if (isri_emerg_is_pending(emerg))
		isr_flag_set(&emerg->ready);
}

int isr_emerg_set_cb(struct isr_loop *loop, isr_emerg_cb *cb, void *arg)
{
	struct isri_emerg *emerg;
	int r;

	r = isri_loop_check(loop);
	if (r < 0)
		return r;
	emerg = &isri_loop_base(loop)->head.emerg;
	emerg->cb = cb;
	emerg->arg = arg;
	isri_emerg_announce(loop);
	return 0;
}
