// What Swift's Glibc module does not show: epoll, and accept4, which hides behind _GNU_SOURCE.
#ifndef CSOCKETS_H
#define CSOCKETS_H

#include <sys/epoll.h>
#include <sys/socket.h>

// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC; -1 and errno on failure.
int csockets_accept(int listener, struct sockaddr_storage *address, socklen_t *length);

#endif
