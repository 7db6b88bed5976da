/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * How fast something turns that pulses twice a turn, as most fans do; five
 * times, every 200 ms from the first pulse on.
 *
 * usage: tacho [CHIP [LINE]]
 */
#include <stdio.h>

#include <isrloop.h>

static void on_report(struct isr_counter *fan,
		      const struct isr_counter_reading *now, void *arg)
{
	static int reports;

	if (now->state == ISR_COUNTER_STOPPED)
		printf("it stands still\n");
	else
		printf("%.0f turns a minute, %.1f to %.1f Hz, "
		       "high for %.0f %%, jitter %.1f us\n",
		       now->frequency_hz * 60 / 2, now->frequency_min_hz,
		       now->frequency_max_hz, now->duty * 100,
		       now->period_stddev_ns / 1000);
	if (++reports < 5)
		return;
	isr_loop_stop(arg);
	isr_counter_close(fan);
}

int main(int argc, char **argv)
{
	struct isr_counter_config config = {.sz = sizeof(config)};
	static struct isr_counter fan;
	struct isr_error error = {0};
	struct isr_loop *loop;

	config.pin.sz = sizeof(config.pin);
	config.pin.chip = argc > 1 ? argv[1] : "sim:";
	config.pin.line = argc > 2 ? argv[2] : "CLOCK";
	/* A fan connects it to ground and lets go of it. */
	config.pin.bias = ISR_BIAS_PULL_UP;
	config.report_ns = 200000000;
	config.cb = on_report;
	if (isr_loop_new(NULL, &loop) < 0)
		return 1;
	config.arg = loop;
	if (isr_counter_open(&fan, loop, &config, &error) == 0)
		isr_loop_run(loop);
	else
		fprintf(stderr, "%s\n", error.message);
	isr_loop_free(loop);
	return error.code ? 1 : 0;
}
