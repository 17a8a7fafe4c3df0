#include "CTestCertificates.h"
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

int ctest_write_certificate(const char *name, const char *certificate_path, const char *key_path) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    FILE *certificate_file = fopen(certificate_path, "w");
    FILE *key_file = fopen(key_path, "w");
    int ok = key && certificate && certificate_file && key_file;
    if (ok) {
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
        X509_set_pubkey(certificate, key);
        X509_NAME *subject = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
        X509_set_issuer_name(certificate, subject);
        ok = X509_sign(certificate, key, EVP_sha256()) > 0 &&
             PEM_write_X509(certificate_file, certificate) == 1 &&
             PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) == 1;
    }
    if (certificate_file) fclose(certificate_file);
    if (key_file) fclose(key_file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return ok;
}

SSL *ctest_connect(
    int descriptor, int version, const unsigned char *protocols, unsigned int length, SSL_SESSION *resumed) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) return NULL;
    // Old versions have to be offered to see that they are refused.
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    if (version) {
        SSL_CTX_set_min_proto_version(context, version);
        SSL_CTX_set_max_proto_version(context, version);
    }
    SSL *session = SSL_new(context);
    SSL_CTX_free(context);
    if (!session) return NULL;
    SSL_set_fd(session, descriptor);
    if (protocols) SSL_set_alpn_protos(session, protocols, length);
    if (resumed) SSL_set_session(session, resumed);
    if (SSL_connect(session) != 1) {
        SSL_free(session);
        return NULL;
    }
    return session;
}

int ctest_peer_name(SSL *session, char *buffer, int size) {
    X509 *certificate = SSL_get1_peer_certificate(session);
    if (!certificate) return 0;
    int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, buffer, size);
    X509_free(certificate);
    return length > 0;
}
