/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5, signal class: the state of a button, for any context. It is that of its
 * contact. What it does is in button-loop.c, what it decides in button-core.c.
 */
#include "button.h"

bool isr_button_is_pressed(const struct isr_button *button)
{
	return button && isr_switch_is_closed(&button->contact);
}
