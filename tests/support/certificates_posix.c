/* tests/support/certificates_posix.c: Keys and certificates for tests, made when they are needed. */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/support/certificates.h"

#include "tests/test.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 320, PATH_COUNT = 8, DAY_S = 24 * 60 * 60 };

const char *certificates_path(const struct certificates *certificates, const char *file)
{
    static char paths[PATH_COUNT][PATH_BYTES];
    static unsigned count;
    char *path = paths[count++ % PATH_COUNT];
    snprintf(path, PATH_BYTES, "%s/%s", certificates->folder, file);
    return path;
}

static const char *path_of(const struct certificates *certificates, const char *name,
                           const char *suffix)
{
    char file[256];
    snprintf(file, sizeof(file), "%s%s", name, suffix);
    return certificates_path(certificates, file);
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

void certificates_write(const struct certificates *certificates, const char *file,
                        const void *content, unsigned bytes)
{
    FILE *stream = open_file(certificates_path(certificates, file), "wb");
    assert_int_equal(fwrite(content, 1, bytes, stream), bytes);
    fclose(stream);
}

static void add_extension(X509 *x509, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void read_issuer(const struct certificates *certificates, const char *name, X509 **x509_out,
                        EVP_PKEY **key_out)
{
    FILE *file = open_file(path_of(certificates, name, ".pem"), "rb");
    *x509_out = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    file = open_file(path_of(certificates, name, ".key"), "rb");
    *key_out = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_true(*x509_out != NULL && *key_out != NULL);
}

static X509 *make_x509(const struct certificate *certificate, EVP_PKEY *key)
{
    static long serial = 1;
    X509 *x509 = X509_new();
    assert_non_null(x509);
    assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), certificate->begins_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), certificate->ends_s));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               (const unsigned char *)certificate->name, -1, -1, 0);
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    return x509;
}

void certificates_issue(const struct certificates *certificates,
                        const struct certificate *certificate)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *issuer_key = key;
    assert_non_null(key);
    X509 *x509 = make_x509(certificate, key), *issuer = x509;
    if (certificate->issuer != NULL) {
        read_issuer(certificates, certificate->issuer, &issuer, &issuer_key);
    }
    assert_int_equal(X509_set_issuer_name(x509, X509_get_subject_name(issuer)), 1);
    add_extension(x509, issuer, NID_basic_constraints,
                  certificate->alt_names == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (certificate->alt_names != NULL) {
        add_extension(x509, issuer, NID_subject_alt_name, certificate->alt_names);
    }
    assert_true(X509_sign(x509, issuer_key, EVP_sha256()) > 0);

    FILE *file = open_file(path_of(certificates, certificate->name, ".pem"), "wb");
    assert_int_equal(PEM_write_X509(file, x509), 1);
    if (issuer != x509) {
        assert_int_equal(PEM_write_X509(file, issuer), 1);
    }
    fclose(file);
    file = open_file(path_of(certificates, certificate->name, ".key"), "wb");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);

    if (issuer != x509) {
        X509_free(issuer);
        EVP_PKEY_free(issuer_key);
    }
    X509_free(x509);
    EVP_PKEY_free(key);
}

void certificates_create(struct certificates *certificates)
{
    static const char names[] = "DNS:localhost,DNS:*.game.example,IP:127.0.0.1,IP:::1";
    static const struct certificate all[] = {
        {"ca", NULL, NULL, -DAY_S, DAY_S},      {"server", "ca", names, -DAY_S, DAY_S},
        {"other", "ca", names, -DAY_S, DAY_S},  {"expired", "ca", names, -DAY_S, -60 * 60},
        {"early", "ca", names, 60 * 60, DAY_S}, {"stray", NULL, names, -DAY_S, DAY_S},
    };
    strcpy(certificates->folder, "certificates-XXXXXX");
    assert_non_null(mkdtemp(certificates->folder));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        certificates_issue(certificates, &all[i]);
    }
}

void certificates_destroy(const struct certificates *certificates)
{
    DIR *folder = opendir(certificates->folder);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            assert_int_equal(unlink(certificates_path(certificates, entry->d_name)), 0);
        }
    }
    closedir(folder);
    assert_int_equal(rmdir(certificates->folder), 0);
}
