/* net/filter/tls_problem.c: Why a TLS connection has failed, for people. */
#include "net/filter/tls_problem.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <string.h>

/* A text for the log of a server, and one for that of a client. */
struct text {
    int number;
    const char *of_server;
    const char *of_client;
};

#define BOTH(text)  (text), (text)
#define ALERT(name) (SSL_AD_REASON_OFFSET + (name))

/* By the reason of an error: of OpenSSL, or of an alert of the peer. */
static const struct text reasons[] = {
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, BOTH("a TLS record is damaged or forged")},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the client offers no TLS newer than 1.1",
     "the server speaks no TLS newer than 1.1"},
    {SSL_R_WRONG_VERSION_NUMBER, "the client does not speak TLS", "the server does not speak TLS"},
    {SSL_R_NO_SHARED_CIPHER, "the client offers no cipher that this server permits",
     "the server has no cipher that this client permits"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, BOTH("the client does not support the certificate")},
    {SSL_R_NO_APPLICATION_PROTOCOL, "the client asks for another application protocol (ALPN)",
     "the server asks for another application protocol (ALPN)"},
    {ALERT(SSL_AD_HANDSHAKE_FAILURE), "the client accepts no version or cipher of this server",
     "the server accepts no version or cipher of this client"},
    {ALERT(SSL_AD_PROTOCOL_VERSION), "the client refuses the version of TLS",
     "the server refuses the version of TLS"},
    {ALERT(SSL_AD_NO_APPLICATION_PROTOCOL), "the client refuses the application protocol (ALPN)",
     "the server speaks another application protocol (ALPN)"},
    {ALERT(SSL_AD_UNKNOWN_CA), BOTH("the client does not trust the issuer of the certificate")},
    {ALERT(SSL_AD_BAD_CERTIFICATE), BOTH("the client refuses the certificate")},
    {ALERT(SSL_AD_CERTIFICATE_UNKNOWN), BOTH("the client refuses the certificate")},
    {ALERT(SSL_AD_CERTIFICATE_EXPIRED),
     BOTH("the certificate has expired, says the client; check both clocks")},
    {ALERT(SSL_AD_BAD_RECORD_MAC), BOTH("a record has arrived damaged, says the peer")},
    {ALERT(SSL_AD_USER_CANCELLED), BOTH("the peer has cancelled the handshake")},
};

/* Why the certificate of a server is refused. */
static const struct text verify_results[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, BOTH("the certificate of the server has expired")},
    {X509_V_ERR_CERT_NOT_YET_VALID,
     BOTH("the certificate of the server is not yet valid; check the clock of this machine")},
    {X509_V_ERR_HOSTNAME_MISMATCH, BOTH("the certificate of the server is for another name")},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, BOTH("the certificate of the server is for another address")},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
     BOTH("the certificate of the server is self-signed, and not among the trusted ones")},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
     BOTH("the certificate of the server has an issuer that is not trusted")},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     BOTH("the certificate of the server has an issuer that is not trusted")},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
     BOTH("the certificate of the server has an issuer that is not trusted")},
};

static const char *find(const struct text *texts, size_t count, int number, bool is_client)
{
    for (size_t i = 0; i < count; i++) {
        if (texts[i].number == number) {
            return is_client ? texts[i].of_client : texts[i].of_server;
        }
    }
    return NULL;
}

#define FIND(texts, number, is_client)                                                             \
    find((texts), sizeof(texts) / sizeof((texts)[0]), (number), (is_client))

const char *gw__tls_explain_foreign(const uint8_t first[GW_TLS_FIRST_BYTES], uint32_t bytes,
                                    bool is_client)
{
    /* Flags 0, the id of HELLO or HELLO_ACK, and the tag of both: bytes 3 to 7 of a frame. */
    if (bytes >= 8 && first[3] == 0 && first[4] <= 2 && first[5] == 0 && first[6] == 0x47 &&
        first[7] == 0x57) {
        return is_client ? "the server speaks plain Gangway; connect to it with tcp://"
                         : "the client speaks plain Gangway; this listener is TLS";
    }
    static const char *const methods[] = {"GET ", "POST", "HEAD", "PUT ", "OPTI", "CONN", "HTTP"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]) && bytes >= 4; i++) {
        if (memcmp(first, methods[i], 4) == 0) {
            return is_client ? "the server speaks HTTP without TLS; connect to it with ws://"
                             : "the client speaks HTTP without TLS; this listener is TLS";
        }
    }
    if (bytes >= 4 && (memcmp(first, "PROX", 4) == 0 || memcmp(first, "\r\n\r\n", 4) == 0)) {
        return "the client sends a PROXY header, which this listener does not expect";
    }
    return NULL;
}

const char *gw__tls_explain(const SSL *ssl, bool is_client)
{
    unsigned long first = 0; /* of libssl, if there is one: it knows what the cipher was for */
    for (unsigned long error; (error = ERR_get_error()) != 0;) {
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
            ERR_clear_error();
            return NULL;
        }
        bool is_better = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_LIB(first) != ERR_LIB_SSL;
        first = first == 0 || is_better ? error : first;
    }
    const char *text = NULL;
    long result = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;
    if (ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED && result != X509_V_OK) {
        text = FIND(verify_results, (int)result, is_client);
        return text != NULL ? text : X509_verify_cert_error_string(result);
    }
    text = FIND(reasons, ERR_GET_REASON(first), is_client);
    text = text != NULL ? text : ERR_reason_error_string(first);
    return text != NULL ? text : "OpenSSL gives no reason";
}
