/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: IRQ threads and readers.
 *
 * TWO THREADS A PRIORITY. A critical section keeps hard handlers waiting, on
 * a lock with priority inheritance, so that the loop is lifted while they
 * do. One thread for both would then not drain either. Apart, a reader waits
 * neither for that nor for a hard handler, and the thread's own lock is all
 * that a critical section takes.
 *
 * REMOVAL. The thread waits without the lock and serves with it, one entry
 * at a time. Between the two an entry may have been removed and freed, so
 * every removal, or change, counts up "generation": what epoll_wait()
 * reported counts only while the generation is still the one from before the
 * wait. If it is not, the report is dropped; level-triggered, epoll says it
 * again. Adding needs no such care: no old report can name a new entry.
 *
 * The lock has priority inheritance: a loop of low priority that holds it
 * for a moment is lifted, and whoever waits gets it handed over, so that
 * the loop waits for one batch of one entry at most.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <isrloop/event.h>
#include <isrloop/source.h>

#include "crash.h"
#include "irq-thread.h"
#include "thread.h"

/*
 * Of the lowest one; the highest is below the kernel's own interrupt threads
 * (50), which feed ours.
 */
#define PRIORITY 40
#define NAME_BYTES 16
#define REPORTS_MAX 16
/* Stack that handlers may use without a page fault. */
#define STACK_TOUCHED_BYTES (64 * 1024)

struct isri_irq_thread {
	/* constant from start to stop */
	pthread_t id;
	struct isr_loop *loop;
	/* Where the loop keeps it. */
	struct isri_irq_thread **home;
	bool hard;
	int priority;
	int epoll_fd;
	int stop_fd; /* an eventfd; readable: end */

	/* loop only */
	unsigned int users;
	bool held; /* locked until isri_irq_threads_hard_unlock() */

	/* under the lock */
	pthread_mutex_t lock;
	unsigned int generation;
	bool ended; /* by itself: it could not wait */
};

_Static_assert(ISRI_IRQ_THREADS_MAX >= 2 * (ISR_PRIORITY_MAX + 1),
	       "hard ones, and then readers, by priority");

static struct isri_irq_threads *get_threads(struct isr_loop *loop)
{
	return &isri_loop_base(loop)->irq_threads;
}

void isri_irq_thread_lock(struct isri_irq_thread *thread)
{
	if (!thread->held)
		pthread_mutex_lock(&thread->lock);
}

void isri_irq_thread_unlock(struct isri_irq_thread *thread)
{
	if (!thread->held)
		pthread_mutex_unlock(&thread->lock);
}

static void hold(struct isri_irq_thread *thread)
{
	pthread_mutex_lock(&thread->lock);
	thread->held = true;
}

static void let_go(struct isri_irq_thread *thread)
{
	thread->held = false;
	pthread_mutex_unlock(&thread->lock);
}

void isri_irq_threads_hard_lock(struct isr_loop *loop)
{
	struct isri_irq_threads *threads = get_threads(loop);
	int i;

	for (i = 0; i < ISRI_IRQ_THREADS_MAX; i++)
		if (threads->of[i] && threads->of[i]->hard)
			hold(threads->of[i]);
	threads->held = true;
}

void isri_irq_threads_hard_unlock(struct isr_loop *loop)
{
	struct isri_irq_threads *threads = get_threads(loop);
	int i;

	for (i = ISRI_IRQ_THREADS_MAX - 1; i >= 0; i--)
		if (threads->of[i] && threads->of[i]->held)
			let_go(threads->of[i]);
	threads->held = false;
}

static void unwatch(struct isri_irq_thread *thread,
		    struct isri_irq_entry *entry)
{
	epoll_ctl(thread->epoll_fd, EPOLL_CTL_DEL, entry->fd, NULL);
	entry->events = 0;
	thread->generation++;
}

int isri_irq_thread_watch(struct isri_irq_thread *thread,
			  struct isri_irq_entry *entry, unsigned int events)
{
	struct epoll_event ev = {
		.events = ((events & ISR_FD_READ) ? EPOLLIN : 0) |
			  ((events & ISR_FD_WRITE) ? EPOLLOUT : 0),
		.data.ptr = entry,
	};

