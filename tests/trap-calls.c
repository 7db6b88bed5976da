/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * A call of each function that libisrloop-guard.so traps. The cases are asked
 * for by the guard's own list: a function that is added there and has none
 * here does not compile. Each case is carried out for real, in a signal
 * handler; it calls nothing else that is trapped, so all it needs is made
 * before, and all it makes is left.
 */
#include "guard/headers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/time.h>

#include "trap-cases.h"

#define TRAP(family, type, name, params, args) type name params;
#define TRAP_IF(family, type, name, params, args, condition) type name params;
#define TRAP_FORMAT(family, type, name, twin, params, last, args) \
	type name params;
#define TRAP_OWN(family, name)
#include "guard/trapped.h"
void __syslog_chk(int level, int flag, const char *format, ...);

#define TRAP_OWN(family, name) static void case_##name(void);
#include "guard/trapped.h"

const struct trap_case trap_cases[] = {
#define TRAP_OWN(family, name) {#name, case_##name},
#include "guard/trapped.h"
	{0},
};

#define CASE(name, call)             \
	static void case_##name(void) \
	{                            \
		(void)!(call);       \
	}
#define CASE_VOID(name, call)        \
	static void case_##name(void) \
	{                            \
		call;                \
	}
/* call uses the va_list "ap" of no arguments. */
#define CASE_LIST(name, call)                      \
	static void list_##name(const char *s, ...) \
	{                                          \
		va_list ap;                        \
                                                   \
		va_start(ap, s);                   \
		call;                              \
		va_end(ap);                        \
	}                                          \
	CASE_VOID(name, list_##name("x"))

#define ANY ((size_t)-1) /* room of an object whose size is not known */

static const struct timespec tick = {.tv_nsec = 1};
static char text[64], *string;
static FILE *in, *out, *closing, *reopening, *piped;
static int null_fd, file_fd, epoll_fd;
static void *blocks[4];
static DIR *dir, *closing_dir;
static struct tm tm;
static time_t now;
static sigset_t alarm_set, no_set, user_set;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t cond_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spinlock;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static once_flag call_once_flag = ONCE_FLAG_INIT;
static pthread_t joining[3], created;
static sem_t semaphore;
static mtx_t mtx, cnd_mtx;
static cnd_t cnd;
static thrd_t created_thrd, joining_thrd;

static void nothing(void)
{
}

static void *thread(void *arg)
{
	return arg;
}

static int thrd(void *arg)
{
	return 0;
}

/* The heap */
CASE(malloc, blocks[3] = malloc(100))
CASE(calloc, calloc(10, 10))
CASE(realloc, realloc(blocks[0], 200))
CASE(reallocarray, reallocarray(blocks[1], 20, 10))
CASE_VOID(free, free(blocks[2]))
CASE(posix_memalign, posix_memalign(&blocks[3], 64, 100))
CASE(aligned_alloc, aligned_alloc(64, 128))
CASE(memalign, memalign(64, 100))
CASE(valloc, valloc(100))
CASE(pvalloc, pvalloc(100))

/* Printing */
CASE(printf, printf("x"))
CASE(fprintf, fprintf(out, "x"))
CASE(dprintf, dprintf(null_fd, "x"))
CASE(sprintf, sprintf(text, "x"))
CASE(snprintf, snprintf(text, sizeof(text), "x"))
CASE(asprintf, asprintf(&string, "x"))
CASE_LIST(vprintf, vprintf(s, ap))
CASE_LIST(vfprintf, vfprintf(out, s, ap))
CASE_LIST(vdprintf, vdprintf(null_fd, s, ap))
CASE_LIST(vsprintf, vsprintf(text, s, ap))
CASE_LIST(vsnprintf, vsnprintf(text, sizeof(text), s, ap))
CASE_LIST(vasprintf, (void)!vasprintf(&string, s, ap))
CASE(__printf_chk, __printf_chk(1, "x"))
CASE(__fprintf_chk, __fprintf_chk(out, 1, "x"))
CASE(__dprintf_chk, __dprintf_chk(null_fd, 1, "x"))
CASE(__sprintf_chk, __sprintf_chk(text, 1, ANY, "x"))
CASE(__snprintf_chk, __snprintf_chk(text, 9, 1, ANY, "x"))
CASE(__asprintf_chk, __asprintf_chk(&string, 1, "x"))
CASE_LIST(__vprintf_chk, __vprintf_chk(1, s, ap))
CASE_LIST(__vfprintf_chk, __vfprintf_chk(out, 1, s, ap))
CASE_LIST(__vdprintf_chk, __vdprintf_chk(null_fd, 1, s, ap))
CASE_LIST(__vsprintf_chk, __vsprintf_chk(text, 1, ANY, s, ap))
CASE_LIST(__vsnprintf_chk, __vsnprintf_chk(text, 9, 1, ANY, s, ap))
CASE_LIST(__vasprintf_chk, __vasprintf_chk(&string, 1, s, ap))

/* Scanning */
CASE(scanf, scanf("x"))
CASE(fscanf, fscanf(in, "x"))
CASE(sscanf, sscanf("x", "x"))
CASE_LIST(vscanf, (void)!vscanf(s, ap))
CASE_LIST(vfscanf, (void)!vfscanf(in, s, ap))
CASE_LIST(vsscanf, (void)!vsscanf("x", s, ap))
CASE(__isoc99_scanf, __isoc99_scanf("x"))
CASE(__isoc99_fscanf, __isoc99_fscanf(in, "x"))
CASE(__isoc99_sscanf, __isoc99_sscanf("x", "x"))
CASE_LIST(__isoc99_vscanf, __isoc99_vscanf(s, ap))
CASE_LIST(__isoc99_vfscanf, __isoc99_vfscanf(in, s, ap))
CASE_LIST(__isoc99_vsscanf, __isoc99_vsscanf("x", s, ap))
#if __GLIBC_PREREQ(2, 38)
CASE(__isoc23_scanf, __isoc23_scanf("x"))
CASE(__isoc23_fscanf, __isoc23_fscanf(in, "x"))
CASE(__isoc23_sscanf, __isoc23_sscanf("x", "x"))
CASE_LIST(__isoc23_vscanf, __isoc23_vscanf(s, ap))
CASE_LIST(__isoc23_vfscanf, __isoc23_vfscanf(in, s, ap))
CASE_LIST(__isoc23_vsscanf, __isoc23_vsscanf("x", s, ap))
#endif

/* Streams */
CASE(puts, puts("x"))
CASE(fputs, fputs("x", out))
CASE(fputc, fputc('x', out))
CASE(putc, putc('x', out))
CASE(putchar, putchar('x'))
CASE(fwrite, fwrite("x", 1, 1, out))
CASE(fread, fread(text, 1, 1, in))
CASE(__fread_chk, __fread_chk(text, sizeof(text), 1, 1, in))
CASE(fgets, fgets(text, 2, in))
CASE(__fgets_chk, __fgets_chk(text, sizeof(text), 2, in))
CASE(fgetc, fgetc(in))
CASE(getc, getc(in))
CASE(getchar, getchar())
CASE(ungetc, ungetc('x', in))
static size_t string_size;
CASE(getline, (string = NULL, getline(&string, &string_size, in)))
CASE(getdelim, (string = NULL, getdelim(&string, &string_size, 'x', in)))
CASE(fopen, fopen("/dev/null", "r"))
CASE(fopen64, fopen64("/dev/null", "r"))
CASE(fdopen, fdopen(null_fd, "w"))
CASE(freopen, freopen("/dev/null", "r", reopening))
CASE(fclose, fclose(closing))
CASE(fflush, fflush(out))
CASE(fseek, fseek(in, 0, SEEK_SET))
CASE(ftell, ftell(in))
CASE_VOID(rewind, rewind(in))
CASE_VOID(perror, perror("x"))
CASE(popen, popen("exit", "r"))
CASE(pclose, pclose(piped))
CASE_VOID(flockfile, (flockfile(out), funlockfile(out)))

/* Locks: unlocking is not trapped, and so neither is trying. */
#define LOCKS(name, call, unlock) CASE(name, (call, unlock))
LOCKS(pthread_mutex_lock, pthread_mutex_lock(&mutex),
      pthread_mutex_unlock(&mutex))
LOCKS(pthread_mutex_timedlock, pthread_mutex_timedlock(&mutex, &tick),
      pthread_mutex_unlock(&mutex))
LOCKS(pthread_mutex_clocklock,
      pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &tick),
      pthread_mutex_unlock(&mutex))
