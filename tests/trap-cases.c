/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A program that does in handlers what must not be done there, for
 * tests/test-traps: trap-cases WHAT. It knows nothing of the guard.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <isrloop.h>

#include "trap-cases.h"

static struct isr_loop *loop;
static struct isr_source *source;

static void die(const char *what, int r)
{
	fprintf(stderr, "trap-cases: %s: %s\n", what, strerror(-r));
	exit(1);
}

static void must(const char *what, int r)
{
	if (r < 0)
		die(what, r);
}

/* Hard. */
static struct isr_source *watch(int signo, const char *name, int priority,
				isr_handler_cb *handler)
{
	const struct isr_source_options options = {
		.name = name,
		.priority = priority,
		.hard = true,
	};
	struct isr_source *opened;

	must("isr_signal_open",
	     isr_signal_open(loop, signo, &options, handler, NULL, &opened));
	return opened;
}

static void reap(void)
{
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static int list(void)
{
	for (const struct trap_case *c = trap_cases; c->name; c++)
		puts(c->name);
	return 0;
}

static const struct trap_case *next_case;

static int on_next(struct isr_source *s, const struct isr_event *event,
		   void *arg)
{
	next_case->call();
	return 0;
}

/* Every case in a real signal handler. */
static int in_signal(void)
{
	trap_cases_prepare();
	watch(SIGUSR1, "cases", 0, on_next);
	for (next_case = trap_cases; next_case->name; next_case++)
		raise(SIGUSR1);
	reap();
	return 0;
}

static int on_edge(struct isr_source *s, const struct isr_event *event,
		   void *arg)
{
	if (next_case->name)
		next_case++->call();
	if (!next_case->name)
		isr_loop_stop(loop);
	return 0;
}

static void open_clock(bool hard)
{
	const struct isr_pin_config config = {
		.sz = sizeof(config),
		.source = {.name = "cases", .hard = hard},
		.chip = "sim:",
		.line = "CLOCK",
	};

	next_case = trap_cases;
	must("isr_pin_open",
	     isr_pin_open(loop, &config, on_edge, NULL, &source, NULL));
}

/* Every case in an IRQ thread; or, soft, on the loop. */
static int on_pin(bool hard)
{
	trap_cases_prepare();
	open_clock(hard);
	must("isr_loop_run", isr_loop_run(loop));
	must("isr_source_close", isr_source_close(source));
	reap();
	return 0;
}

static int in_thread(void)
{
	return on_pin(true);
}

static int in_loop(void)
{
	return on_pin(false);
}

static int on_allowed(struct isr_source *s, const struct isr_event *event,
		      void *arg)
{
	trap_call_allowed();
	/* Refused, with a record: the library's own way to it is legal. */
	isr_loop_dispatch(loop);
	isr_fail(-EIO, "a record, with the stack");
	return 0;
}

static int allowed(void)
{
	trap_cases_prepare();
	watch(SIGUSR1, "allowed", 0, on_allowed);
	raise(SIGUSR1);
	return 0;
}

static void *volatile block;

__attribute__((noinline)) static void allocate(void)
{
	block = malloc(10);
}

static int on_malloc(struct isr_source *s, const struct isr_event *event,
		     void *arg)
{
	allocate();
	return 0;
}

/* One place of one source five times, and the same place of another. */
static int again(void)
{
	watch(SIGUSR1, "first", 0, on_malloc);
	watch(SIGUSR2, "second", 0, on_malloc);
	for (int i = 0; i < 5; i++)
		raise(SIGUSR1);
	raise(SIGUSR2);
	return 0;
}

static int on_strdup(struct isr_source *s, const struct isr_event *event,
		     void *arg)
{
	block = strdup("one");
	block = strdup("two");
	return 0;
}

/* Two places whose caller of malloc() is the same. */
static int strdups(void)
{
	watch(SIGUSR1, "strdups", 0, on_strdup);
	raise(SIGUSR1);
	return 0;
}

static volatile sig_atomic_t in_outer;

static void interrupt(void)
{
	raise(SIGUSR2);
}

static int on_outer(struct isr_source *s, const struct isr_event *event,
		    void *arg)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	in_outer = 1;
	pthread_once(&once, interrupt);
	in_outer = 0;
	return 0;
}

static int on_inner(struct isr_source *s, const struct isr_event *event,
		    void *arg)
{
	if (!in_outer)
		_exit(3);
	allocate();
	return 0;
}

/* A handler that interrupts a trapped call of another one. */
static int nested(void)
{
	watch(SIGUSR1, "outer", 0, on_outer);
	watch(SIGUSR2, "inner", 1, on_inner);
	raise(SIGUSR1);
	return 0;
}

