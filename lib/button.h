/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: the decisions of a button, apart from loop and contact: what the contact
 * did goes in, and that time has passed; events come out.
 */
#ifndef ISRI_BUTTON_H
#define ISRI_BUTTON_H

#include <isrloop/button.h>

#define ISRI_BUTTON_NEVER UINT64_MAX

/* What is decided by; constant. */
struct isri_button_rules {
	uint64_t long_ns;   /* NEVER: nothing is long */
	uint64_t click_ns;  /* NEVER: each click stands alone */
	uint64_t repeat_ns; /* NEVER: LONG is told once */
	uint32_t max_clicks;
	enum isr_button_suppress suppress;
};

/* A change of the contact, as events tell of it. */
struct isri_button_change {
	uint64_t t_first_ns;
	uint64_t t_settled_ns;
	uint32_t bounces;
	uint32_t lost;
	uint8_t flags;
};

struct isri_button_core {
	struct isri_button_rules rules;
	/* All that is due until then is decided. */
	uint64_t now_ns;
	/* NEVER: nobody waits for another click. */
	uint64_t click_due_ns;
	/* LONG, then each REPEAT; NEVER: neither. */
	uint64_t long_due_ns;
	struct isri_button_change press;
	struct isri_button_change release;
	/* Of the series; 0: none was begun. */
	uint32_t clicks;
	uint32_t repeats;
	bool is_pressed;
	bool is_long;
	/* The press of the series, if it is alone, was told. */
	bool is_told;
};

/* What one step of it tells, in order. */
struct isri_button_told {
	unsigned int n;
	struct isr_button_event events[2];
};

void isri_button_init(struct isri_button_core *core,
		      const struct isri_button_rules *rules);

/* When the next thing is due; NEVER. */
uint64_t isri_button_get_due_ns(const struct isri_button_core *core);

/*
 * Changes of the contact before t_ns are known. Decides what is due first, if
 * that is not after t_ns; false: nothing is. May decide without telling.
 */
bool isri_button_tick(struct isri_button_core *core, uint64_t t_ns,
		      struct isri_button_told *ret_told);

/*
 * The contact changed; all that was due until then is decided. The first one
 * may be a release: of a press that nobody saw.
 */
void isri_button_change(struct isri_button_core *core, bool is_pressed,
			const struct isri_button_change *change,
			struct isri_button_told *ret_told);

/* More is known of the last change: what was lost, and flags, add up. */
void isri_button_settle(struct isri_button_core *core,
			const struct isri_button_change *change);

#endif /* ISRI_BUTTON_H */
