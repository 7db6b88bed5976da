/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: what a kind of chip must do. One backend, one file: chip-NAME.c.
 *
 * A backend embeds struct isr_chip and struct isri_chip_request as the first
 * members of its own structs.
 */
#ifndef ISRI_CHIP_H
#define ISRI_CHIP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/chip.h>
#include <isrloop/event.h>

/* The depth of an event FIFO, as the kernel bounds it for one request. */
#define ISRI_CHIP_FIFO_EVENTS_MIN 16
#define ISRI_CHIP_FIFO_EVENTS_MAX 1024

struct isri_chip_request;

/*
 * How to request lines, all of them alike: one FIFO, one sequence. Every
 * member is set.
 */
struct isri_chip_request_config {
	uint32_t n_lines; /* 1 to ISR_PIN_LINES_MAX */
	uint32_t offsets[ISR_PIN_LINES_MAX];
	enum isr_edge edge;
	enum isr_bias bias;
	enum isr_clock clock;
	bool active_low;
	uint64_t debounce_ns; /* 0: not debounced */
	uint32_t fifo_events; /* asked; 0: the deepest */
	const char *consumer; /* NULL: "isrloop" */
};

struct isri_chip_ops {
	/* offset is in range. */
	int (*get_line_info)(struct isr_chip *chip, uint32_t offset,
			     struct isr_line_info *ret_info);
	/*
	 * Offsets are in range and differ, consumer is not NULL, fifo_events
	 * the depth to have (isri_chip_fifo_events). All lines or none. Fills
	 * reterr_error on failure (never NULL here).
	 */
	int (*request)(struct isr_chip *chip,
		       const struct isri_chip_request_config *config,
		       struct isri_chip_request **ret_request,
		       struct isr_error *reterr_error);
	/* Both NULL: not simulated. offset is in range. */
	int (*sim_set)(struct isr_chip *chip, uint32_t offset, int value,
		       uint64_t t_ns);
	int (*sim_set_line_seq)(struct isr_chip *chip, uint32_t offset,
				uint32_t line_seq);
	/* The last reference is gone, so no request is left either. */
	void (*free)(struct isr_chip *chip);
};

struct isr_chip {
	const struct isri_chip_ops *ops;
	_Atomic unsigned int refs; /* any thread */
	/* Constant once open. */
	uint32_t num_lines;
	char *name;
	char *label;
};

struct isri_chip_request_ops {
	int (*read)(struct isri_chip_request *request,
		    struct isr_event *ret_events, size_t max_events);
	int (*get_values)(struct isri_chip_request *request, int *ret_values);
	void (*release)(struct isri_chip_request *request);
};

struct isri_chip_request {
	const struct isri_chip_request_ops *ops;
	struct isr_chip *chip; /* a reference; chip.c's to write */
	int fd; /* readable while there are events; the request owns it */
	uint32_t fifo_events; /* the depth that it really has */
};

/*
 * For users of lines.
 */

/*
 * Request lines; takes a reference of the chip. reterr_error may be NULL.
 * Returns 0; -EINVAL; -EBUSY; -EOPNOTSUPP; -ENOMEM; what the kernel says.
 */
int isri_chip_request(struct isr_chip *chip,
		      const struct isri_chip_request_config *config,
		      struct isri_chip_request **ret_request,
		      struct isr_error *reterr_error);

/*
 * Take events out of the FIFO: one reader thread at a time, no allocation,
 * never blocks. Returns their number, which may be less than both max_events
 * and what there is; 0 when there are none; -ENODEV when the chip is gone.
 * Of each event t_ns, line_seq (the request's sequence), source (the line's
 * index in the request), kind, value and flags (DEBOUNCED, SIMULATED) are set,
 * the rest is 0. Events of several lines may stand a little out of order.
 */
int isri_chip_request_read(struct isri_chip_request *request,
			   struct isr_event *ret_events, size_t max_events);

/* The logical levels now: bit i is line i. Returns 0; what the kernel says. */
int isri_chip_request_get_values(struct isri_chip_request *request,
				 int *ret_values);

/* Closes the fd and drops the chip's reference. NULL is legal. */
void isri_chip_request_release(struct isri_chip_request *request);

/*
 * For backends.
 */

/* Starts with one reference. Returns 0 or -ENOMEM, then done is not due. */
int isri_chip_init(struct isr_chip *chip, const struct isri_chip_ops *ops,
		   const char *name, const char *label, uint32_t num_lines);
void isri_chip_done(struct isr_chip *chip);

/*
 * One more reference unless the last one is gone already: for a backend
 * that finds open chips again.
 */
bool isri_chip_try_ref(struct isr_chip *chip);

/* The depth that the kernel gives a request that asked for so many. */
uint32_t isri_chip_fifo_events(uint32_t asked_events);

/* Bytes that the text of a line takes at most, but for long chip names. */
#define ISRI_CHIP_LINE_TEXT_BYTES (3 * ISR_NAME_BYTES + 32)

/* `gpiochip0 [pinctrl-rp1], line 17 "BUTTON"`; name may be empty. */
void isri_chip_line_text(const struct isr_chip *chip, uint32_t offset,
			 const char *name, char *buffer, size_t size_bytes);

#endif /* ISRI_CHIP_H */
