
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * A sender with its thread and librdkafka, against a port where nobody listens
 * or against a broker that librdkafka plays itself.
 */


#ifndef SENDER_FIXTURE_H
#define SENDER_FIXTURE_H


#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "../../src/kafka/ingest_sender.h"
#include "worker_fixture.h"


#define NOBODY       "127.0.0.1:1"
#define DEADLINE_MS  30000      /* of what must happen */
#define POLL_MS      2
#define VALUE        200
#define OTHERS       10
#define PRODUCE      0          /* Kafka's number of the request */


extern ingest_sender_t          *sender;
extern int                       fd;        /* of its journal */
extern rd_kafka_mock_cluster_t  *cluster;
extern uint32_t                  max_attempts;  /* of the next sender */


void sender_setup(void);
void sender_teardown(void);

/* A property of the sender that is started next. */

void set(const char *name, const char *value);
void set_report_each(void);

void start(const char *brokers);

/* Another worker of the same generation goes on when the sender ends. */

void with_heir(void);

/*
 * For hold(): a worker in the lowest slot that is free, but never 0, that takes
 * OTHERS events.  Returns its slot.
 */

int accept_in_another(void);

/* Brokers on the loopback, of which each leads a partition of "t". */

void brokers_of(int nbrokers);

/* A broker on the loopback; "t" has one partition, "d" has four. */

void start_with_brokers(void);

/* Two of them, 1 and 2, of which each leads a partition of "t". */

void start_with_two_brokers(void);

/* What the event loop does with a request, of VALUE bytes or another number. */

void commit(uint64_t number);
void commit_of(uint64_t number, size_t value_len);

/* Milliseconds of the monotonic clock. */

uint64_t now(void);

/* Waits until the counter has come to this. */

void reaches(ingest_counter_t *counter, uint64_t value);

/* How often this code was reported, and a wait for it. */

uint64_t errors_of(int code);
void reaches_error(int code, uint64_t value);

/* Ends the sender as a worker that leaves does; how long it took. */

uint64_t stop(unsigned drain_ms);


#endif /* SENDER_FIXTURE_H */
