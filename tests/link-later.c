/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * link-later LIBRARY: a program that loads the library when it has threads
 * already. Each of them has room for the library's own data by then, which no
 * signal handler has to make.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <isrloop.h>

static int fds[2];
static bool (*in_context)(void);
static bool was_in_context, was_outside;

static int note(struct isr_source *source, const struct isr_event *event,
		void *arg)
{
	(void)source;
	(void)event;
	(void)arg;
	was_in_context = in_context();
	return 0;
}

/* Older than the library. */
static void *raise_later(void *arg)
{
	char byte;

	(void)arg;
	if (read(fds[0], &byte, 1) == 1) {
		was_outside = !in_context();
		raise(SIGUSR1);
	}
	return NULL;
}

/* As POSIX has it: the result of dlsym(3) may be a function. */
#define LOAD(library, pointer, name) \
	(*(void **)&(pointer) = dlsym(library, name))

int main(int argc, char **argv)
{
	const struct isr_source_options hard = {.hard = true};
	int (*loop_new)(const struct isr_loop_config *, struct isr_loop **);
	int (*signal_open)(struct isr_loop *, int,
			   const struct isr_source_options *, isr_handler_cb *,
			   void *, struct isr_source **);
	int (*loop_free)(struct isr_loop *);
	struct isr_source *source;
	struct isr_loop *loop;
	pthread_t thread;
	void *library;

	if (argc != 2 || pipe(fds) < 0 ||
	    pthread_create(&thread, NULL, raise_later, NULL))
		return 2;
	library = dlopen(argv[1], RTLD_LAZY);
	if (!library) {
		fprintf(stderr, "link-later: %s\n", dlerror());
		return 1;
	}
	if (!LOAD(library, in_context, "isr_in_context") ||
	    !LOAD(library, loop_new, "isr_loop_new") ||
	    !LOAD(library, signal_open, "isr_signal_open") ||
	    !LOAD(library, loop_free, "isr_loop_free"))
		return 1;

	if (loop_new(NULL, &loop) < 0 ||
	    signal_open(loop, SIGUSR1, &hard, note, NULL, &source) < 0)
		return 1;
	if (write(fds[1], "", 1) != 1)
		return 2;
	pthread_join(thread, NULL);
	if (!was_in_context || !was_outside || in_context())
		return 1;
	return loop_free(loop) < 0;
}
