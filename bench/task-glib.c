/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * GLib has no tasks: an idle source is what is always ready, a timeout
 * sleeps. Urgent work has the default priority, ordinary work that of idle
 * sources.
 */
#include <glib.h>

#include "task.h"

static GMainLoop *loop;

static void run_loop(void)
{
	task_begin();
	g_main_loop_run(loop);
}

static gboolean turn_cb(gpointer arg)
{
	if (task_turn())
		g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static void turns(void)
{
	loop = g_main_loop_new(NULL, FALSE);
	g_idle_add(turn_cb, NULL);
	g_idle_add(turn_cb, NULL);
	run_loop();
}

static gboolean sleep_cb(gpointer arg)
{
	if (task_turn())
		g_main_loop_quit(loop);
	g_timeout_add(task_sleep_ms(), sleep_cb, NULL);
	return G_SOURCE_REMOVE;
}

static void sleeps(void)
{
	unsigned int i;

	loop = g_main_loop_new(NULL, FALSE);
	for (i = 0; i < TASK_N_ALIVE; i++)
		g_timeout_add(task_sleep_ms(), sleep_cb, NULL);
	run_loop();
}

static gboolean flood_cb(gpointer arg)
{
	if (task_flood())
		g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean ordinary_cb(gpointer arg)
{
	task_ordinary();
	return G_SOURCE_CONTINUE;
}

static void flood(void)
{
	loop = g_main_loop_new(NULL, FALSE);
	g_idle_add_full(G_PRIORITY_DEFAULT, flood_cb, NULL, NULL);
	g_idle_add(ordinary_cb, NULL);
	run_loop();
}

const struct task_peer task_glib = {
	.subject = "glib",
	.turns = turns,
	.sleeps = sleeps,
	.flood = flood,
};