LOCKS(pthread_rwlock_rdlock, pthread_rwlock_rdlock(&rwlock),
      pthread_rwlock_unlock(&rwlock))
LOCKS(pthread_rwlock_wrlock, pthread_rwlock_wrlock(&rwlock),
      pthread_rwlock_unlock(&rwlock))
LOCKS(pthread_rwlock_timedrdlock, pthread_rwlock_timedrdlock(&rwlock, &tick),
      pthread_rwlock_unlock(&rwlock))
LOCKS(pthread_rwlock_timedwrlock, pthread_rwlock_timedwrlock(&rwlock, &tick),
      pthread_rwlock_unlock(&rwlock))
LOCKS(pthread_rwlock_clockrdlock,
      pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &tick),
      pthread_rwlock_unlock(&rwlock))
LOCKS(pthread_rwlock_clockwrlock,
      pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &tick),
      pthread_rwlock_unlock(&rwlock))
LOCKS(pthread_spin_lock, pthread_spin_lock(&spinlock),
      pthread_spin_unlock(&spinlock))
LOCKS(mtx_lock, mtx_lock(&mtx), mtx_unlock(&mtx))
LOCKS(mtx_timedlock, mtx_timedlock(&mtx, &tick), mtx_unlock(&mtx))
#define WAITS(name, call)                       \
	LOCKS(name, pthread_mutex_trylock(&cond_mutex), \
	      (call, pthread_mutex_unlock(&cond_mutex)))
