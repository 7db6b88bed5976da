/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The .varlink files as text; description.c is made of them by make. */
#ifndef DAEMON_DESCRIPTION_H
#define DAEMON_DESCRIPTION_H

extern const char description_io_isrloop[];
extern const char description_org_varlink_service[];

#endif /* DAEMON_DESCRIPTION_H */
