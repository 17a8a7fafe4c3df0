#include "COpenSSL.h"
#include <string.h>

// Chooses "http/1.1" (RFC 7301); a client that offers only other protocols gets the alert that says so.
static int select_protocol(SSL *session, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned int offered_length, void *argument) {
    static const unsigned char protocol[] = "http/1.1";
    const unsigned int length = sizeof(protocol) - 1;
    (void)session;
    (void)argument;
    for (unsigned int at = 0; at < offered_length; at += offered[at] + 1u) {
        if (offered[at] == length && at + 1 + length <= offered_length &&
            memcmp(offered + at + 1, protocol, length) == 0) {
            *chosen = offered + at + 1;
            *chosen_length = (unsigned char)length;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// A key with a passphrase must be an error, not a question on the terminal of a server.
static int no_passphrase(char *buffer, int size, int writing, void *argument) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)argument;
    return -1;
}

SSL_CTX *copenssl_server_context(int tls13_only) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) return NULL;
    // The suites of Mozilla's "intermediate" list that are forward secret and authenticated.
    const char *suites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                         "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                         "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
    const unsigned char id[] = "mllmseg";
    int ok = SSL_CTX_set_min_proto_version(context, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION) &&
             SSL_CTX_set_cipher_list(context, suites) &&
             SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") &&
             SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1) && SSL_CTX_set_num_tickets(context, 1) &&
             copenssl_use_ticket_keys(context);
    if (!ok) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    return context;
}
