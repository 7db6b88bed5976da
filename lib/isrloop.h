/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Umbrella: the whole library. */
#ifndef ISRLOOP_H
#define ISRLOOP_H

#include <isrloop/button.h>
#include <isrloop/byte-ring.h>
#include <isrloop/chip.h>
#include <isrloop/counter.h>
#include <isrloop/delay.h>
#include <isrloop/emerg.h>
#include <isrloop/encoder.h>
#include <isrloop/error.h>
#include <isrloop/event.h>
#include <isrloop/flag.h>
#include <isrloop/guard.h>
#include <isrloop/hist.h>
#include <isrloop/isr.h>
#include <isrloop/latch.h>
#include <isrloop/loop.h>
#include <isrloop/mask.h>
#include <isrloop/ring.h>
#include <isrloop/source.h>
#include <isrloop/stream.h>
#include <isrloop/switch.h>
#include <isrloop/task.h>
#include <isrloop/word.h>

#endif /* ISRLOOP_H */
