/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * What declares the functions of trapped.h, under their own names: no inline
 * or fortified forms, and no forms for large files or for 64-bit time on
 * 32-bit machines, which the headers put behind the same names.
 */
#ifndef GUARD_HEADERS_H
#define GUARD_HEADERS_H

#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1
#endif

/*
 * <stdio.h> declares scanf(3) and its kin under the name that the standard of
 * this compiler gives them; that one is meant for somebody else.
 */
#define scanf header_scanf
#define fscanf header_fscanf
#define sscanf header_sscanf
#define vscanf header_vscanf
#define vfscanf header_vfscanf
#define vsscanf header_vsscanf
#include <stdio.h>
#undef scanf
#undef fscanf
#undef sscanf
#undef vscanf
#undef vfscanf
#undef vsscanf

#include <dirent.h>
#include <grp.h>
#include <locale.h>
#include <malloc.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <syslog.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#endif /* GUARD_HEADERS_H */
