/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The functions that are trapped in ISR context: the one list, read many
 * times. Whoever includes it defines TRAP_OWN(family, name), for all of them,
 * and more of the macros below, for what else it wants to know.
 *
 * The families, and why:
 *   MEMORY  the heap's lock may be held by the code that was interrupted
 *   STDIO   so may a stream's, and printing takes long
 *   LOCK    so may the program's; and who waits for one waits for its thread
 *   WAIT    a handler must never wait, even where signal-safety(7) allows
 *           the call. What cannot wait, by its timeout or its options, is
 *           not trapped: waitpid(WNOHANG) in a handler is good style
 *   STATE   uses data of the process that may be half changed: environment,
 *           locale, time zone, random numbers, lists of exit handlers
 *
 * Not here, on purpose: what is async-signal-safe and does not wait (write(2),
 * sem_post(3), clock_gettime(2), kill(2)); read(2) and its kin, which wait or
 * not by what their descriptor is; pthread_mutex_trylock(3), which does not
 * wait; functions that allocate, like strdup(3), because malloc(3) tells on
 * them; dlopen(3) and dlsym(3), whose result depends on who calls them.
 *
 * TRAP(family, type, name, parameters, arguments)
 * TRAP_IF(family, type, name, parameters, arguments, condition)
 * TRAP_FORMAT(family, type, name, real, parameters, last, arguments)
 *   variadic: carried out by real, its twin with a va_list "ap"
 * TRAP_OWN(family, name)  neither of these: has a wrapper written by hand
 */
#include <features.h>

#ifndef TRAP
#define TRAP(family, type, name, params, args) TRAP_OWN(family, name)
#endif
#ifndef TRAP_IF
#define TRAP_IF(family, type, name, params, args, condition) \
	TRAP_OWN(family, name)
#endif
#ifndef TRAP_FORMAT
#define TRAP_FORMAT(family, type, name, real, params, last, args) \
	TRAP_OWN(family, name)
#endif
/* clang-format off */

/* malloc(3) */
TRAP_OWN(MEMORY, malloc)
TRAP_OWN(MEMORY, calloc)
TRAP_OWN(MEMORY, realloc)
TRAP_OWN(MEMORY, reallocarray)
TRAP_OWN(MEMORY, free)
TRAP(MEMORY, int, posix_memalign, (void **p, size_t align, size_t n),
     (p, align, n))
TRAP(MEMORY, void *, aligned_alloc, (size_t align, size_t n), (align, n))
TRAP(MEMORY, void *, memalign, (size_t align, size_t n), (align, n))
TRAP(MEMORY, void *, valloc, (size_t n), (n))
TRAP(MEMORY, void *, pvalloc, (size_t n), (n))

/* printf(3), and what it becomes with -D_FORTIFY_SOURCE */
TRAP_FORMAT(STDIO, int, printf, vprintf, (const char *format, ...),
	    format, (format, ap))
TRAP_FORMAT(STDIO, int, fprintf, vfprintf, (FILE *f, const char *format, ...),
	    format, (f, format, ap))
TRAP_FORMAT(STDIO, int, dprintf, vdprintf, (int fd, const char *format, ...),
	    format, (fd, format, ap))
TRAP_FORMAT(STDIO, int, sprintf, vsprintf, (char *s, const char *format, ...),
	    format, (s, format, ap))
TRAP_FORMAT(STDIO, int, snprintf, vsnprintf,
	    (char *s, size_t n, const char *format, ...),
	    format, (s, n, format, ap))
TRAP_FORMAT(STDIO, int, asprintf, vasprintf,
	    (char **s, const char *format, ...), format, (s, format, ap))
TRAP(STDIO, int, vprintf, (const char *format, va_list ap), (format, ap))
TRAP(STDIO, int, vfprintf, (FILE *f, const char *format, va_list ap),
     (f, format, ap))
TRAP(STDIO, int, vdprintf, (int fd, const char *format, va_list ap),
     (fd, format, ap))
TRAP(STDIO, int, vsprintf, (char *s, const char *format, va_list ap),
     (s, format, ap))
TRAP(STDIO, int, vsnprintf,
     (char *s, size_t n, const char *format, va_list ap), (s, n, format, ap))
TRAP(STDIO, int, vasprintf, (char **s, const char *format, va_list ap),
     (s, format, ap))
TRAP_FORMAT(STDIO, int, __printf_chk, __vprintf_chk,
	    (int flag, const char *format, ...), format, (flag, format, ap))
TRAP_FORMAT(STDIO, int, __fprintf_chk, __vfprintf_chk,
	    (FILE *f, int flag, const char *format, ...),
	    format, (f, flag, format, ap))
