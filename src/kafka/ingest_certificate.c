
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include <stdio.h>

#include <librdkafka/rdkafka.h>

#include "ingest_certificate.h"


/*
 * The numbers are part of OpenSSL's interface, X509_V_ERR_*.  Its headers and
 * library are librdkafka's affair.
 */

#define INGEST_CERT_NO_ISSUER           2
#define INGEST_CERT_NOT_YET_VALID       9
#define INGEST_CERT_EXPIRED             10
#define INGEST_CERT_SELF_SIGNED         18
#define INGEST_CERT_SELF_SIGNED_CHAIN   19
#define INGEST_CERT_NO_ISSUER_HERE      20
#define INGEST_CERT_UNVERIFIED_LEAF     21
#define INGEST_CERT_REVOKED             23
#define INGEST_CERT_PURPOSE             26
#define INGEST_CERT_HOST_NAME           62
#define INGEST_CERT_ADDRESS             64


static int ingest_certificate_verify(rd_kafka_t *rk, const char *broker,
    int32_t id, int *error, int depth, const char *certificate, size_t size,
    char *text, size_t len, void *data);


void
ingest_certificate_explain(rd_kafka_conf_t *conf)
{
    /* without TLS in librdkafka there is nothing to explain */

    (void) rd_kafka_conf_set_ssl_cert_verify_cb(conf,
                                                ingest_certificate_verify);
}


const char *
ingest_certificate_error(int error)
{
    switch (error) {

    case INGEST_CERT_NOT_YET_VALID:
        return "certificate is not yet valid";

    case INGEST_CERT_EXPIRED:
        return "certificate has expired";

    case INGEST_CERT_NO_ISSUER:
    case INGEST_CERT_SELF_SIGNED:
    case INGEST_CERT_SELF_SIGNED_CHAIN:
    case INGEST_CERT_NO_ISSUER_HERE:
    case INGEST_CERT_UNVERIFIED_LEAF:
        return "certificate is signed by an unknown authority, "
               "see ssl.ca.location";

    case INGEST_CERT_REVOKED:
        return "certificate is revoked";

    case INGEST_CERT_PURPOSE:
        return "certificate is not for servers";

    case INGEST_CERT_HOST_NAME:
        return "certificate is for another host name";

    case INGEST_CERT_ADDRESS:
        return "certificate is for another address";

    default:
        return NULL;
    }
}


/*
 * Called by threads of librdkafka for each certificate of a chain, and writes
 * the text that they log.  1 accepts: only ever what OpenSSL has accepted.
 */

static int
ingest_certificate_verify(rd_kafka_t *rk, const char *broker, int32_t id,
    int *error, int depth, const char *certificate, size_t size, char *text,
    size_t len, void *data)
{
    const char  *reason;

    (void) rk;
    (void) broker;
    (void) id;
    (void) depth;
    (void) certificate;
    (void) size;
    (void) data;

    if (*error == 0) {
        return 1;
    }

    reason = ingest_certificate_error(*error);

    if (reason != NULL) {
        snprintf(text, len, "%s", reason);

    } else {
        snprintf(text, len, "certificate is refused by OpenSSL, error %d",
                 *error);
    }

    return 0;
}