	if (entry->events == events)
		return 0;
	if (!events) {
		unwatch(thread, entry);
		return 0;
	}
	if (epoll_ctl(thread->epoll_fd,
		      entry->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, entry->fd,
		      &ev) < 0)
		return -errno;

	/* An old report says nothing about what is waited for now. */
	if (entry->events)
		thread->generation++;
	entry->events = events;
	return 0;
}

/* Errors and hang-ups are told by both, as a loop does. */
static unsigned int to_events(uint32_t ready)
{
	unsigned int events = 0;

	if (ready & (EPOLLIN | EPOLLERR | EPOLLHUP))
		events |= ISR_FD_READ;
	if (ready & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		events |= ISR_FD_WRITE;
	return events;
}

/* False when the report was of another generation. */
static bool serve(struct isri_irq_thread *thread, unsigned int generation,
		  const struct epoll_event *report)
{
	struct isri_irq_entry *entry = report->data.ptr;
	bool valid;

	pthread_mutex_lock(&thread->lock);
	valid = thread->generation == generation;
	if (valid)
		entry->service(entry,
			       to_events(report->events) & entry->events);
	pthread_mutex_unlock(&thread->lock);
	return valid;
}

static unsigned int get_generation(struct isri_irq_thread *thread)
{
	unsigned int generation;

	pthread_mutex_lock(&thread->lock);
	generation = thread->generation;
	pthread_mutex_unlock(&thread->lock);
	return generation;
}

static void make_name(const struct isri_irq_thread *thread, char *ret_name)
{
	snprintf(ret_name, NAME_BYTES, "isr-%s/%d",
		 thread->hard ? "irq" : "read", thread->priority);
}

/*
 * Only what does not belong to us can cause it: a descriptor of ours that the
 * program has closed. To try again for ever would be a thread that spins.
 */
static void end_early(struct isri_irq_thread *thread, int error)
{
	char message[ISR_EMERG_TEXT_BYTES];
	char name[NAME_BYTES];

	pthread_mutex_lock(&thread->lock);
	thread->ended = true;
	pthread_mutex_unlock(&thread->lock);
	make_name(thread, name);
	snprintf(message, sizeof(message),
		 "thread %s ended: epoll_wait() failed", name);
	isri_emerg_record(thread->loop, ISR_EMERG_THREAD, -error, 0, message,
			  NULL);
}

static void touch_stack(void)
{
	volatile char stack[STACK_TOUCHED_BYTES];
	size_t i;

	for (i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 0;
}

/* False: it is to end. */
static bool wait_and_serve(struct isri_irq_thread *thread)
{
	unsigned int generation = get_generation(thread);
	struct epoll_event reports[REPORTS_MAX];
	int i, n;

	n = epoll_wait(thread->epoll_fd, reports, REPORTS_MAX, -1);
	if (n < 0 && errno != EINTR) {
		end_early(thread, errno);
		return false;
	}
	for (i = 0; i < n; i++) {
		/* The entry of the stop descriptor is none. */
		if (!reports[i].data.ptr)
			return false;
		if (!serve(thread, generation, &reports[i]))
			break;
	}
	return true;
}

static void *run(void *arg)
{
	struct isri_irq_thread *thread = arg;

	touch_stack();
	isri_crash_thread_begin();
	while (wait_and_serve(thread))
		;
	isri_crash_thread_end();
	return NULL;
}

static int open_fds(struct isri_irq_thread *thread)
{
	struct epoll_event ev = {.events = EPOLLIN};

	thread->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (thread->epoll_fd < 0)
		return -errno;
	thread->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (thread->stop_fd < 0)
		return -errno;
	if (epoll_ctl(thread->epoll_fd, EPOLL_CTL_ADD, thread->stop_fd, &ev) <
	    0)
		return -errno;
	return 0;
}

static void close_fds(struct isri_irq_thread *thread)
{
	if (thread->stop_fd >= 0)
		close(thread->stop_fd);
	if (thread->epoll_fd >= 0)
		close(thread->epoll_fd);
}

/* What RLIMIT_RTPRIO leaves us when that priority itself is refused. */
static int get_permitted_priority(int wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_RTPRIO, &limit) < 0)
		return 0;
	return limit.rlim_cur < (rlim_t)wanted ? (int)limit.rlim_cur : wanted;
}

