
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* librdkafka properties, read back as a handle would get them. */


#include <string.h>

#include <librdkafka/rdkafka.h>

#include "../../src/kafka/ingest_options.h"
#include "unit.h"


static ingest_options_t  *options;
static char               error[INGEST_OPTIONS_ERROR];


static void
setup(void)
{
    options = ingest_options_create();
    ck_assert_ptr_nonnull(options);
}


static void
teardown(void)
{
    ingest_options_destroy(options);
}


/* A handle would get this value. */

static void
has(const char *name, const char *expected)
{
    char              value[256];
    size_t            len;
    rd_kafka_conf_t  *conf;

    conf = ingest_options_dup(options);
    len = sizeof(value);

    ck_assert_msg(rd_kafka_conf_get(conf, name, value, &len)
                  == RD_KAFKA_CONF_OK, "%s", name);
    ck_assert_msg(strcmp(value, expected) == 0, "%s: \"%s\", not \"%s\"",
                  name, value, expected);

    rd_kafka_conf_destroy(conf);
}


static void
takes(const char *name, const char *value)
{
    ck_assert_msg(ingest_options_set(options, name, value, error)
                  == INGEST_OK, "%s %s: %s", name, value, error);
    ck_assert_str_eq(error, "");
}


/* The error speaks of the name and holds the text, on one line. */

static void
refuses(const char *name, const char *value, const char *text)
{
    memset(error, 'x', sizeof(error));

    ck_assert_msg(ingest_options_set(options, name, value, error)
                  == INGEST_ERROR, "%s %s", name, value);
    ck_assert_ptr_nonnull(memchr(error, '\0', sizeof(error)));
    ck_assert_msg(strstr(error, name) != NULL, "%s: %s", name, error);
    ck_assert_msg(strstr(error, text) != NULL, "%s: %s", name, error);
    ck_assert_msg(strpbrk(error, "\r\n") == NULL, "%s", error);
}


START_TEST(the_defaults_of_the_module_are_set)
{
    has("client.id", "ngx_http_ingest_module");
    has("request.required.acks", "-1");
    has("linger.ms", "5");
    has("message.max.bytes", "1048576");
    has("message.timeout.ms", "30000");
    has("retry.backoff.ms", "100");
    has("partitioner", "murmur2_random");
    has("compression.codec", "none");
    has("enable.idempotence", "false");
    has("reconnect.backoff.max.ms", "1000");
    has("statistics.interval.ms", "1000");
    has("log.queue", "true");
    has("delivery.report.only.error", "false");
}
END_TEST


START_TEST(a_property_of_the_configuration_replaces_the_default)
{
    takes("linger.ms", "50");
    has("linger.ms", "50");
    takes("compression.codec", "gzip");
    has("compression.codec", "gzip");
    takes("delivery.timeout.ms", "60000");
    has("message.timeout.ms", "60000");
    takes("partitioner", "random");
    has("partitioner", "random");
    takes("sasl.password", "hunter2");
    has("sasl.password", "hunter2");
}
END_TEST