/* What the source's policy made of it: how often it ran, and the record. */
static int disarmed(void)
{
	struct isr_source_stats stats;
	struct isr_emerg record;

	source = watch(SIGUSR1, "broken", 0, on_malloc);
	raise(SIGUSR1);
	raise(SIGUSR1);
	must("isr_source_get_stats", isr_source_get_stats(source, &stats));
	printf("delivered %d, failed %d\n", (int)stats.delivered,
	       (int)stats.failed);
	while (isr_emerg_take(loop, &record) > 0)
		printf("%s: %s (%d) at %s\n", record.source_name,
		       record.message, (int)record.code, record.where);
	return 0;
}

static int preserve_errno(struct isr_source *s, const struct isr_event *event,
			  void *arg)
{
	errno = ERANGE;
	allocate();
	if (errno != ERANGE)
		_exit(3);
	return 0;
}

static int keeps_errno(void)
{
	watch(SIGUSR1, "errno", 0, preserve_errno);
	raise(SIGUSR1);
	return 0;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned int entered, handled; /* atomic */

/* Each second: for two of them one handler was inside, and will ever be. */
static void on_alarm(int signo)
{
	static unsigned int before, n_same;
	unsigned int now = __atomic_load_n(&entered, __ATOMIC_RELAXED);

	if (now != before || now == __atomic_load_n(&handled, __ATOMIC_RELAXED))
		n_same = 0;
	else
		n_same++;
	if (n_same == 2) {
		signal(signo, SIG_DFL);
		raise(signo);
	}
	before = now;
}

/* A process that is stuck is killed by SIGALRM. */
static void die_when_stuck(void)
{
	const struct itimerval every = {{1, 0}, {1, 0}};

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
}

static int on_lock(struct isr_source *s, const struct isr_event *event,
		   void *arg)
{
	__atomic_add_fetch(&entered, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return 0;
}

/* The handler wants the lock that the code it interrupts holds. */
static int deadlock(void)
{
	watch(SIGUSR1, "deadlock", 0, on_lock);
	die_when_stuck();
	pthread_mutex_lock(&mutex);
	raise(SIGUSR1);
	pthread_mutex_unlock(&mutex);
	return 0;
}

/* More than the C library keeps for each thread: the heap itself is used. */
#define HEAP_BYTES 100000

static int on_heap(struct isr_source *s, const struct isr_event *event,
		   void *arg)
{
	__atomic_add_fetch(&entered, 1, __ATOMIC_RELAXED);
	free(malloc(HEAP_BYTES));
	__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
	return 0;
}

static void *flood(void *arg)
{
	for (;;)
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

/* The same with the heap's lock, and as it happens to programs: at random. */
static int heap(void)
{
	pthread_t self = pthread_self(), flooder;

	watch(SIGUSR1, "heap", 0, on_heap);
	if (pthread_create(&flooder, NULL, flood, &self) != 0)
		return 1;
	die_when_stuck();
	while (__atomic_load_n(&handled, __ATOMIC_RELAXED) < 1000 * 1000) {
		block = malloc(HEAP_BYTES);
		free(block);
	}
	_exit(0);
}

static void *enter(void *arg)
{
	must("isr_enter", isr_enter(loop));
	must("isr_enter", isr_enter(loop));
	allocate();
	must("isr_exit", isr_exit(loop));
	allocate();
	must("isr_exit", isr_exit(loop));
	allocate();
	return arg;
}

/*
 * A thread that says of itself that it is an interrupt. As micropython's
 * heap_lock.py: no allocation at depth 2 and 1, one at depth 0.
 */
static int in_user_thread(void)
{
	pthread_t user;

	return pthread_create(&user, NULL, enter, NULL) != 0 ||
	       pthread_join(user, NULL) != 0;
}

/* A child that does not use isrloop. */
static int children(void)
{
	return system("ls /dev/null");
}

static const struct {
	const char *name;
	int (*run)(void);
} actions[] = {
	{"again", again},	{"allowed", allowed},
	{"children", children}, {"deadlock", deadlock},
	{"disarmed", disarmed}, {"errno", keeps_errno},
	{"heap", heap},		{"list", list},
	{"loop", in_loop},	{"nested", nested},
	{"signal", in_signal},	{"strdups", strdups},
	{"thread", in_thread},	{"user", in_user_thread},
};

int main(int argc, char **argv)
{
	const struct rlimit no_core = {0};
	int r;

	/* Some actions end in abort(). */
	setrlimit(RLIMIT_CORE, &no_core);
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (argc != 2 || strcmp(argv[1], actions[i].name) != 0)
			continue;
		must("isr_loop_new", isr_loop_new(NULL, &loop));
		r = actions[i].run();
		isr_loop_free(loop);
		return r;
	}
	fprintf(stderr, "usage: trap-cases WHAT\n");
	return 2;
}