TRAP_FORMAT(STDIO, int, __dprintf_chk, __vdprintf_chk,
	    (int fd, int flag, const char *format, ...),
	    format, (fd, flag, format, ap))
TRAP_FORMAT(STDIO, int, __sprintf_chk, __vsprintf_chk,
	    (char *s, int flag, size_t size, const char *format, ...),
	    format, (s, flag, size, format, ap))
TRAP_FORMAT(STDIO, int, __snprintf_chk, __vsnprintf_chk,
	    (char *s, size_t n, int flag, size_t size, const char *format, ...),
	    format, (s, n, flag, size, format, ap))
TRAP_FORMAT(STDIO, int, __asprintf_chk, __vasprintf_chk,
	    (char **s, int flag, const char *format, ...),
	    format, (s, flag, format, ap))
TRAP(STDIO, int, __vprintf_chk, (int flag, const char *format, va_list ap),
     (flag, format, ap))
TRAP(STDIO, int, __vfprintf_chk,
     (FILE *f, int flag, const char *format, va_list ap),
     (f, flag, format, ap))
TRAP(STDIO, int, __vdprintf_chk,
     (int fd, int flag, const char *format, va_list ap),
     (fd, flag, format, ap))
TRAP(STDIO, int, __vsprintf_chk,
     (char *s, int flag, size_t size, const char *format, va_list ap),
     (s, flag, size, format, ap))
TRAP(STDIO, int, __vsnprintf_chk,
     (char *s, size_t n, int flag, size_t size, const char *format, va_list ap),
     (s, n, flag, size, format, ap))
TRAP(STDIO, int, __vasprintf_chk,
     (char **s, int flag, const char *format, va_list ap),
     (s, flag, format, ap))

/* scanf(3), and what it is called by the standard of the compiler */
TRAP_FORMAT(STDIO, int, scanf, vscanf, (const char *format, ...),
	    format, (format, ap))
TRAP_FORMAT(STDIO, int, fscanf, vfscanf, (FILE *f, const char *format, ...),
	    format, (f, format, ap))
TRAP_FORMAT(STDIO, int, sscanf, vsscanf,
	    (const char *s, const char *format, ...), format, (s, format, ap))
TRAP(STDIO, int, vscanf, (const char *format, va_list ap), (format, ap))
TRAP(STDIO, int, vfscanf, (FILE *f, const char *format, va_list ap),
     (f, format, ap))
TRAP(STDIO, int, vsscanf, (const char *s, const char *format, va_list ap),
     (s, format, ap))
TRAP_FORMAT(STDIO, int, __isoc99_scanf, __isoc99_vscanf,
	    (const char *format, ...), format, (format, ap))
TRAP_FORMAT(STDIO, int, __isoc99_fscanf, __isoc99_vfscanf,
	    (FILE *f, const char *format, ...), format, (f, format, ap))
TRAP_FORMAT(STDIO, int, __isoc99_sscanf, __isoc99_vsscanf,
	    (const char *s, const char *format, ...), format, (s, format, ap))
TRAP(STDIO, int, __isoc99_vscanf, (const char *format, va_list ap),
     (format, ap))
TRAP(STDIO, int, __isoc99_vfscanf, (FILE *f, const char *format, va_list ap),
     (f, format, ap))
TRAP(STDIO, int, __isoc99_vsscanf,
     (const char *s, const char *format, va_list ap), (s, format, ap))
#if __GLIBC_PREREQ(2, 38)
TRAP_FORMAT(STDIO, int, __isoc23_scanf, __isoc23_vscanf,
	    (const char *format, ...), format, (format, ap))
TRAP_FORMAT(STDIO, int, __isoc23_fscanf, __isoc23_vfscanf,
	    (FILE *f, const char *format, ...), format, (f, format, ap))
TRAP_FORMAT(STDIO, int, __isoc23_sscanf, __isoc23_vsscanf,
	    (const char *s, const char *format, ...), format, (s, format, ap))
TRAP(STDIO, int, __isoc23_vscanf, (const char *format, va_list ap),
     (format, ap))
TRAP(STDIO, int, __isoc23_vfscanf, (FILE *f, const char *format, va_list ap),
     (f, format, ap))
TRAP(STDIO, int, __isoc23_vsscanf,
     (const char *s, const char *format, va_list ap), (s, format, ap))
#endif

