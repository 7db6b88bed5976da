/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_stream: bytes to and from a descriptor (a UART, a socket, a pipe), for
 * tasks; and the wait for a descriptor that it is made of.
 */
#ifndef ISRLOOP_STREAM_H
#define ISRLOOP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/flag.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/**
 * @brief Wait until a descriptor is ready.
 *
 * Any number of tasks may wait for one descriptor, each for what it wants; all
 * are woken, and whoever comes too late waits again. What is always ready, as
 * regular files are, is so here. Those who are due run before it looks, as
 * those of isr_wait() do before the task goes on; nobody does between that look
 * and its return. The descriptor must not be closed meanwhile: cancel the task
 * first.
 *
 * @param fd          Any kind.
 * @param events      enum isr_fd_events, at least one.
 * @param timeout_ns  ISR_FOREVER, or how long to wait at most; 0: not at all.
 * @context task
 * @return The ISR_FD_* bits that are ready, both of them when the other side
 *         has hung up or there is an error: what to do next will tell;
 *         -ETIMEDOUT; -ECANCELED; -EBADF when it is closed; -EINVAL for
 *         unknown or no events, or a timeout below ISR_FOREVER; -ENOMEM, in a
 *         task's first wait only; -EDEADLK outside a task or in a critical
 *         section; -EPERM in ISR context or in a forked child; what poll(2)
 *         says and, under a foreign loop, fcntl(2) and epoll_ctl(2).
 * @since 0.1
 */
ISR_API int isr_wait_fd(int fd, unsigned int events, int64_t timeout_ns);

/**
 * The caller's memory. All members are private: the loop's thread has them. At
 * any time one task may read and one may write.
 */
struct isr_stream {
	int fd;
	bool is_socket;
	bool is_reading;
	bool is_writing;
	/* read and not yet handed on: from begin to end */
	unsigned char *buffer;
	size_t size;
	size_t begin;
	size_t end;
};

/**
 * @brief Make a stream of a descriptor; it becomes non-blocking.
 *
 * There is nothing to finish: forget the stream, then close the descriptor.
 *
 * @param stream  The caller's memory, as long as it is used.
 * @param fd      Stays the caller's. O_NONBLOCK is set for all who share it.
 * @param buffer  The caller's memory, as long as the stream. NULL: none, for
 *                isr_stream_read() and isr_stream_write() alone.
 * @param size    Its bytes: the longest line, newline included.
 * @context any (of a stream that no task uses)
 * @return 0; -EINVAL for NULL; -EPERM in ISR context; what fcntl(2) says.
 * @since 0.1
 */
ISR_API int isr_stream_init(struct isr_stream *stream, int fd, void *buffer,
			    size_t size);

/**
 * @brief Read what there is, at least one byte.
 *
 * As all that reads a stream: a call that fails has consumed nothing, not even
 * when it was cancelled or its time was over half-way; and what is there
 * already is consumed at once, after which the task goes on as after
 * isr_wait().
 *
 * @param stream      Initialised.
 * @param ret_data    Room for @n bytes.
 * @param n           At least 1.
 * @param timeout_ns  ISR_FOREVER, or how long to wait at most; 0: not at all.
 * @context task
 * @return How many, at most @n; 0 at the end; -ETIMEDOUT; -ECANCELED; -EBUSY
 *         when another task reads it; -EINVAL for NULL, an @n of 0 or a
 *         timeout below ISR_FOREVER; -ENOMEM, in a task's first wait only;
 *         -EDEADLK outside a task or in a critical section; -EPERM in ISR
 *         context or in a forked child; what read(2) says and isr_wait_fd().
 * @since 0.1
 */
ISR_API int isr_stream_read(struct isr_stream *stream, void *ret_data, size_t n,
			    int64_t timeout_ns);

/**
 * @brief Read a number of bytes, fewer only at the end.
 * @param stream      Initialised.
 * @param ret_data    Room for @n bytes.
 * @param n           At least 1, at most as many as the stream's buffer.
 * @param timeout_ns  For all of it.
 * @context task
 * @return @n; fewer, also 0, at the end; -EMSGSIZE when the buffer is smaller
 *         than @n; errors as isr_stream_read().
 * @since 0.1
 */
ISR_API int isr_stream_read_exact(struct isr_stream *stream, void *ret_data,
				  size_t n, int64_t timeout_ns);

/**
 * @brief Read a line, with its newline.
 *
 * Only '\n' ends one: a '\r' before it is part of the line. What comes after
 * the last newline is a line, too.
 *
 * @param stream      Initialised.
 * @param ret_line    The line, and a '\0' after it.
 * @param size        Room for both, at least 1.
 * @param timeout_ns  For all of it.
 * @context task
 * @return Its length, without the '\0'; 0 at the end; -EMSGSIZE when it is
 *         longer than the stream's buffer or @size: it is kept, and
 *         isr_stream_read() gets it in parts; errors as isr_stream_read().
 * @since 0.1
 */
ISR_API int isr_stream_get_line(struct isr_stream *stream, char *ret_line,
				size_t size, int64_t timeout_ns);

/**
 * @brief Write all of it.
 * @param stream       Initialised.
 * @param data         Stays as it is until the call is over.
 * @param n            How many bytes.
 * @param timeout_ns   ISR_FOREVER, or how long to wait at most; 0: not at all.
 * @param ret_written  How many were written, also when it fails with anything
 *                     but -EINVAL, -EDEADLK or -EPERM. May be NULL.
 * @context task
 * @return 0; -ETIMEDOUT; -ECANCELED; -EBUSY when another task writes to it;
 *         -EINVAL for NULL or a timeout below ISR_FOREVER; -ENOMEM, in a
 *         task's first wait only; -EDEADLK outside a task or in a critical
 *         section; -EPERM in ISR context or in a forked child; what write(2)
 *         says and isr_wait_fd(). A socket whose other side is closed is
 *         -EPIPE and no signal.
 * @since 0.1
 */
ISR_API int isr_stream_write(struct isr_stream *stream, const void *data,
			     size_t n, int64_t timeout_ns, size_t *ret_written);

ISR_END_DECLS

#endif /* ISRLOOP_STREAM_H */
