/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A critical section, and an error in a handler. A timer fills a buffer, five
 * values at a time; the loop empties it while handlers are masked, because it
 * touches two things that the handler changes. When the loop is too slow the
 * buffer is full: the handler fails, its source is disarmed, a record says so,
 * and the program goes on.
 *
 * usage: bounds [slow]
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <isrloop.h>

#define ARRAY_SIZE 20
#define TOTAL 100

struct app {
	struct isr_loop *loop;
	struct isr_source *filler;
	/* Both sides': the loop's only while it masks. */
	int data[ARRAY_SIZE];
	int index;
	int next; /* the handler's */
	/* the loop's */
	int expected, received, misplaced;
	bool failed;
};

static int fill(struct isr_source *timer, const struct isr_event *event,
		void *arg)
{
	struct app *app = arg;
	int i;

	for (i = 0; i < 5; i++) {
		if (app->index == ARRAY_SIZE)
			return isr_fail(-EOVERFLOW, "array bounds exceeded");
		app->data[app->index++] = app->next++;
	}
	return 0;
}

/* Short and predictable inside; printing comes after. */
static int drain(struct isr_source *timer, const struct isr_event *event,
		 void *arg)
{
	struct app *app = arg;
	int copy[ARRAY_SIZE], n, i, mask;

	mask = isr_mask(app->loop);
	if (mask < 0)
		return mask;
	n = app->index;
	memcpy(copy, app->data, (size_t)n * sizeof(copy[0]));
	app->index = 0;
	isr_unmask(app->loop, mask);

	for (i = 0; i < n; i++)
		app->misplaced += copy[i] != app->expected++;
	app->received += n;
	if (app->received >= TOTAL || app->failed)
		isr_loop_stop(app->loop);
	return 0;
}

static void on_failure(struct isr_flag *failed, uint32_t count, void *arg)
{
	struct app *app = arg;

	app->failed = true;
}

static void on_record(const struct isr_emerg *record, void *arg)
{
	printf("%s: %s\n", record->source_name, record->message);
}

static int open_sources(struct app *app, uint64_t drain_period_ns)
{
	const struct isr_source_options options = {
		.name = "filler",
		.hard = true,
	};
	struct isr_source *drainer;
	int r;

	r = isr_emerg_set_cb(app->loop, on_record, NULL);
	if (r < 0)
		return r;
	r = isr_timer_open(app->loop, 10000000, 10000000, &options, fill, app,
			   &app->filler);
	if (r < 0)
		return r;
	r = isr_flag_set_cb(isr_source_get_failed_flag(app->filler), on_failure,
			    app);
	if (r < 0)
		return r;
	return isr_timer_open(app->loop, drain_period_ns, drain_period_ns, NULL,
			      drain, app, &drainer);
}

int main(int argc, char **argv)
{
	bool slow = argc > 1 && strcmp(argv[1], "slow") == 0;
	struct app app = {0};
	int r;

	if (isr_loop_new(NULL, &app.loop) < 0)
		return 1;
	r = open_sources(&app, slow ? 200000000 : 1000000);
	if (r == 0)
		r = isr_loop_run(app.loop);
	isr_loop_free(app.loop);

	printf("%d values, %d out of place%s\n", app.received, app.misplaced,
	       app.failed ? ", then it was full" : "");
	return r ? 1 : 0;
}
