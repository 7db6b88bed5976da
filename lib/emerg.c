/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: emergency records, written in any context.
 *
 * Many writers, the loop reads. A writer claims a place, fills it and commits
 * it, as in a ring (ring.c); nobody waits for a writer that was interrupted.
 * When all places are taken the record is counted, not stored: so the first
 * error, which explains those after it, is never overwritten.
 *
 * ORDERING
 *   emerg:A (commit, release of seq) <-> emerg:B (emerg-loop.c, acquire of
 *           seq): the record before its sequence
 *   emerg:C (emerg-loop.c, release of tail) <-> emerg:D (claim, acquire of
 *           tail): copied out before it is written anew
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#include "atomic.h"
#include "context.h"
#include "emerg.h"
#include "loop-head.h"
#include "test-point.h"

#define TELL_EVERY_NS 1000000000

/* Keeps the end: that is where the file and line are. */
static void copy_end(char *ret_text, const char *text)
{
	size_t length = strlen(text);

	if (length >= ISR_EMERG_TEXT_BYTES)
		text += length - (ISR_EMERG_TEXT_BYTES - 1);
	strncpy(ret_text, text, ISR_EMERG_TEXT_BYTES - 1);
}

#if defined(__x86_64__) || defined(__aarch64__)

struct walk {
	struct isr_emerg *record;
	unsigned int skip;
};

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context,
				      void *arg)
{
	struct walk *walk = arg;
	struct isr_emerg *record = walk->record;

	if (walk->skip) {
		walk->skip--;
		return _URC_NO_REASON;
	}
	if (record->n_frames == ISR_EMERG_FRAMES_MAX)
		return _URC_END_OF_STACK;
	record->frames[record->n_frames++] = (void *)_Unwind_GetIP(context);
	return _URC_NO_REASON;
}

/*
 * Since gcc 12 and glibc 2.35 the unwinder finds its tables without a lock
 * or an allocation; isri_emerg_init() has called it once before.
 */
static void walk_stack(struct isr_emerg *record)
{
	/* This function and isri_emerg_fill(). */
	struct walk walk = {.record = record, .skip = 2};

	_Unwind_Backtrace(take_frame, &walk);
}

#else

/* Elsewhere it may take the dynamic linker's lock. */
static void walk_stack(struct isr_emerg *record)
{
	record->frames[0] = __builtin_return_address(0);
	record->n_frames = 1;
}

#endif

void isri_emerg_describe(struct isr_emerg *ret_record, enum isr_emerg_kind kind,
			 int code, uint64_t value_ns, const char *message,
			 const char *where)
{
	struct isr_source *source = isr_context_get_source();

	memset(ret_record, 0, sizeof(*ret_record));
	ret_record->t_ns = isr_now_ns();
	ret_record->value_ns = value_ns;
	ret_record->code = code;
	ret_record->tid = gettid();
	ret_record->kind = (uint8_t)kind;
	ret_record->context = (uint8_t)isri_context_get_kind();
	if (source) {
		ret_record->source = isr_source_get_id(source);
		strncpy(ret_record->source_name, isr_source_get_name(source),
			sizeof(ret_record->source_name) - 1);
	}
	if (message)
		strncpy(ret_record->message, message,
			sizeof(ret_record->message) - 1);
	if (where)
		copy_end(ret_record->where, where);
}

__attribute__((noinline)) void isri_emerg_fill(struct isr_emerg *ret_record,
					       enum isr_emerg_kind kind,
					       int code, uint64_t value_ns,
					       const char *message,
					       const char *where)
{
	isri_emerg_describe(ret_record, kind, code, value_ns, message, where);
	walk_stack(ret_record);
}

/* Claims a place; NULL when all are taken. */
static struct isri_emerg_slot *claim(struct isri_emerg *emerg,
				     uint32_t *ret_place)
{
	uint32_t head, tail;

	/* relaxed: verified by the cas */
	head = atomic_load_explicit(ATOMIC(&emerg->head), memory_order_relaxed);
	do {
		/* emerg:D */
		tail = atomic_load_explicit(ATOMIC(&emerg->tail),
					    memory_order_acquire);
		/* The signed test: a head so old that tail has passed it. */
		if ((int32_t)(head - tail) >= ISR_EMERG_RECORDS) {
			/* relaxed: a counter */
			atomic_fetch_add_explicit(ATOMIC(&emerg->lost), 1,
						  memory_order_relaxed);
			return NULL;
		}
		ISR_TEST_POINT("emerg:D");
		/* relaxed: the place is published by its seq */
	} while (!atomic_compare_exchange_weak_explicit(
		ATOMIC(&emerg->head), &head, head + 1, memory_order_relaxed,
		memory_order_relaxed));

	*ret_place = head;
	return &emerg->slots[head % ISR_EMERG_RECORDS];
}

void isri_emerg_record(struct isr_loop *loop, enum isr_emerg_kind kind,
		       int code, uint64_t value_ns, const char *message,
		       const char *where)
{
	struct isri_emerg_slot *slot;
	struct isri_emerg *emerg;
	int saved = errno;
	uint32_t place;

	if (!loop || !isri_wake_is_at_home(isri_wake_of(loop)))
		return;
	emerg = &isri_loop_head_of(loop)->emerg;
	slot = claim(emerg, &place);
	if (slot) {
		isri_emerg_fill(&slot->record, kind, code, value_ns, message,
				where);
		ISR_TEST_POINT("emerg:A");
		/* emerg:A */
		atomic_store_explicit(ATOMIC(&slot->seq), place + 1,
				      memory_order_release);
		isr_flag_set(&emerg->ready);
	}
	errno = saved;
}

bool isri_emerg_may_tell(uint64_t *told_ns)
{
	uint64_t now_ns = isr_now_ns(), last_ns;

	/* relaxed: a time by itself */
	last_ns = atomic_load_explicit(ATOMIC(told_ns), memory_order_relaxed);
	/* Signed: who told may have looked at the clock after this one. */
	if (last_ns && (int64_t)(now_ns - last_ns) < TELL_EVERY_NS)
		return false;
	/* relaxed: as above; of two at the same time one tells */
	return atomic_compare_exchange_strong_explicit(
		ATOMIC(told_ns), &last_ns, now_ns, memory_order_relaxed,
		memory_order_relaxed);
}

void isri_emerg_misuse(struct isr_loop *loop, const char *function)
{
	char message[ISR_EMERG_TEXT_BYTES] = "";
	static const char in_isr[] = "() in ISR context";
	static const char off_loop[] = "() off the loop's thread";
	size_t length = strlen(function);

	if (length > sizeof(message) - sizeof(off_loop))
		length = sizeof(message) - sizeof(off_loop);
	memcpy(message, function, length);
	if (isr_in_context())
		memcpy(message + length, in_isr, sizeof(in_isr));
	else
		memcpy(message + length, off_loop, sizeof(off_loop));
	isri_emerg_record(loop, ISR_EMERG_MISUSE, -EPERM, 0, message, NULL);
}

int isr_fail_at(int code, const char *message, const char *where)
{
	struct isri_frame *frame = isri_context_get_frame();

	if (!frame)
		return code;
	if (!frame->failed)
		frame->failed = code < 0 ? code : -EIO;
	isri_emerg_record(frame->loop, ISR_EMERG_FAIL, code, 0, message, where);
	return code;
}

uint64_t isr_emerg_get_lost(const struct isr_loop *loop)
{
	if (!loop)
		return 0;
	/* relaxed: a counter */
	return atomic_load_explicit(
		ATOMIC(&((const struct isri_loop_head *)loop)->emerg.lost),
		memory_order_relaxed);
}
