/* tests/support/certificates.h: Keys and certificates for tests, made when they are needed. */
#ifndef GW_TESTS_SUPPORT_CERTIFICATES_H
#define GW_TESTS_SUPPORT_CERTIFICATES_H

/* A new folder below the current one. Its files are NAME.pem and NAME.key, both in PEM. */
struct certificates {
    char folder[32];
};

/* The path of a file in the folder, valid for the next eight calls. */
const char *certificates_path(const struct certificates *certificates, const char *file);

struct certificate {
    const char *name;      /* of the files */
    const char *issuer;    /* the name of its issuer's files; NULL: itself */
    const char *alt_names; /* "DNS:localhost,IP:127.0.0.1"; NULL: an issuer of certificates */
    long begins_s;         /* seconds from now */
    long ends_s;
};

/*
 * Makes the folder, and in it
 *
 *      ca           issues the others
 *      server       for localhost, 127.0.0.1 and ::1, with its issuer behind it
 *      other        the same with another key
 *      expired      valid until an hour ago
 *      early        valid from in an hour on
 *      stray        for localhost, self-signed
 */
void certificates_create(struct certificates *certificates);

/* Makes a key and its certificate. */
void certificates_issue(const struct certificates *certificates,
                        const struct certificate *certificate);

/* Writes a file of this content. */
void certificates_write(const struct certificates *certificates, const char *file,
                        const void *content, unsigned bytes);

/* Removes the folder and its files. */
void certificates_destroy(const struct certificates *certificates);

#endif
