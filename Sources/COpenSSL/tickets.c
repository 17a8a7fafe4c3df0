#include "COpenSSL.h"
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>

// A ticket's name, and the keys that encrypt and sign it (RFC 5077 section 4).
typedef struct {
    unsigned char name[16], cipher[32], mac[32];
} ticket_key;

// Tickets are written with the first; those of the second are still read, and then written anew.
typedef struct {
    ticket_key keys[2];
    int count;
} ticket_keys;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int slot = -1;

static void free_keys(void *context, void *keys, CRYPTO_EX_DATA *data, int index, long number, void *pointer) {
    (void)context;
    (void)data;
    (void)index;
    (void)number;
    (void)pointer;
    if (keys) OPENSSL_clear_free(keys, sizeof(ticket_keys));
}

// With the context's own data, as connections outlive whoever made the context.
static void make_slot(void) { slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_keys); }

static int set_key(const ticket_key *key, EVP_MAC_CTX *mac) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters);
}

// 1: use the ticket, 2: use it and send a new one, 0: no such key, so a whole handshake, -1: failure.
static int choose_key(SSL *session, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int writes) {
    const ticket_keys *keys = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), slot);
    int chosen = 0;
    if (!keys || keys->count == 0) return -1;
    if (writes) {
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
        memcpy(name, keys->keys[0].name, sizeof(keys->keys[0].name));
    } else {
        while (chosen < keys->count && CRYPTO_memcmp(name, keys->keys[chosen].name, 16) != 0) chosen++;
        if (chosen == keys->count) return 0;
    }
    const ticket_key *key = &keys->keys[chosen];
    if (!set_key(key, mac) || !EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, writes)) return -1;
    return chosen == 0 ? 1 : 2;
}

int copenssl_use_ticket_keys(SSL_CTX *context) {
    if (pthread_once(&once, make_slot) != 0 || slot < 0) return 0;
    ticket_keys *keys = OPENSSL_zalloc(sizeof(ticket_keys));
    if (!keys) return 0;
    if (SSL_CTX_set_ex_data(context, slot, keys) != 1) {
        OPENSSL_free(keys);
        return 0;
    }
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, choose_key);
    return copenssl_rotate_ticket_keys(context);
}

int copenssl_rotate_ticket_keys(SSL_CTX *context) {
    ticket_keys *keys = SSL_CTX_get_ex_data(context, slot);
    ticket_key fresh;
    if (!keys || RAND_priv_bytes((unsigned char *)&fresh, sizeof(fresh)) != 1) return 0;
    keys->keys[1] = keys->keys[0];
    keys->keys[0] = fresh;
    if (keys->count < 2) keys->count++;
    OPENSSL_cleanse(&fresh, sizeof(fresh));
    return 1;
}
