/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: isr_word, one integer that handlers and ordinary code both change.
 */
#ifndef ISRLOOP_WORD_H
#define ISRLOOP_WORD_H

#include <stdint.h>

#include <isrloop/isr.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** The caller's memory; begins as ISR_WORD_INIT(), or zeroed. Private. */
struct isr_word {
	/* any context, atomic: an int64_t, in two's complement */
	ISR_COUNTER bits;
};

/** A word that begins with a value. */
#define ISR_WORD_INIT(value)      \
	{                         \
		(uint64_t)(value) \
	}

ISR_END_DECLS

#endif /* ISRLOOP_WORD_H */
