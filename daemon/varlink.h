/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The varlink protocol: one message in, its reply out. Knows nothing of
 * sockets; framing (a NUL behind each message) is the connection's.
 */
#ifndef DAEMON_VARLINK_H
#define DAEMON_VARLINK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "buffer.h"

/* One call, valid while its method runs. */
struct varlink_call {
	const struct varlink_service *service;
	const char *method; /* without the interface */
	json_t *parameters; /* an object; borrowed */
	bool more;
	bool oneway;
	void *peer; /* as given to varlink_handle() */
	struct buffer *out;
	int error; /* of memory; ends the connection */
};

struct varlink_method {
	const char *name;
	/* Replies once, or starts a stream that the connection goes on with. */
	void (*run)(struct varlink_call *call);
};

struct varlink_interface {
	const char *name;
	const char *description;
	const struct varlink_method *methods; /* ends with a NULL name */
};

struct varlink_service {
	const char *vendor;
	const char *product;
	const char *version;
	const char *url;
	const struct varlink_interface *const *interfaces; /* NULL-terminated */
};

/*
 * Run the call that @message is. Returns 0; -EBADMSG when it is no varlink
 * call (ret_reason, of at least 128 bytes, says why); -ENOMEM. After either
 * error the connection must end.
 */
int varlink_handle(const struct varlink_service *service, const char *message,
		   size_t length, void *peer, struct buffer *out,
		   char *ret_reason);

/* Answer a call; @parameters is taken over, NULL means no memory. */
void varlink_reply(struct varlink_call *call, json_t *parameters);
void varlink_error(struct varlink_call *call, const char *error,
		   json_t *parameters);
void varlink_invalid_parameter(struct varlink_call *call, const char *name);

/* Write an error that answers nothing in particular. Returns 0 or -ENOMEM. */
int varlink_write_error(struct buffer *out, const char *error,
			json_t *parameters);

/*
 * Whether all parameters are among @names (NULL-terminated); if not, the
 * call has been answered.
 */
bool varlink_check_names(struct varlink_call *call, const char *const *names);

/* A parameter, or NULL when it is left out or null. */
json_t *varlink_get(const struct varlink_call *call, const char *name);

/* org.varlink.service, which every service has. */
extern const struct varlink_interface varlink_service_interface;

#endif /* DAEMON_VARLINK_H */