/* the rest of stdio(3) */
TRAP(STDIO, int, puts, (const char *s), (s))
TRAP(STDIO, int, fputs, (const char *s, FILE *f), (s, f))
TRAP(STDIO, int, fputc, (int c, FILE *f), (c, f))
TRAP(STDIO, int, putc, (int c, FILE *f), (c, f))
TRAP(STDIO, int, putchar, (int c), (c))
TRAP(STDIO, size_t, fwrite, (const void *p, size_t size, size_t n, FILE *f),
     (p, size, n, f))
TRAP(STDIO, size_t, __fread_chk,
     (void *p, size_t room, size_t size, size_t n, FILE *f),
     (p, room, size, n, f))
TRAP(STDIO, size_t, fread, (void *p, size_t size, size_t n, FILE *f),
     (p, size, n, f))
TRAP(STDIO, char *, fgets, (char *s, int n, FILE *f), (s, n, f))
TRAP(STDIO, char *, __fgets_chk, (char *s, size_t room, int n, FILE *f),
     (s, room, n, f))
TRAP(STDIO, int, fgetc, (FILE *f), (f))
TRAP(STDIO, int, getc, (FILE *f), (f))
TRAP(STDIO, int, getchar, (void), ())
TRAP(STDIO, int, ungetc, (int c, FILE *f), (c, f))
TRAP(STDIO, ssize_t, getline, (char **line, size_t *n, FILE *f), (line, n, f))
TRAP(STDIO, ssize_t, getdelim, (char **line, size_t *n, int delim, FILE *f),
     (line, n, delim, f))
TRAP(STDIO, FILE *, fopen, (const char *path, const char *mode), (path, mode))
TRAP(STDIO, FILE *, fopen64, (const char *path, const char *mode), (path, mode))
TRAP(STDIO, FILE *, fdopen, (int fd, const char *mode), (fd, mode))
TRAP(STDIO, FILE *, freopen, (const char *path, const char *mode, FILE *f),
     (path, mode, f))
TRAP(STDIO, int, fclose, (FILE *f), (f))
TRAP(STDIO, int, fflush, (FILE *f), (f))
TRAP(STDIO, int, fseek, (FILE *f, long offset, int whence),
     (f, offset, whence))
TRAP(STDIO, long, ftell, (FILE *f), (f))
TRAP(STDIO, void, rewind, (FILE *f), (f))
TRAP(STDIO, void, perror, (const char *s), (s))
TRAP(STDIO, FILE *, popen, (const char *command, const char *type),
     (command, type))
TRAP(STDIO, int, pclose, (FILE *f), (f))
TRAP(STDIO, void, flockfile, (FILE *f), (f))

/* pthreads(7), threads.h and semaphores */
TRAP(LOCK, int, pthread_mutex_lock, (pthread_mutex_t *m), (m))
TRAP(LOCK, int, pthread_mutex_timedlock,
     (pthread_mutex_t *m, const struct timespec *t), (m, t))
TRAP(LOCK, int, pthread_mutex_clocklock,
     (pthread_mutex_t *m, clockid_t clock, const struct timespec *t),
     (m, clock, t))
TRAP(LOCK, int, pthread_rwlock_rdlock, (pthread_rwlock_t *l), (l))
TRAP(LOCK, int, pthread_rwlock_wrlock, (pthread_rwlock_t *l), (l))
TRAP(LOCK, int, pthread_rwlock_timedrdlock,
     (pthread_rwlock_t *l, const struct timespec *t), (l, t))
TRAP(LOCK, int, pthread_rwlock_timedwrlock,
     (pthread_rwlock_t *l, const struct timespec *t), (l, t))
TRAP(LOCK, int, pthread_rwlock_clockrdlock,
     (pthread_rwlock_t *l, clockid_t clock, const struct timespec *t),
     (l, clock, t))
TRAP(LOCK, int, pthread_rwlock_clockwrlock,
     (pthread_rwlock_t *l, clockid_t clock, const struct timespec *t),
     (l, clock, t))
TRAP(LOCK, int, pthread_spin_lock, (pthread_spinlock_t *l), (l))
TRAP(LOCK, int, pthread_cond_wait, (pthread_cond_t *c, pthread_mutex_t *m),
     (c, m))
TRAP(LOCK, int, pthread_cond_timedwait,
     (pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t),
     (c, m, t))
TRAP(LOCK, int, pthread_cond_clockwait,
     (pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
      const struct timespec *t), (c, m, clock, t))
TRAP(LOCK, int, pthread_cond_signal, (pthread_cond_t *c), (c))
TRAP(LOCK, int, pthread_cond_broadcast, (pthread_cond_t *c), (c))
TRAP(LOCK, int, pthread_barrier_wait, (pthread_barrier_t *b), (b))
/* 2 is glibc's mark of one that is done, and then it is a mere load. */
TRAP_IF(LOCK, int, pthread_once, (pthread_once_t *once, void (*fn)(void)),
	(once, fn), !(*once & 2))
