/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F2: what sources and flags need of their loop. Hides libev from them. */
#ifndef ISRI_LOOP_H
#define ISRI_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/isr.h>
#include <isrloop/loop.h>

#include "alarm.h"
#include "loop-fd.h"
#include "loop-head.h"
#include "step.h"

struct isri_irq_thread;
struct isri_pool;
struct isri_tasks;

/* Whatever lives in a loop and must end before it: sources. */
struct isri_loop_member {
	struct isri_loop_member *next;
	struct isri_loop_member **prev;
	/* It is in a struct isr_source. */
	bool is_source;
	/* Called by isr_loop_free(); must remove the member. */
	void (*close)(struct isri_loop_member *member);
};

/* A thread for each priority, of hard handlers and of readers. */
#define ISRI_IRQ_THREADS_MAX 8

/* irq-thread.c's to read and write; loop thread only. */
struct isri_irq_threads {
	struct isri_irq_thread *of[ISRI_IRQ_THREADS_MAX];
	/* Hard handlers are kept from running. */
	bool held;
	/* Whoever reads the log knows what priority they have. */
	bool told;
};

/* What isr_wait_until() has asked; as in struct isr_loop_stats. */
struct isri_polling {
	uint64_t probes, probe_ns, rounds, round_ns;
};

/* What a loop has that needs no libev; every struct isr_loop begins so. */
struct isri_loop_base {
	struct isri_loop_head head;
	/* Defaults filled in. */
	struct isr_loop_config config;
	struct isri_steps steps;
	struct isri_alarms alarms;
	/* Tasks alive. */
	uint64_t n_tasks;
	/* lib/task-wait.c's. */
	struct isri_polling polling;
	/* lib/task.c's, since the first task; else NULL. */
	struct isri_tasks *tasks;
	void (*end_tasks)(struct isr_loop *loop);
	/* The loop is about to go on in another thread. */
	void (*move_tasks)(struct isr_loop *loop);
	/* Made with the first job of a task. */
	struct isri_pool *pool;
	uint64_t wakeups;
	uint64_t passes;
	struct isri_loop_member *members;
	struct isri_irq_threads irq_threads;
	/* One bit each that is taken; id 0 is never given. */
	uint8_t source_ids[(UINT16_MAX + 1) / 8];
	isr_log_cb *log_cb;
	void *log_arg;
};

static inline struct isri_loop_base *isri_loop_base(struct isr_loop *loop)
{
	return (struct isri_loop_base *)loop;
}

/*
 * 0 when the caller may use loop class functions: on the loop's thread and
 * not in ISR context; else -EPERM, and a record that names the public function
 * that checks. -EINVAL for NULL.
 */
int isri_loop_check_for(const struct isr_loop *loop, const char *function);
#define isri_loop_check(loop) isri_loop_check_for(loop, __func__)
/* The same, and -ECANCELED once the loop is being freed. */
int isri_loop_check_open_for(const struct isr_loop *loop, const char *function);
#define isri_loop_check_open(loop) isri_loop_check_open_for(loop, __func__)

/* Emergency records lead to the log; lib/emerg-log.c. As isr_flag_init(). */
int isri_emerg_start(struct isr_loop *loop);
/* There is somebody new for those that had nobody to go to. */
void isri_emerg_announce(struct isr_loop *loop);
/* The last ones, when the loop is freed and before its memory goes. */
void isri_emerg_stop(struct isr_loop *loop);

/*
 * The view that a foreign loop's epoll_fd (-1: none) has of a watch, brought
 * up to date: lib/loop-outer.c. Returns 0 or what dup(2) and epoll_ctl(2) say.
 */
int isri_loop_outer_update(int epoll_fd, struct isri_loop_fd *watch);
void isri_loop_outer_remove(int epoll_fd, struct isri_loop_fd *watch);

void isri_loop_member_add(struct isr_loop *loop,
			  struct isri_loop_member *member,
			  void (*close)(struct isri_loop_member *member));
/* Legal on a member that was never added (zeroed memory). */
void isri_loop_member_remove(struct isri_loop_member *member);

/* 0, -EINVAL, -E2BIG; -EPERM in ISR context. The config may be NULL. */
int isri_loop_check_config(const struct isr_loop_config *config,
			   const char *function);
/* Copies a config that was checked. */
void isri_loop_take_config(struct isr_loop *loop,
			   const struct isr_loop_config *config);

/*
 * So many in a row, unique among the loop's sources: the first of them, 1 to
 * 65535; -EMFILE when there are none left.
 */
int isri_loop_take_source_ids(struct isr_loop *loop, int n_ids);
void isri_loop_put_source_ids(struct isr_loop *loop, int id, int n_ids);

/* A message for whoever set isr_loop_set_log_cb(). Loop thread only. */
void isri_loop_log(struct isr_loop *loop, enum isr_log_level level,
		   const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* ISRI_LOOP_H */
