#pragma once
#include <zmq.h>
// The Glibc module of Swift does not import it: the mailbox wakes a poll by it.
#include <sys/eventfd.h>
