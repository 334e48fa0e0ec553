
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Of a broker's certificate that is refused librdkafka says the same whatever
 * is wrong with it.  This has it say in its log what it is.  What is refused
 * is still for OpenSSL to decide.
 */


#ifndef INGEST_CERTIFICATE_H
#define INGEST_CERTIFICATE_H


struct rd_kafka_conf_s;


void ingest_certificate_explain(struct rd_kafka_conf_s *conf);

/* error: a number of OpenSSL's.  NULL: it has no name here. */

const char *ingest_certificate_error(int error);


#endif /* INGEST_CERTIFICATE_H */