TRAP(LOCK, int, pthread_create,
     (pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg),
     (t, attr, fn, arg))
TRAP(LOCK, int, pthread_join, (pthread_t t, void **ret), (t, ret))
TRAP(LOCK, int, pthread_timedjoin_np,
     (pthread_t t, void **ret, const struct timespec *at), (t, ret, at))
TRAP(LOCK, int, pthread_clockjoin_np,
     (pthread_t t, void **ret, clockid_t clock, const struct timespec *at),
     (t, ret, clock, at))
TRAP(LOCK, int, sem_wait, (sem_t *s), (s))
TRAP(LOCK, int, sem_timedwait, (sem_t *s, const struct timespec *t), (s, t))
TRAP(LOCK, int, sem_clockwait,
     (sem_t *s, clockid_t clock, const struct timespec *t), (s, clock, t))
TRAP(LOCK, int, mtx_lock, (mtx_t *m), (m))
TRAP(LOCK, int, mtx_timedlock, (mtx_t *m, const struct timespec *t), (m, t))
TRAP(LOCK, int, cnd_wait, (cnd_t *c, mtx_t *m), (c, m))
TRAP(LOCK, int, cnd_timedwait,
     (cnd_t *c, mtx_t *m, const struct timespec *t), (c, m, t))
TRAP(LOCK, int, cnd_signal, (cnd_t *c), (c))
TRAP(LOCK, int, cnd_broadcast, (cnd_t *c), (c))
TRAP(LOCK, int, thrd_create, (thrd_t *t, thrd_start_t fn, void *arg),
     (t, fn, arg))
TRAP(LOCK, int, thrd_join, (thrd_t t, int *ret), (t, ret))
TRAP(LOCK, void, call_once, (once_flag *once, void (*fn)(void)), (once, fn))

/* what sleeps, waits for others, or for a disk or the network */
TRAP(WAIT, unsigned int, sleep, (unsigned int s), (s))
TRAP(WAIT, int, usleep, (useconds_t us), (us))
TRAP(WAIT, int, nanosleep, (const struct timespec *t, struct timespec *left),
     (t, left))
TRAP(WAIT, int, clock_nanosleep,
     (clockid_t clock, int flags, const struct timespec *t,
      struct timespec *left), (clock, flags, t, left))
TRAP(WAIT, int, thrd_sleep, (const struct timespec *t, struct timespec *left),
     (t, left))
TRAP(WAIT, int, pause, (void), ())
TRAP(WAIT, int, sigsuspend, (const sigset_t *mask), (mask))
TRAP(WAIT, int, sigwait, (const sigset_t *set, int *ret), (set, ret))
TRAP(WAIT, int, sigwaitinfo, (const sigset_t *set, siginfo_t *info),
     (set, info))
TRAP_IF(WAIT, int, sigtimedwait,
	(const sigset_t *set, siginfo_t *info, const struct timespec *t),
	(set, info, t), guard_waits(t))
TRAP_IF(WAIT, int, poll, (struct pollfd *p, nfds_t n, int timeout),
	(p, n, timeout), timeout)
TRAP_IF(WAIT, int, __poll_chk,
	(struct pollfd *p, nfds_t n, int timeout, size_t room),
	(p, n, timeout, room), timeout)
TRAP_IF(WAIT, int, ppoll,
	(struct pollfd *p, nfds_t n, const struct timespec *t,
	 const sigset_t *mask), (p, n, t, mask), guard_waits(t))
TRAP_IF(WAIT, int, __ppoll_chk,
	(struct pollfd *p, nfds_t n, const struct timespec *t,
	 const sigset_t *mask, size_t room), (p, n, t, mask, room),
	guard_waits(t))
TRAP_IF(WAIT, int, select,
	(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *t),
	(n, r, w, e, t), !t || t->tv_sec || t->tv_usec)
TRAP_IF(WAIT, int, pselect,
	(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *t,
	 const sigset_t *mask), (n, r, w, e, t, mask), guard_waits(t))
TRAP_IF(WAIT, int, epoll_wait,
	(int fd, struct epoll_event *events, int n, int timeout),
	(fd, events, n, timeout), timeout)
TRAP_IF(WAIT, int, epoll_pwait,
	(int fd, struct epoll_event *events, int n, int timeout,
	 const sigset_t *mask), (fd, events, n, timeout, mask), timeout)
