/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What test-matrix.c and the calls that tests/matrix-gen writes share: the
 * objects that are called with, and the table of functions.
 */
#ifndef MATRIX_H
#define MATRIX_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <isrloop/button.h>
#include <isrloop/counter.h>
#include <isrloop/delay.h>
#include <isrloop/encoder.h>
#include <isrloop/stream.h>
#include <isrloop/switch.h>

#include "chip.h"
#include "source.h"
#include "task.h"
#include "xt-pin.h"

#define MATRIX_SCRATCH_BYTES 2048
#define MATRIX_SCRATCHES 2

/* Who calls what is refused finds all of it as it was. */
struct matrix_objects {
	struct isr_flag flag;
	struct isr_ring ring; /* of two records */
	struct isr_event slots[2];
	struct isr_latch latch; /* of a struct isr_event */
	struct isr_event latch_slots[3];
	struct isr_byte_ring byte_ring; /* of eight bytes */
	unsigned char bytes[8];
	struct isr_guard guard;
	struct isr_word word;
	int64_t expected;
	struct isr_hist hist;
	struct isr_delay delay;
	struct isr_encoder encoder;
	struct isr_switch sw;	    /* that is fed */
	struct isr_counter counter; /* without a pin */
	struct isr_button button;   /* too */
	struct isr_stream stream;   /* of fd, with these bytes */
	unsigned char stream_bytes[8];
	/* Zeroed memory for those that initialise. */
	struct isr_flag spare_flag;
	struct isr_ring spare_ring;
	struct isr_latch spare_latch;
	struct isr_byte_ring spare_byte_ring;
	struct isr_delay spare_delay;
	struct isr_encoder spare_encoder;
	struct isr_switch spare_switch;
	struct isr_counter spare_counter;
	struct isr_button spare_button;
	struct isr_stream spare_stream;
	struct isr_event spare_slots[3];
	/* Results, by their order, and what is told of a failure. */
	_Alignas(16) char scratch[MATRIX_SCRATCHES][MATRIX_SCRATCH_BYTES];
	struct isr_error error;
};

/* One cell: a function, a context, and what the call may use. */
struct matrix_world {
	const struct matrix_function *function;
	const struct matrix_context *context;
	/* Where the call is made. */
	bool in_isr;
	bool in_callback; /* of the loop's, that may be interrupted */
	bool in_task;	  /* then in_callback as well */
	bool on_loop;	  /* the loop's thread */
	bool is_child;
	struct isr_source *caller; /* whose handler makes it; or NULL */
	/* Of the call. */
	unsigned int n_calls;
	intmax_t result;
	int error; /* errno after it */
	pid_t tid;

	struct matrix_objects objects;
	struct isr_loop *other;
	struct ev_loop *ev;	  /* of the other one */
	struct isr_source *timer; /* not started */
	struct isr_source *fd_source;
	struct isr_source *pin;	     /* line C of the chip */
	struct isr_chip *spare_chip; /* the same, one more reference */
	struct isr_flag *flags[1];   /* that of the objects */
	struct isr_task *task; /* one that ends at once; it has, in a task */
	int fd;
	FILE *out;
	char **specs;
	int n_specs;
	/* Only read. */
	struct isr_event event;
	struct isr_event edge; /* rising */
	struct isr_switch_config switch_config;
	struct isr_counter_config counter_config;
	struct isr_button_config button_config;
	struct isr_loop_config loop_config;
	struct isr_slow_config slow_config;
	struct isr_task_config task_config;
	struct isr_pin_config pin_config;
	struct isr_encoder_config encoder_config;
	struct isr_source_options options;
	char value[sizeof(struct isr_event)];
};

enum matrix_class {
	MATRIX_SIGNAL,
	MATRIX_ANY,
	MATRIX_LOOP,
	MATRIX_TASK,
	MATRIX_SETUP
};

/* What a function returns; refused, -EPERM, NULL, 0 or nothing. */
enum matrix_kind { MATRIX_INT, MATRIX_POINTER, MATRIX_NUMBER, MATRIX_VOID };

struct matrix_function {
	const char *name;
	const char *record_name; /* in a record of misuse */
	enum matrix_class class;
	enum matrix_kind kind;
	bool has_error; /* fills in objects.error when it fails */
	void (*before)(struct matrix_world *w);
	void (*call)(struct matrix_world *w);
	void (*leave)(struct matrix_world *w); /* where the call was made */
	void (*after)(struct matrix_world *w);
	bool (*is_legal)(struct matrix_world *w);
	bool (*is_right)(struct matrix_world *w);
	bool (*has_effect)(struct matrix_world *w);
};

/* The calls that were written from the headers. */
extern const struct matrix_function matrix_functions[];
extern const int matrix_n_functions;

/* What is only read, and what is written to nobody. */
static inline void matrix_prepare(struct matrix_world *w)
{
	w->event.kind = ISR_EVENT_USER;
	w->loop_config.sz = sizeof(w->loop_config);
	w->task_config.sz = sizeof(w->task_config);
	w->encoder_config.sz = sizeof(w->encoder_config);
	w->encoder_config.initial = 7;
	w->slow_config.sz = sizeof(w->slow_config);
	w->slow_config.modes = ISR_SLOW_LATE;
	w->out = fopen("/dev/null", "w");
	ck_assert_ptr_nonnull(w->out);
	xt_ok(isr_encoder_open(&w->objects.encoder, loop, &w->encoder_config,
			       NULL));
}

static inline void matrix_close(struct matrix_world *w)
{
	close(w->fd);
	fclose(w->out);
}

/* For tests/matrix.list */
void matrix_emerg_cb(const struct isr_emerg *record, void *arg);
void matrix_end_loop(struct matrix_world *w);

static inline void matrix_flag_cb(struct isr_flag *flag, uint32_t count,
				  void *arg)
{
}

static inline void matrix_schedule_cb(void *arg)
{
}

static inline void matrix_slow_cb(const struct isr_slow_report *report,
				  void *arg)
{
}

static inline bool matrix_wait_until_cb(void *arg)
{
	return true;
}

static inline int matrix_task_cb(void *arg)
{
	return 0;
}

/* A line in the stream's buffer. */
static inline void matrix_fill(struct matrix_world *w)
{
	memcpy(w->objects.stream_bytes, "A\n", 2);
	w->objects.stream.end = 2;
}

static inline void matrix_put(struct matrix_world *w, unsigned int n)
{
	while (n--)
		(void)isr_ring_put(&w->objects.ring, &w->event);
}

#endif /* MATRIX_H */
