/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrloopd: owns GPIO lines and fans their edges out to any number of
 * programs. This file is its life, from the command line to the exit status.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "hub.h"
#include "listener.h"
#include "log.h"
#include "manager.h"
#include "server.h"

#define EXIT_USAGE 2

static const char *arg_config = CONFIG_PATH_DEFAULT;
static const char *arg_socket;
static bool arg_check;

static const char help[] =
	"Usage: isrloopd [OPTION]...\n"
	"Own GPIO lines and fan their edges out to any number of programs.\n"
	"\n"
	"  -c, --config FILE   configuration, with FILE.d/*.conf beside it\n"
	"                      (" CONFIG_PATH_DEFAULT ")\n"
	"  -s, --socket PATH   listen here, whatever the configuration says\n"
	"                      (" CONFIG_SOCKET_DEFAULT ")\n"
	"  -C, --check         say all that is wrong with the configuration\n"
	"  -f, --foreground    the default: isrloopd never forks\n"
	"  -h, --help          print this\n"
	"  -v, --version       print the version\n"
	"\n"
	"Exit status: 0 stopped or checked well, 1 failed, 2 usage error.\n";

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"socket", required_argument, NULL, 's'},
	{"check", no_argument, NULL, 'C'},
	{"foreground", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

static void print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void set_socket(const char *path)
{
	const size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (!path[0] || strlen(path) > max) {
		fprintf(stderr,
			"isrloopd: --socket takes a path of 1 to %zu bytes\n",
			max);
		exit(EXIT_USAGE);
	}
	arg_socket = path;
}

/* getopt has said what is wrong when it is an option. */
static void parse_arguments(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:s:Cfhv", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'c':
			arg_config = optarg;
			break;
		case 's':
			set_socket(optarg);
			break;
		case 'C':
			arg_check = true;
			break;
		case 'f':
			break;
		case 'h':
			print_and_exit(help);
			break;
		case 'v':
			print_and_exit("isrloopd " PACKAGE_VERSION "\n");
			break;
		default:
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "isrloopd: unexpected argument \"%s\"\n",
			argv[optind]);
		exit(EXIT_USAGE);
	}
}

static int check(const struct config *config)
{
	size_t i;

	for (i = 0; i < config->n_faults; i++)
		fprintf(stderr, "%s\n", config->faults[i]);
	if (config->n_faults)
		return EXIT_FAILURE;
	printf("%s: good, %zu %s from %zu %s\n", arg_config, config->n_lines,
	       config->n_lines == 1 ? "line" : "lines", config->n_files,
	       config->n_files == 1 ? "file" : "files");
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A connection is a descriptor: have as many as we may. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int handle_stop(struct isr_source *source, const struct isr_event *event,
		       void *arg)
{
	isr_loop_stop(arg);
	return 0;
}

/* Both live as long as the loop. */
static int watch_signals(struct isr_loop *loop)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct isr_source *source;
	size_t i;
	int r;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		r = isr_signal_open(loop, signals[i], NULL, handle_stop, loop,
				    &source);
		if (r < 0) {
			log_error("cannot watch signal %d: %s", signals[i],
				  strerror(-r));
			return r;
		}
	}
	return 0;
}

/* All is open: serve until told to stop. */
static int serve(struct isr_loop *loop, struct hub *hub,
		 const struct config *config, const struct listener *listener)
{
	struct server server = {0};
	int r;

	r = server_start(&server, loop, hub, &config->daemon, listener->fd);
	if (r < 0) {
		log_error("cannot serve connections: %s", strerror(-r));
	} else {
		if (config->n_lines == 0)
			log_warning("%s has no [line NAME]: nothing to watch",
				    arg_config);
		log_notice("ready: %zu %s at %s", config->n_lines,
			   config->n_lines == 1 ? "line" : "lines",
			   listener->path ? listener->path
					  : "the service manager's socket");
		manager_notify("READY=1\nSTATUS=Watching %zu %s.",
			       config->n_lines,
			       config->n_lines == 1 ? "line" : "lines");
		r = isr_loop_run(loop);
		manager_notify("STOPPING=1");
		log_notice("stopping");
	}
	server_stop(&server);
	return r;
}

static int run_loop(struct isr_loop *loop, const struct config *config,
		    struct listener *listener)
{
	struct isr_error error = {0};
	struct hub hub = {0};
	int r;

	isr_loop_set_log_cb(loop, log_loop_message, NULL);
	r = watch_signals(loop);
	if (r < 0)
		return r;
	/* First the socket: a second daemon must not disturb the lines. */
	r = listener_open(listener, &config->daemon, &error);
	if (r < 0) {
		log_error("%s", error.message);
		return r;
	}
	r = hub_open(&hub, loop, config);
	if (r == 0)
		r = serve(loop, &hub, config, listener);
	hub_close(&hub);
	return r;
}

static int run(const struct config *config)
{
	struct listener listener = LISTENER_NONE;
	struct isr_loop *loop;
	int r;

	raise_descriptor_limit();
	r = isr_loop_new(NULL, &loop);
	if (r < 0) {
		log_error("cannot make a loop: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	r = run_loop(loop, config, &listener);
	listener_close(&listener);
	isr_loop_free(loop);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --socket, in place of whatever the configuration says. */
static int override_socket(struct config *config)
{
	char *path;

	if (!arg_socket)
		return 0;
	path = strdup(arg_socket);
	if (!path)
		return -ENOMEM;
	free(config->daemon.socket);
	config->daemon.socket = path;
	return 0;
}

int main(int argc, char **argv)
{
	struct config *config;
	int status;
	size_t i;

	parse_arguments(argc, argv);
	log_init();
	if (config_load(arg_config, &config) < 0 ||
	    override_socket(config) < 0) {
		log_error("out of memory");
		return EXIT_FAILURE;
	}
	if (arg_check) {
		status = check(config);
	} else if (config->n_faults) {
		for (i = 0; i < config->n_faults; i++)
			log_error("%s", config->faults[i]);
		status = EXIT_FAILURE;
	} else {
		status = run(config);
	}
	config_free(config);
	return status;
}
