// OpenSSL's headers, and functions for what they offer as macros only, which Swift can't see.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

// A server context with this project's policy: TLS 1.2 and 1.3 (or 1.3 only), forward-secret AEAD suites,
// no renegotiation, no compression, no session cache, ALPN "http/1.1", small buffers while idle.
// NULL on failure, with the reason on OpenSSL's error queue.
SSL_CTX *copenssl_server_context(int tls13_only);

// Session tickets under keys of our own; copenssl_server_context has done it.
int copenssl_use_ticket_keys(SSL_CTX *context);

// A new random key for session tickets. Those of the key before are still taken until the next time; what is
// older can't be read any more, by anyone. Not to be called beside a handshake of the same context.
int copenssl_rotate_ticket_keys(SSL_CTX *context);

#endif
