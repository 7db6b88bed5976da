/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: the event's layout is ABI. */
#include <stddef.h>

#include <isrloop/event.h>

_Static_assert(sizeof(struct isr_event) == 32, "isr_event is 32 bytes");
_Static_assert(offsetof(struct isr_event, t_ns) == 0, "isr_event is ABI");
_Static_assert(offsetof(struct isr_event, seq) == 8, "isr_event is ABI");
_Static_assert(offsetof(struct isr_event, seq_high) == 12, "isr_event is ABI");
_Static_assert(offsetof(struct isr_event, line_seq) == 16, "isr_event is ABI");
_Static_assert(offsetof(struct isr_event, lost) == 20, "isr_event is ABI");
_Static_assert(offsetof(struct isr_event, value) == 24, "isr_event is ABI");
_Static_assert(offsetof(struct isr_event, source) == 28, "isr_event is ABI");
_Static_assert(offsetof(struct isr_event, kind) == 30, "isr_event is ABI");
_Static_assert(offsetof(struct isr_event, flags) == 31, "isr_event is ABI");
