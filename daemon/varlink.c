/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The varlink protocol (varlink.org): calls and replies are JSON objects. A
 * call that cannot be run is answered with an error of org.varlink.service;
 * what is no call at all ends the connection, because nobody can tell any
 * more which reply would belong to what.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "description.h"
#include "varlink.h"

#define SERVICE "org.varlink.service"

static int append_text(const char *text, size_t length, void *arg)
{
	return buffer_append(arg, text, length);
}

/* Takes @message over. */
static int write_message(struct buffer *out, json_t *message)
{
	int r = -ENOMEM;

	if (message &&
	    json_dump_callback(message, append_text, out, JSON_COMPACT) == 0)
		r = buffer_append(out, "", 1);
	json_decref(message);
	return r;
}

int varlink_write_error(struct buffer *out, const char *error,
			json_t *parameters)
{
	return write_message(out, json_pack("{s:s, s:o}", "error", error,
					    "parameters", parameters));
}

void varlink_reply(struct varlink_call *call, json_t *parameters)
{
	int r;

	if (call->oneway) {
		json_decref(parameters);
		return;
	}
	r = write_message(call->out,
			  json_pack("{s:o}", "parameters", parameters));
	if (r < 0)
		call->error = r;
}

void varlink_error(struct varlink_call *call, const char *error,
		   json_t *parameters)
{
	int r;

	if (call->oneway) {
		json_decref(parameters);
		return;
	}
	r = varlink_write_error(call->out, error, parameters);
	if (r < 0)
		call->error = r;
}

void varlink_invalid_parameter(struct varlink_call *call, const char *name)
{
	varlink_error(call, SERVICE ".InvalidParameter",
		      json_pack("{s:s}", "parameter", name));
}

bool varlink_check_names(struct varlink_call *call, const char *const *names)
{
	const char *name, *const *known;
	json_t *value;

	json_object_foreach(call->parameters, name, value)
	{
		for (known = names; *known; known++) {
			if (strcmp(name, *known) == 0)
				break;
		}
		if (*known)
			continue;
		varlink_invalid_parameter(call, name);
		return false;
	}
	return true;
}

json_t *varlink_get(const struct varlink_call *call, const char *name)
{
	json_t *value = json_object_get(call->parameters, name);

	return json_is_null(value) ? NULL : value;
}

static const struct varlink_interface *
find_interface(const struct varlink_service *service, const char *name,
	       size_t length)
{
	const struct varlink_interface *const *interface = service->interfaces;

	for (; *interface; interface++) {
		if (strlen((*interface)->name) == length &&
		    memcmp((*interface)->name, name, length) == 0)
			return *interface;
	}
	return NULL;
}

/* @name is the whole name, interface and method. */
static void run_method(struct varlink_call *call, const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t length = dot ? (size_t)(dot - name) : strlen(name);
	const struct varlink_interface *interface;
	const struct varlink_method *method;

	interface = find_interface(call->service, name, length);
	if (!dot || !interface) {
		varlink_error(call, SERVICE ".InterfaceNotFound",
			      json_pack("{s:s%}", "interface", name, length));
		return;
	}
	call->method = dot + 1;
	for (method = interface->methods; method->name; method++) {
		if (strcmp(method->name, call->method) == 0) {
			method->run(call);
			return;
		}
	}
	varlink_error(call, SERVICE ".MethodNotFound",
		      json_pack("{s:s}", "method", name));
}

/* A member that must be true or false, when it is there. */
static int get_bool(const json_t *message, const char *name, bool *ret_value,
		    char *ret_reason)
{
	const json_t *value = json_object_get(message, name);

	*ret_value = json_is_true(value);
	if (!value || json_is_null(value) || json_is_boolean(value))
		return 0;
	snprintf(ret_reason, 128, "\"%s\" is not a bool", name);
	return -EBADMSG;
}

/* Fill @call from @message. */
static int read_call(const json_t *message, struct varlink_call *call,
		     const char **ret_method, char *ret_reason)
{
	json_t *method = json_object_get(message, "method");
	int r;

	if (!json_is_string(method)) {
		snprintf(ret_reason, 128, "no string \"method\" in an object");
		return -EBADMSG;
	}
	*ret_method = json_string_value(method);
	call->parameters = json_object_get(message, "parameters");
	if (json_is_null(call->parameters))
		call->parameters = NULL;
	if (call->parameters && !json_is_object(call->parameters)) {
		snprintf(ret_reason, 128, "\"parameters\" is not an object");
		return -EBADMSG;
	}
	r = get_bool(message, "more", &call->more, ret_reason);
	if (r == 0)
		r = get_bool(message, "oneway", &call->oneway, ret_reason);
	return r;
}

int varlink_handle(const struct varlink_service *service, const char *message,
		   size_t length, void *peer, struct buffer *out,
		   char *ret_reason)
{
	struct varlink_call call = {
		.service = service,
		.peer = peer,
		.out = out,
	};
	json_t *json, *empty;
	const char *method;
	json_error_t error;
	int r;

	/* jansson bounds the nesting itself, at 2048 levels. */
	json = json_loadb(message, length, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		snprintf(ret_reason, 128, "not JSON: %.100s", error.text);
		return -EBADMSG;
	}
	empty = json_object();
	r = read_call(json, &call, &method, ret_reason);
	if (r == 0 && !empty)
		r = -ENOMEM;
	if (r == 0) {
		if (!call.parameters)
			call.parameters = empty;
		run_method(&call, method);
		r = call.error;
	}
	json_decref(empty);
	json_decref(json);
	return r;
}

static void get_info(struct varlink_call *call)
{
	const struct varlink_service *service = call->service;
	const struct varlink_interface *const *interface;
	static const char *const names[] = {NULL};
	json_t *interfaces;

	if (!varlink_check_names(call, names))
		return;
	interfaces = json_array();
	for (interface = service->interfaces; *interface; interface++)
		json_array_append_new(interfaces,
				      json_string((*interface)->name));
	varlink_reply(call,
		      json_pack("{s:s, s:s, s:s, s:s, s:o}", "vendor",
				service->vendor, "product", service->product,
				"version", service->version, "url",
				service->url, "interfaces", interfaces));
}

static void get_interface_description(struct varlink_call *call)
{
	static const char *const names[] = {"interface", NULL};
	const struct varlink_interface *interface;
	const char *name;

	if (!varlink_check_names(call, names))
		return;
	name = json_string_value(varlink_get(call, "interface"));
	if (!name) {
		varlink_invalid_parameter(call, "interface");
		return;
	}
	interface = find_interface(call->service, name, strlen(name));
	if (!interface)
		varlink_error(call, SERVICE ".InterfaceNotFound",
			      json_pack("{s:s}", "interface", name));
	else
		varlink_reply(call, json_pack("{s:s}", "description",
					      interface->description));
}

static const struct varlink_method service_methods[] = {
	{"GetInfo", get_info},
	{"GetInterfaceDescription", get_interface_description},
	{NULL, NULL},
};

const struct varlink_interface varlink_service_interface = {
	SERVICE,
	description_org_varlink_service,
	service_methods,
};
