/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F5: what the two sides of an encoder share. */
#ifndef ISRI_ENCODER_H
#define ISRI_ENCODER_H

#include <isrloop/encoder.h>

#include "atomic.h"

/* Signal class: lib/encoder.c. */
void isri_encoder_put_value(struct isr_encoder *encoder, int64_t value);

#endif /* ISRI_ENCODER_H */
