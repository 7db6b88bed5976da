/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F4: streams: bytes to and from a descriptor, for tasks.
 *
 * What was read and not yet handed on is in the stream's buffer, so a call
 * that ends without a result has consumed nothing. Reading and writing share
 * nothing but the descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <isrloop/stream.h>

#include "context.h"
#include "futex.h"
#include "wait-fd.h"

/* One call, which may wait more than once. */
struct call {
	struct isr_stream *stream;
	struct isr_task *self;
	int64_t timeout_ns;
	uint64_t due_ns;
	bool is_due;
};

int isr_stream_init(struct isr_stream *stream, int fd, void *buffer,
		    size_t size)
{
	struct stat st;
	int flags, r;

	if (!stream || (!buffer && size))
		return -EINVAL;
	r = isri_context_refuse_isr(__func__);
	if (r < 0)
		return r;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	*stream = (struct isr_stream){
		.fd = fd,
		.is_socket = S_ISSOCK(st.st_mode),
		.buffer = buffer,
		.size = size,
	};
	return 0;
}

/* 0: try again; or why not. */
static int pause_call(struct call *call, unsigned int events)
{
	int r;

	if (call->is_due)
		return -ETIMEDOUT;
	r = isri_wait_fd_sleep(call->self, call->stream->fd, events,
			       call->due_ns);
	if (r < 0)
		return r;
	call->is_due = r;
	return isri_task_is_cancelled(call->self) ? -ECANCELED : 0;
}