TRAP(WAIT, pid_t, wait, (int *status), (status))
TRAP_IF(WAIT, pid_t, waitpid, (pid_t pid, int *status, int options),
	(pid, status, options), !(options & WNOHANG))
TRAP_IF(WAIT, int, waitid, (idtype_t type, id_t id, siginfo_t *info,
	int options), (type, id, info, options), !(options & WNOHANG))
TRAP_IF(WAIT, pid_t, wait4,
	(pid_t pid, int *status, int options, struct rusage *usage),
	(pid, status, options, usage), !(options & WNOHANG))
TRAP_IF(WAIT, int, flock, (int fd, int operation), (fd, operation),
	!(operation & LOCK_NB))
TRAP(WAIT, int, fsync, (int fd), (fd))
TRAP(WAIT, int, fdatasync, (int fd), (fd))
TRAP(WAIT, int, syncfs, (int fd), (fd))
TRAP(WAIT, int, system, (const char *command), (command))
TRAP(WAIT, int, getaddrinfo,
     (const char *node, const char *service, const struct addrinfo *hints,
      struct addrinfo **ret), (node, service, hints, ret))
TRAP(WAIT, int, getnameinfo,
     (const struct sockaddr *addr, socklen_t addr_len, char *host,
      socklen_t host_len, char *service, socklen_t service_len, int flags),
     (addr, addr_len, host, host_len, service, service_len, flags))
TRAP(WAIT, struct hostent *, gethostbyname, (const char *name), (name))

/* data of the process */
TRAP_OWN(STATE, exit)
TRAP(STATE, char *, getenv, (const char *name), (name))
TRAP(STATE, char *, secure_getenv, (const char *name), (name))
TRAP(STATE, int, setenv, (const char *name, const char *value, int over),
     (name, value, over))
TRAP(STATE, int, unsetenv, (const char *name), (name))
TRAP(STATE, int, putenv, (char *s), (s))
TRAP(STATE, struct tm *, localtime, (const time_t *t), (t))
TRAP(STATE, struct tm *, localtime_r, (const time_t *t, struct tm *tm), (t, tm))
TRAP(STATE, struct tm *, gmtime, (const time_t *t), (t))
TRAP(STATE, struct tm *, gmtime_r, (const time_t *t, struct tm *tm), (t, tm))
TRAP(STATE, char *, ctime, (const time_t *t), (t))
TRAP(STATE, char *, ctime_r, (const time_t *t, char *s), (t, s))
TRAP(STATE, char *, asctime, (const struct tm *tm), (tm))
TRAP(STATE, time_t, mktime, (struct tm *tm), (tm))
TRAP(STATE, void, tzset, (void), ())
TRAP(STATE, size_t, strftime,
     (char *s, size_t n, const char *format, const struct tm *tm),
     (s, n, format, tm))
TRAP_OWN(STATE, syslog)
TRAP_OWN(STATE, __syslog_chk)
TRAP(STATE, void, vsyslog, (int level, const char *format, va_list ap),
	  (level, format, ap))
TRAP(STATE, void, __vsyslog_chk,
	  (int level, int flag, const char *format, va_list ap),
	  (level, flag, format, ap))
TRAP(STATE, void, openlog, (const char *ident, int option, int facility),
	  (ident, option, facility))
TRAP(STATE, void, closelog, (void), ())
TRAP(STATE, int, rand, (void), ())
TRAP(STATE, void, srand, (unsigned int seed), (seed))
TRAP(STATE, long, random, (void), ())
TRAP(STATE, void, srandom, (unsigned int seed), (seed))
TRAP(STATE, double, drand48, (void), ())
TRAP(STATE, long, lrand48, (void), ())
TRAP(STATE, char *, strerror, (int error), (error))
TRAP(STATE, char *, strsignal, (int signo), (signo))
TRAP(STATE, char *, strtok, (char *s, const char *delim), (s, delim))
TRAP(STATE, char *, setlocale, (int category, const char *locale),
     (category, locale))
TRAP(STATE, DIR *, opendir, (const char *path), (path))
TRAP(STATE, struct dirent *, readdir, (DIR *dir), (dir))
TRAP(STATE, int, closedir, (DIR *dir), (dir))
TRAP(STATE, struct passwd *, getpwnam, (const char *name), (name))
TRAP(STATE, struct passwd *, getpwuid, (uid_t uid), (uid))
TRAP(STATE, struct group *, getgrnam, (const char *name), (name))
TRAP(STATE, struct group *, getgrgid, (gid_t gid), (gid))
/* clang-format on */

#undef TRAP
#undef TRAP_IF
#undef TRAP_FORMAT
#undef TRAP_OWN