WAITS(pthread_cond_wait, pthread_cond_wait(&cond, &cond_mutex))
WAITS(pthread_cond_timedwait, pthread_cond_timedwait(&cond, &cond_mutex, &tick))
WAITS(pthread_cond_clockwait,
      pthread_cond_clockwait(&cond, &cond_mutex, CLOCK_MONOTONIC, &tick))
CASE(pthread_cond_signal, pthread_cond_signal(&cond))
CASE(pthread_cond_broadcast, pthread_cond_broadcast(&cond))
#define CND_WAITS(name, call) \
	LOCKS(name, mtx_trylock(&cnd_mtx), (call, mtx_unlock(&cnd_mtx)))
CND_WAITS(cnd_wait, cnd_wait(&cnd, &cnd_mtx))
CND_WAITS(cnd_timedwait, cnd_timedwait(&cnd, &cnd_mtx, &tick))
CASE(cnd_signal, cnd_signal(&cnd))
CASE(cnd_broadcast, cnd_broadcast(&cnd))
CASE(pthread_barrier_wait, pthread_barrier_wait(&barrier))
CASE(pthread_once,
     (once = (pthread_once_t)PTHREAD_ONCE_INIT, pthread_once(&once, nothing)))
CASE_VOID(call_once, call_once(&call_once_flag, nothing))
CASE(pthread_create, pthread_create(&created, NULL, thread, NULL))
CASE(pthread_join, pthread_join(joining[0], NULL))
CASE(pthread_timedjoin_np, pthread_timedjoin_np(joining[1], NULL, &tick))
CASE(pthread_clockjoin_np,
     pthread_clockjoin_np(joining[2], NULL, CLOCK_MONOTONIC, &tick))
CASE(thrd_create, thrd_create(&created_thrd, thrd, NULL))
CASE(thrd_join, thrd_join(joining_thrd, NULL))
CASE(sem_wait, (sem_post(&semaphore), sem_wait(&semaphore)))
CASE(sem_timedwait, sem_timedwait(&semaphore, &tick))
CASE(sem_clockwait, sem_clockwait(&semaphore, CLOCK_MONOTONIC, &tick))

