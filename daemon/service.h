/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What the daemon answers: the interface io.isrloop. */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include "varlink.h"

struct hub_line;
struct server;

/* The peer of its calls is a struct client. */
extern const struct varlink_service service;

/* GetStatus's reply; NULL without memory. In status.c. */
json_t *status_get(struct server *server);

#endif /* DAEMON_SERVICE_H */
