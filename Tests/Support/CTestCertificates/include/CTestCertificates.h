// Throw-away certificates and a blocking TLS client for tests.
#ifndef CTESTCERTIFICATES_H
#define CTESTCERTIFICATES_H

#include <openssl/ssl.h>

// Writes a self-signed P-256 certificate for `name` and its key as PEM files; 1 on success.
int ctest_write_certificate(const char *name, const char *certificate_path, const char *key_path);

// A client session on a connected socket, after its handshake; NULL when that fails. `version` is an
// OpenSSL protocol version or 0; `protocols` an ALPN list in wire form or NULL; `resumed` a session to take up again or NULL.
SSL *ctest_connect(
    int descriptor, int version, const unsigned char *protocols, unsigned int length, SSL_SESSION *resumed);

// The peer certificate's common name, for telling two certificates apart.
int ctest_peer_name(SSL *session, char *buffer, int size);

#endif