/* Waiting; a timer sends SIGALRM for those that only a signal ends. */
CASE(sleep, (sleep)(0))
CASE(usleep, (usleep)(0))
CASE(nanosleep, nanosleep(&tick, NULL))
CASE(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL))
CASE(thrd_sleep, thrd_sleep(&tick, NULL))
CASE(pause, (pthread_sigmask(SIG_UNBLOCK, &alarm_set, NULL), pause(),
	     pthread_sigmask(SIG_BLOCK, &alarm_set, NULL)))
CASE(sigsuspend, sigsuspend(&no_set))
static int signo;
CASE(sigwait, (kill(getpid(), SIGUSR2), sigwait(&user_set, &signo)))
CASE(sigwaitinfo, (kill(getpid(), SIGUSR2), sigwaitinfo(&user_set, NULL)))
CASE(sigtimedwait, sigtimedwait(&user_set, NULL, &tick))
CASE(poll, poll(NULL, 0, 1))
CASE(__poll_chk, __poll_chk(NULL, 0, 1, ANY))
CASE(ppoll, ppoll(NULL, 0, &tick, NULL))
CASE(__ppoll_chk, __ppoll_chk(NULL, 0, &tick, NULL, ANY))
static struct timeval tick_tv;
CASE(select, (tick_tv.tv_usec = 1, select(0, NULL, NULL, NULL, &tick_tv)))
CASE(pselect, pselect(0, NULL, NULL, NULL, &tick, NULL))
static struct epoll_event polled;
CASE(epoll_wait, epoll_wait(epoll_fd, &polled, 1, 1))
CASE(epoll_pwait, epoll_pwait(epoll_fd, &polled, 1, 1, NULL))
CASE(wait, wait(NULL))
CASE(waitpid, waitpid(-1, NULL, 0))
CASE(waitid, waitid(P_ALL, 0, NULL, WEXITED))
CASE(wait4, wait4(-1, NULL, 0, NULL))
CASE(flock, flock(null_fd, LOCK_SH))
CASE(fsync, fsync(file_fd))
CASE(fdatasync, fdatasync(file_fd))
CASE(syncfs, syncfs(null_fd))
CASE(system, system("exit"))
static const struct addrinfo numeric = {
	.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
static struct addrinfo *addresses;
CASE(getaddrinfo, getaddrinfo("127.0.0.1", "1", &numeric, &addresses))
static struct sockaddr address = {.sa_family = AF_INET};
CASE(getnameinfo, getnameinfo(&address, 16, text, sizeof(text), NULL, 0,
			      NI_NUMERICHOST))
CASE(gethostbyname, gethostbyname("127.0.0.1"))

/* The process; who ends it is a child. */
static void case_exit(void)
{
	if (fork() == 0)
		exit(0);
}
CASE(getenv, getenv("HOME"))
CASE(secure_getenv, secure_getenv("HOME"))
CASE(setenv, setenv("TRAP_CASE", "1", 1))
CASE(unsetenv, unsetenv("TRAP_CASE"))
static char variable[] = "TRAP_CASE=2";
CASE(putenv, putenv(variable))
CASE(localtime, localtime(&now))
CASE(localtime_r, localtime_r(&now, &tm))
CASE(gmtime, gmtime(&now))
CASE(gmtime_r, gmtime_r(&now, &tm))
CASE(ctime, ctime(&now))
CASE(ctime_r, ctime_r(&now, text))
CASE(asctime, asctime(&tm))
CASE(mktime, mktime(&tm))
CASE_VOID(tzset, tzset())
CASE(strftime, strftime(text, sizeof(text), "%c", &tm))
CASE_VOID(syslog, syslog(LOG_DEBUG, "x"))
CASE_VOID(__syslog_chk, __syslog_chk(LOG_DEBUG, 1, "x"))
CASE_LIST(vsyslog, vsyslog(LOG_DEBUG, s, ap))
CASE_LIST(__vsyslog_chk, __vsyslog_chk(LOG_DEBUG, 1, s, ap))
CASE_VOID(openlog, openlog("trap-cases", 0, LOG_USER))
CASE_VOID(closelog, closelog())
CASE(rand, rand())
CASE_VOID(srand, srand(1))
CASE(random, random())
CASE_VOID(srandom, srandom(1))
CASE(drand48, drand48())
CASE(lrand48, lrand48())
CASE(strerror, strerror(EPERM))
CASE(strsignal, strsignal(SIGINT))
CASE(strtok, strtok(text, " "))
CASE(setlocale, setlocale(LC_ALL, NULL))
CASE(opendir, opendir("/"))
CASE(readdir, readdir(dir))
CASE(closedir, closedir(closing_dir))
CASE(getpwnam, getpwnam("root"))
CASE(getpwuid, getpwuid(0))
CASE(getgrnam, getgrnam("root"))
CASE(getgrgid, getgrgid(0))

static void on_alarm(int number)
{
}

/* Ends the waits of pthread_cond_wait(3) and cnd_wait(3). */
static void *wake(void *arg)
{
	for (;;) {
		pthread_cond_broadcast(&cond);
		cnd_broadcast(&cnd);
		poll(NULL, 0, 1);
	}
	return NULL;
}

static void prepare_threads(void)
{
	pthread_t waker;

	pthread_spin_init(&spinlock, 0);
	pthread_barrier_init(&barrier, NULL, 1);
	sem_init(&semaphore, 0, 1);
	mtx_init(&mtx, mtx_timed);
	mtx_init(&cnd_mtx, mtx_plain);
	cnd_init(&cnd);
	for (int i = 0; i < 3; i++)
		pthread_create(&joining[i], NULL, thread, NULL);
	thrd_create(&joining_thrd, thrd, NULL);
	pthread_create(&waker, NULL, wake, NULL);
}

/* Only the cases that wait for them unblock these signals. */
static void prepare_signals(void)
{
	const struct itimerval every = {{0, 1000}, {0, 1000}};
	struct sigaction action = {.sa_handler = on_alarm};

	sigemptyset(&no_set);
	sigemptyset(&alarm_set);
	sigaddset(&alarm_set, SIGALRM);
	sigemptyset(&user_set);
	sigaddset(&user_set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &alarm_set, NULL);
	pthread_sigmask(SIG_BLOCK, &user_set, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

void trap_cases_prepare(void)
{
	prepare_signals();
	prepare_threads();
	in = tmpfile();
	file_fd = fileno(in);
	fputs("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
	      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
	      in);
	rewind(in);
	out = fopen("/dev/null", "w");
	closing = fopen("/dev/null", "w");
	reopening = fopen("/dev/null", "w");
	piped = popen("exit", "r");
	dir = opendir("/");
	closing_dir = opendir("/");
	null_fd = open("/dev/null", O_RDWR);
	epoll_fd = epoll_create1(0);
	now = time(NULL);
	gmtime_r(&now, &tm);
	for (int i = 0; i < 4; i++)
		blocks[i] = malloc(100);
	for (int i = 0; i < 4; i++) {
		if (fork() == 0)
			_exit(0);
	}
}

void trap_call_allowed(void)
{
	const struct timespec zero = {0};
	static volatile double number = 1.5;
	struct timeval zero_tv = {0};
	struct timespec t;

	number = number * number / 3; /* floats are no heap objects here */
	clock_gettime(CLOCK_MONOTONIC, &t);
	(void)!write(null_fd, "x", 1);
	sem_post(&semaphore);
	sem_trywait(&semaphore);
	if (pthread_mutex_trylock(&mutex) == 0)
		pthread_mutex_unlock(&mutex);
	memset(text, 0, sizeof(text));
	poll(NULL, 0, 0);
	ppoll(NULL, 0, &zero, NULL);
	select(0, NULL, NULL, NULL, &zero_tv);
	pselect(0, NULL, NULL, NULL, &zero, NULL);
	epoll_wait(epoll_fd, &polled, 1, 0);
	sigtimedwait(&user_set, NULL, &zero);
	waitpid(-1, NULL, WNOHANG);
	wait4(-1, NULL, WNOHANG, NULL);
	waitid(P_ALL, 0, NULL, WEXITED | WNOHANG);
	flock(null_fd, LOCK_SH | LOCK_NB);
}
