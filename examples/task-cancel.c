/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A task that is cancelled puts things right before it ends. It drives a
 * motor until a switch closes, 10 s at most; and however that ends, it brakes,
 * which takes a while. So it takes the cancel back, or its wait for the motor
 * would be over at once.
 *
 * usage: task-cancel [MS]    until it is cancelled
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isrloop.h>

#define MS ((int64_t)1000000)

struct motor {
	struct isr_loop *loop;
	/* Nobody closes it here. */
	struct isr_flag at_end;
	int64_t drive_ns;
};

static int drive(void *arg)
{
	struct motor *motor = arg;
	int r;

	printf("drive\n");
	r = isr_wait(&motor->at_end, 10000 * MS);
	if (r < 0)
		goto out;
	r = 0;
out:
	printf("brake: %s\n", strerror(-r));
	isr_uncancel();
	/* Of a loop that is being freed it is over at once all the same. */
	isr_sleep(50 * MS);
	printf("off\n");
	return r;
}

static int control(void *arg)
{
	struct motor *motor = arg;
	struct isr_task *task;
	int r, result;

	r = isr_spawn(motor->loop, NULL, drive, motor, &task);
	if (r < 0)
		return r;
	isr_sleep(motor->drive_ns);
	isr_cancel(task);
	/* It ends soon, not now. */
	r = isr_join(task, &result, ISR_FOREVER);
	if (r == 0)
		printf("it ended: %s\n", strerror(-result));
	isr_loop_stop(motor->loop);
	return r;
}

int main(int argc, char **argv)
{
	struct motor motor = {.drive_ns = 20 * MS};
	int r;

	if (argc > 1)
		motor.drive_ns = atoi(argv[1]) * MS;
	if (isr_loop_new(NULL, &motor.loop) < 0)
		return 1;
	r = isr_flag_init(&motor.at_end, motor.loop, ISR_FLAG_AUTO);
	if (r == 0)
		r = isr_spawn(motor.loop, NULL, control, &motor, NULL);
	if (r == 0)
		r = isr_loop_run(motor.loop);
	isr_loop_free(motor.loop);
	return r ? 1 : 0;
}
