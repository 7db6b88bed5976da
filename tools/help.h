/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* What --help and --version say. */
#ifndef ISRMON_HELP_H
#define ISRMON_HELP_H

extern const char help_text[];
extern const char version_text[];

#endif /* ISRMON_HELP_H */