START_TEST(a_copy_is_apart_from_the_options)
{
    rd_kafka_conf_t  *conf;

    conf = ingest_options_dup(options);
    ck_assert_int_eq(rd_kafka_conf_set(conf, "linger.ms", "7", NULL, 0),
                     RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(conf);

    has("linger.ms", "5");
}
END_TEST


START_TEST(brokers_are_set_by_their_own_call_alone)
{
    ck_assert_int_eq(ingest_options_brokers(options, "a:1,b", error),
                     INGEST_OK);
    ck_assert_str_eq(error, "");
    has("bootstrap.servers", "a:1,b");

    refuses("bootstrap.servers", "c:1", "is set by \"brokers\"");
    refuses("metadata.broker.list", "c:1", "is set by \"brokers\"");
    has("bootstrap.servers", "a:1,b");
}
END_TEST


START_TEST(what_is_the_modules_own_is_refused_with_its_reason)
{
    refuses("delivery.report.only.error", "false",
            "would leave events undelivered");
    refuses("transactional.id", "x", "events are no transactions");
    refuses("statistics.interval.ms", "5", "is set by the module");
    refuses("log.queue", "false", "is set by the module");
    refuses("enabled_events", "1", "is set by the module");

    has("delivery.report.only.error", "false");
    has("statistics.interval.ms", "1000");
    has("log.queue", "true");
}
END_TEST


START_TEST(acks_of_0_are_refused_under_every_name)
{
    refuses("acks", "0", "must not be 0");
    takes("acks", "-1");
    refuses("request.required.acks", "0", "must not be 0");
}
END_TEST


START_TEST(an_endless_timeout_is_refused_under_every_name)
{
    refuses("message.timeout.ms", "0", "must be finite");
    takes("message.timeout.ms", "1000");
    refuses("delivery.timeout.ms", "0", "must be finite");
}
END_TEST


START_TEST(acks_of_1_are_taken_with_a_warning)
{
    ck_assert_int_eq(ingest_options_set(options, "acks", "1", error),
                     INGEST_OK);
    ck_assert_ptr_nonnull(strstr(error, "\"acks\" of 1"));
    has("acks", "1");

    /* said of this property, not of those that follow */

    takes("linger.ms", "6");
    takes("acks", "2");
    takes("acks", "all");

    ck_assert_int_eq(ingest_options_set(options, "request.required.acks",
                                        "1", error), INGEST_OK);
    ck_assert_ptr_nonnull(strstr(error, "\"request.required.acks\" of 1"));
}
END_TEST


START_TEST(what_librdkafka_does_not_know_is_refused_in_its_words)
{
    refuses("no.such.property", "1", "No such configuration property");
    refuses("linger.ms", "soon", "linger.ms");
    refuses("linger.ms", "-1", "linger.ms");
    refuses("acks", "some", "acks");
    refuses("enable.idempotence", "maybe", "enable.idempotence");
    refuses("dr_msg_cb", "x", "dr_msg_cb");
    refuses("", "x", "");
    refuses("delivery.timeout.ms", "x", "message.timeout.ms");
}
END_TEST


START_TEST(an_error_is_one_line_however_name_and_value_are_broken)
{
    refuses("compression.codec", "a\nb\r\nc", "compression.codec");
    ck_assert_ptr_nonnull(strstr(error, "a b  c"));

    ck_assert_int_eq(ingest_options_set(options, "no.such\r\nproperty", "x",
                                        error), INGEST_ERROR);
    ck_assert_ptr_nonnull(strstr(error, "no.such  property"));
    ck_assert_ptr_null(strpbrk(error, "\r\n"));
}
END_TEST


START_TEST(a_long_value_does_not_overflow_the_error)
{
    char  value[4 * INGEST_OPTIONS_ERROR];

    memset(value, 'v', sizeof(value));
    value[sizeof(value) - 1] = '\0';

    refuses("compression.codec", value, "compression.codec");

    memset(error, 'x', sizeof(error));
    ck_assert_int_eq(ingest_options_set(options, value, "x", error),
                     INGEST_ERROR);
    ck_assert_ptr_nonnull(memchr(error, '\0', sizeof(error)));
}
END_TEST


START_TEST(the_value_of_a_secret_is_never_said)
{
    size_t  i;

    static const char  *names[] = {
        "sasl.oauthbearer.method",
        "enable.sasl.oauthbearer.unsecure.jwt",
        "ssl_key",
        "sasl.pasword",
        "sasl.password2",
        "ssl.password"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        refuses(names[i], "hunter2", "");
        ck_assert_msg(strstr(error, "hunter2") == NULL, "%s", error);
    }

    refuses("sasl.oauthbearer.method", "hunter2", "invalid value");

    /* a name that librdkafka does not know is the error, not the value */

    refuses("sasl.password2", "hunter2", "No such configuration property");
}
END_TEST


START_TEST(the_largest_message_is_what_librdkafka_takes)
{
    ck_assert_uint_eq(ingest_options_message_max(options), 1048576);
    takes("message.max.bytes", "2000000");
    ck_assert_uint_eq(ingest_options_message_max(options), 2000000);
    refuses("message.max.bytes", "1", "message.max.bytes");
    ck_assert_uint_eq(ingest_options_message_max(options), 2000000);
}
END_TEST


START_TEST(a_queue_without_a_limit_holds_as_much_as_any_number_says)
{
    ck_assert_uint_eq(ingest_options_queue_max(options), 100000);
    takes("queue.buffering.max.messages", "80");
    ck_assert_uint_eq(ingest_options_queue_max(options), 80);
    takes("queue.buffering.max.messages", "0");
    ck_assert_uint_eq(ingest_options_queue_max(options), INT32_MAX);
}
END_TEST


START_TEST(the_back_off_is_that_of_librdkafka)
{
    ck_assert_uint_eq(ingest_options_backoff_ms(options), 100);
    takes("retry.backoff.ms", "50");
    ck_assert_uint_eq(ingest_options_backoff_ms(options), 50);
    takes("retry.backoff.ms", "300000");
    ck_assert_uint_eq(ingest_options_backoff_ms(options), 300000);
    refuses("retry.backoff.ms", "0", "retry.backoff.ms");
    ck_assert_uint_eq(ingest_options_backoff_ms(options), 300000);
}
END_TEST


START_TEST(each_answer_is_reported_when_no_retries_are_set)
{
    ck_assert_int_eq(ingest_options_report_each(options, error), INGEST_OK);
    has("message.send.max.retries", "0");
}
END_TEST


START_TEST(retries_of_the_configuration_stay_under_every_name)
{
    ingest_options_t  *others;

    takes("retries", "7");
    ck_assert_int_eq(ingest_options_report_each(options, error), INGEST_OK);
    has("message.send.max.retries", "7");

    others = ingest_options_create();
    ck_assert_int_eq(ingest_options_set(others, "message.send.max.retries",
                                        "8", error),
                     INGEST_OK);
    ck_assert_int_eq(ingest_options_report_each(others, error), INGEST_OK);

    ingest_options_destroy(options);
    options = others;
    has("message.send.max.retries", "8");
}
END_TEST


START_TEST(an_idempotent_producer_cannot_report_each_answer)
{
    takes("enable.idempotence", "true");
    ck_assert_int_eq(ingest_options_report_each(options, error),
                     INGEST_ERROR);
    ck_assert_str_eq(error, "property \"enable.idempotence\" keeps the "
                            "errors of brokers inside librdkafka");
}
END_TEST


int
main(void)
{
    const TTest  *tests[] = {
        the_defaults_of_the_module_are_set,
        a_property_of_the_configuration_replaces_the_default,
        a_copy_is_apart_from_the_options,
        brokers_are_set_by_their_own_call_alone,
        what_is_the_modules_own_is_refused_with_its_reason,
        acks_of_0_are_refused_under_every_name,
        an_endless_timeout_is_refused_under_every_name,
        acks_of_1_are_taken_with_a_warning,
        what_librdkafka_does_not_know_is_refused_in_its_words,
        an_error_is_one_line_however_name_and_value_are_broken,
        a_long_value_does_not_overflow_the_error,
        the_value_of_a_secret_is_never_said,
        the_largest_message_is_what_librdkafka_takes,
        a_queue_without_a_limit_holds_as_much_as_any_number_says,
        the_back_off_is_that_of_librdkafka,
        each_answer_is_reported_when_no_retries_are_set,
        retries_of_the_configuration_stay_under_every_name,
        an_idempotent_producer_cannot_report_each_answer,
        NULL
    };

    return unit_run_each("options", tests, setup, teardown);
}