static bool may_come(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void call_init(struct call *call, struct isr_stream *stream,
		      int64_t timeout_ns)
{
	*call = (struct call){
		.stream = stream,
		.self = isri_task_current(),
		.timeout_ns = timeout_ns,
		.due_ns = isri_futex_deadline_ns(timeout_ns),
		.is_due = timeout_ns == 0,
	};
}

/*
 * Reading
 */

/* Refused in the name of the public function. */
static int begin_read_for(struct call *call, struct isr_stream *stream,
			  int64_t timeout_ns, const char *function)
{
	int r = isri_task_check_wait_for(function);

	if (r < 0)
		return r;
	if (stream->is_reading)
		return -EBUSY;
	stream->is_reading = true;
	call_init(call, stream, timeout_ns);
	return 0;
}

#define begin_read(call, stream, timeout_ns) \
	begin_read_for(call, stream, timeout_ns, __func__)

static int end_read(struct call *call, int r)
{
	call->stream->is_reading = false;
	if (r >= 0)
		isri_task_go_on(call->self, call->timeout_ns);
	return r;
}

static size_t count_buffered(const struct isr_stream *stream)
{
	return stream->end - stream->begin;
}

/*
 * Where nothing was read. A raw terminal with a VMIN of 0 says so, too, when
 * it is silent; one that is gone has no attributes any more.
 */
static bool is_the_end(int fd)
{
	struct termios t;

	return tcgetattr(fd, &t) < 0 || t.c_lflag & ICANON || t.c_cc[VMIN];
}

/* At least one byte; 0: the end; or why not. */
static int read_some(struct call *call, void *data, size_t n)
{
	ssize_t got;
	int r;

	if (n > INT_MAX)
		n = INT_MAX;
	for (;;) {
		got = read(call->stream->fd, data, n);
		if (got > 0 || (got == 0 && is_the_end(call->stream->fd)))
			return (int)got;
		if (got < 0 && !may_come(errno))
			return -errno;
		if (got < 0 && errno == EINTR)
			continue;
		r = pause_call(call, ISR_FD_READ);
		if (r < 0)
			return r;
	}
}

/* More of it into the buffer, which has room. */
static int fill(struct call *call)
{
	struct isr_stream *stream = call->stream;
	int r;

	if (stream->begin) {
		memmove(stream->buffer, stream->buffer + stream->begin,
			count_buffered(stream));
		stream->end -= stream->begin;
		stream->begin = 0;
	}
	r = read_some(call, stream->buffer + stream->end,
		      stream->size - stream->end);
	if (r > 0)
		stream->end += (size_t)r;
	return r;
}

/* Up to n bytes of the buffer. */
static int hand_on(struct isr_stream *stream, void *data, size_t n)
{
	if (n > count_buffered(stream))
		n = count_buffered(stream);
	if (n)
		memcpy(data, stream->buffer + stream->begin, n);
	stream->begin += n;
	return (int)n;
}

static int read_any(struct call *call, void *data, size_t n)
{
	struct isr_stream *stream = call->stream;
	int r;

	if (!count_buffered(stream)) {
		if (n >= stream->size)
			return read_some(call, data, n);
		r = fill(call);
		if (r <= 0)
			return r;
	}
	return hand_on(stream, data, n);
}

int isr_stream_read(struct isr_stream *stream, void *ret_data, size_t n,
		    int64_t timeout_ns)
{
	struct call call;
	int r;

	if (!stream || !ret_data || !n || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = begin_read(&call, stream, timeout_ns);
	if (r < 0)
		return r;
	return end_read(&call,
			read_any(&call, ret_data, n < INT_MAX ? n : INT_MAX));
}

static int read_exact(struct call *call, void *data, size_t n)
{
	struct isr_stream *stream = call->stream;
	int r;

	while (count_buffered(stream) < n) {
		r = fill(call);
		if (r < 0)
			return r;
		if (r == 0)
			break;
	}
	return hand_on(stream, data, n);
}

int isr_stream_read_exact(struct isr_stream *stream, void *ret_data, size_t n,
			  int64_t timeout_ns)
{
	struct call call;
	int r;

	if (!stream || !ret_data || !n || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	if (n > stream->size || n > INT_MAX)
		return -EMSGSIZE;
	r = begin_read(&call, stream, timeout_ns);
	if (r < 0)
		return r;
	return end_read(&call, read_exact(&call, ret_data, n));
}

/*
 * Its length in the buffer; 0: the end; -EMSGSIZE: it is longer than that or,
 * with a '\0', than size.
 */
static int find_line(struct call *call, size_t size)
{
	struct isr_stream *stream = call->stream;
	const unsigned char *line, *newline;
	size_t max = size < stream->size ? size : stream->size;
	size_t n_seen = 0, n;
	int r;

	for (;;) {
		line = stream->buffer + stream->begin;
		n = count_buffered(stream);
		newline = n > n_seen ? memchr(line + n_seen, '\n', n - n_seen)
				     : NULL;
		if (newline)
			return (int)(newline - line) + 1;
		if (n >= max || n >= INT_MAX)
			return -EMSGSIZE;
		n_seen = n;
		r = fill(call);
		if (r <= 0)
			return r < 0 ? r : (int)n;
	}
}

static int get_line(struct call *call, char *line, size_t size)
{
	int r = find_line(call, size);

	if (r < 0)
		return r;
	if ((size_t)r >= size)
		return -EMSGSIZE;
	hand_on(call->stream, line, (size_t)r);
	line[r] = '\0';
	return r;
}

int isr_stream_get_line(struct isr_stream *stream, char *ret_line, size_t size,
			int64_t timeout_ns)
{
	struct call call;
	int r;

	if (!stream || !ret_line || !size || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = begin_read(&call, stream, timeout_ns);
	if (r < 0)
		return r;
	return end_read(&call, get_line(&call, ret_line, size));
}

/*
 * Writing
 */

static ssize_t put(const struct isr_stream *stream, const void *data, size_t n)
{
	/* The other side may have closed it: that is an error, not a signal. */
	return stream->is_socket ? send(stream->fd, data, n, MSG_NOSIGNAL)
				 : write(stream->fd, data, n);
}

static int write_all(struct call *call, const char *data, size_t n,
		     size_t *n_written)
{
	ssize_t r;

	while (*n_written < n) {
		r = put(call->stream, data + *n_written, n - *n_written);
		if (r >= 0) {
			*n_written += (size_t)r;
			continue;
		}
		if (!may_come(errno))
			return -errno;
		r = errno == EINTR ? 0 : pause_call(call, ISR_FD_WRITE);
		if (r < 0)
			return (int)r;
	}
	return 0;
}

int isr_stream_write(struct isr_stream *stream, const void *data, size_t n,
		     int64_t timeout_ns, size_t *ret_written)
{
	struct call call;
	size_t n_written = 0;
	int r;

	if (!stream || (!data && n) || timeout_ns < ISR_FOREVER)
		return -EINVAL;
	r = isri_task_check_wait();
	if (r == -EPERM || r == -EDEADLK)
		return r;
	if (r == 0 && stream->is_writing)
		r = -EBUSY;
	if (r == 0) {
		stream->is_writing = true;
		call_init(&call, stream, timeout_ns);
		r = write_all(&call, data, n, &n_written);
		stream->is_writing = false;
		if (r == 0)
			isri_task_go_on(call.self, timeout_ns);
	}
	if (ret_written)
		*ret_written = n_written;
	return r;
}