/* Returns what it got; 0: none. */
static int set_priority(struct isri_irq_thread *thread, int wanted, int *ret_r)
{
	struct sched_param param = {.sched_priority = wanted};

	*ret_r = pthread_setschedparam(thread->id, SCHED_FIFO, &param);
	if (*ret_r != EPERM)
		return *ret_r ? 0 : wanted;

	param.sched_priority = get_permitted_priority(wanted);
	if (!param.sched_priority ||
	    pthread_setschedparam(thread->id, SCHED_FIFO, &param))
		return 0;
	return param.sched_priority;
}

/* Once a loop: what is true of one of its threads is of the others. */
static void tell_priority(struct isri_irq_thread *thread, int got, int r)
{
	struct isri_irq_threads *threads = get_threads(thread->loop);

	if (threads->told)
		return;
	threads->told = true;
	if (got)
		isri_loop_log(thread->loop, ISR_LOG_NOTICE,
			      "IRQ threads get real-time priority %d at most: "
			      "sources of different priority may be served "
			      "alike; permit it with CAP_SYS_NICE or "
			      "RLIMIT_RTPRIO %d",
			      got, PRIORITY + ISR_PRIORITY_MAX);
	else
		isri_loop_log(thread->loop, ISR_LOG_NOTICE,
			      "the IRQ thread runs without real-time priority "
			      "(%s): edges are read later when the machine is "
			      "busy; permit it with CAP_SYS_NICE or "
			      "RLIMIT_RTPRIO %d",
			      strerrordesc_np(r), PRIORITY + ISR_PRIORITY_MAX);
}

static void raise_priority(struct isri_irq_thread *thread)
{
	int wanted = PRIORITY + thread->priority;
	int got, r;

	got = set_priority(thread, wanted, &r);
	if (got != wanted)
		tell_priority(thread, got, r);
}

static void set_name(struct isri_irq_thread *thread)
{
	char name[NAME_BYTES];

	make_name(thread, name);
	pthread_setname_np(thread->id, name);
}

static int init(struct isri_irq_thread *thread)
{
	int r;

	thread->epoll_fd = -1;
	thread->stop_fd = -1;
	r = isri_lock_init(&thread->lock);
	if (r < 0)
		return r;
	r = open_fds(thread);
	if (r == 0)
		r = isri_thread_create(&thread->id, NULL, run, thread);
	if (r < 0) {
		close_fds(thread);
		pthread_mutex_destroy(&thread->lock);
	}
	return r;
}

static int start(struct isr_loop *loop, bool hard, int priority,
		 struct isri_irq_thread **home)
{
	struct isri_irq_thread *thread;
	int r;

	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return -ENOMEM;
	thread->loop = loop;
	thread->home = home;
	thread->hard = hard;
	thread->priority = priority;
	r = init(thread);
	if (r < 0) {
		free(thread);
		return r;
	}

	set_name(thread);
	raise_priority(thread);
	if (hard && get_threads(loop)->held)
		hold(thread);
	*home = thread;
	return 0;
}

static void stop(struct isri_irq_thread *thread)
{
	/* It has nothing left to run, but may be waiting to. */
	if (thread->held)
		let_go(thread);
	/* Cannot fail: a counter of 0 has room for 1. */
	eventfd_write(thread->stop_fd, 1);
	pthread_join(thread->id, NULL);
	close_fds(thread);
	pthread_mutex_destroy(&thread->lock);
	free(thread);
}

static bool has_ended(struct isri_irq_thread *thread)
{
	bool ended;

	isri_irq_thread_lock(thread);
	ended = thread->ended;
	isri_irq_thread_unlock(thread);
	return ended;
}

int isri_irq_thread_get(struct isr_loop *loop, bool hard, int priority,
			struct isri_irq_thread **ret_thread)
{
	struct isri_irq_thread **home =
		&get_threads(loop)->of[hard ? priority
					    : ISR_PRIORITY_MAX + 1 + priority];
	int r;

	if (!*home) {
		r = start(loop, hard, priority, home);
		if (r < 0)
			return r;
	} else if (has_ended(*home)) {
		return -EAGAIN;
	}

	(*home)->users++;
	*ret_thread = *home;
	return 0;
}

void isri_irq_thread_put(struct isri_irq_thread *thread)
{
	if (!thread || --thread->users)
		return;

	*thread->home = NULL;
	stop(thread);
}
