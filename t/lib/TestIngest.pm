# Copyright (C) The ngx_http_ingest_module authors

# A thin layer over Test::Nginx: the module is loaded, a queue and its
# locations are configured, and what a block did is looked at from outside:
# records read back from Kafka, metrics, the access log, the error log.
#
#   INGEST_MODULE   the module, default build/ngx_http_ingest_module.so
#   KAFKA_BROKERS   HOST:PORT,...
#   PROMTOOL        promtool, default from the path
#
# Sections of a block, beside those of Test::Nginx:
#
#   queue, http, server, location   lines to add to ingest_queue {}, http {},
#                   server {} and location = /events {}; config and
#                   http_config replace all of it; $INGEST_TOPIC is the topic
#   records         what must be in the topic since the block began and in this
#                   order, "KEY VALUE" a line; in records_like both are regular
#                   expressions, with <uuid> and <now> for what the module
#                   puts in.  The header trace_id must be the key.
#   metrics         samples that must come about, as /metrics has them
#   logged          lines of logs/ingest.log, all of them
#   problem         members that the problem+json answer must have
#   check           a function of the test file, called after the request
#   log_may         a regular expression: lines of error.log that are expected
#   workers         worker processes, 1 unless given
#   restart         nginx is restarted though its configuration is the same
#
# A block with metrics or logged always has an nginx of its own.

package TestIngest;

use v5.36;
use Cwd qw( abs_path );
use File::Basename qw( basename dirname );

my $root;

# What Test::Nginx would take from the path, and put into t/.
BEGIN {
    $root = $ENV{INGEST_ROOT} || abs_path(dirname(__FILE__) . '/../..');

    $ENV{TEST_NGINX_SERVROOT} ||= "$root/build/servroot";
    $ENV{TEST_NGINX_BINARY} ||= `$root/util/nginx binary` =~ s/\n//r;
}

use Test::Nginx::Socket -Base;
use Test::Nginx::Util;
use Digest::MD5 qw( md5_hex );
use JSON::PP;
use TestIngest::Client;
use Time::HiRes qw( time );

our @EXPORT = qw(
    broker_is_ours
    run_suite root module_path topic create_topic brokers kafka records await
    connection pieces answer http post_chunk event client_start client_next
    client_stop scrape sample metrics_become logged_lines error_log_lines
    nginx_pid has_ended reload queue_block is_problem free_port
);

my $hex = '[0-9a-f]';
our $uuid = "$hex\{8}-$hex\{4}-7$hex\{3}-[89ab]$hex\{3}-$hex\{12}";
our $now = '20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z';

my $module = $ENV{INGEST_MODULE} || "$root/build/ngx_http_ingest_module.so";
my $brokers = $ENV{KAFKA_BROKERS} || '';

# Never removed between blocks, unlike logs/error.log, so that what nginx says
# while it ends is seen too.
my $whole_log = "$ServRoot.log";

my $topic = sprintf 't-%s-%d-%d', basename($0, '.t'), $$, time;
my @topics;
my $json = JSON::PP->new;

my ($log_position, $since, $allowed, $allowed_before) = (0, 0, undef, undef);

master_on();
workers(1);
log_level('info');
timeout(10);
no_long_string();
$Test::Nginx::Util::ForceRestartOnTest = 0;


sub run_suite() {
    plan('no_plan');

    -e $module or bail_out("no module $module: run make");
    $brokers ne '' or bail_out('KAFKA_BROKERS is not set: see util/test');

    unlink $whole_log;
    mkdir dirname($ServRoot) if !-d dirname($ServRoot);
    make_topic($topic);
    make_topic("$topic-dlq");

    run_tests();

    stop_nginx();
    check_error_log_end();

    kafka('topics', 'delete', $_) for @topics;
}


sub root() { $root }
sub module_path() { $module }
sub brokers() { $brokers }
sub topic() { $topic }


# A topic of its own until the file is done; arguments are those behind NAME of
# "util/kafka topics create".
sub create_topic(@config) {
    return make_topic($topic . '-' . @topics, @config);
}


sub make_topic($name, @config) {
    kafka('topics', 'create', $name, @config);
    push @topics, $name;

    return $name;
}


# Runs util/kafka and returns its lines.
sub kafka(@args) {
    open my $out, '-|', "$root/util/kafka", @args
        or bail_out("util/kafka: $!");

    my @lines = <$out>;

    close $out
        or die "util/kafka @args failed: @lines";

    return @lines;
}


# A broker can be stopped only where it is the one of util/kafka.
sub broker_is_ours() {
    delete local $ENV{KAFKA_BROKERS};

    return grep { $_ eq "brokers=$brokers\n" } eval { kafka('status') };
}


# The records of a topic since a time in ms, byte-exact.  The tool escapes
# only control characters, so that bytes are read as characters here.
sub records($name = $topic, $from = $since) {
    return map { $json->decode($_) }
           kafka('read', $name, $from ? ('--since', $from)
                                      : '--from-beginning');
}


# Waits until a topic has count records since the block began, and returns all
# that it has then.
sub await_records($name, $count) {
    my @found;

    await(sub { @found = records($name); @found >= $count });

    return @found;
}


# Waits until samples have their values, and says which have not.
sub metrics_become($name, @lines) {
    my %expected;

    for (@lines) {
        /^(\w+)(?:\{(.*)\})? (\S+)$/ or die "bad sample: $_";
        $expected{sample($1, $2)} = $3;
    }

    my $samples;

    await(sub {
        $samples = scrape();
        return !grep { ($samples->{$_} // '') ne $expected{$_} }
                keys %expected;
    });

    for (sort keys %expected) {
        is($samples->{$_}, $expected{$_}, "$name - $_");
    }
}


# Logs.

sub lines_of($file) {
    open my $in, '<', $file or return;
    return <$in>;
}


sub logged_lines() {
    return map { s/\n//r } lines_of("$ServRoot/logs/ingest.log");
}


sub error_log_lines() { lines_of($whole_log) }


# Lines since the last look that nobody expected.  What a block allows is also
# allowed while the next one starts: its nginx ends only then.
sub unexpected_lines() {
    open my $in, '<', $whole_log or return;
    seek $in, $log_position, 0;

    my @bad = grep {
        /\[(?:emerg|alert|crit|error)\]|exited on signal|Sanitizer/
        && !(defined $allowed && /$allowed/)
        && !(defined $allowed_before && /$allowed_before/)
    } <$in>;

    $log_position = tell $in;

    return @bad;
}


sub check_error_log_now($name) {
    my @bad = unexpected_lines();

    ok(!@bad, "$name - error.log has only what is expected") or diag(@bad);
}


sub check_error_log_end() {
    my @bad = unexpected_lines();

    ok(!@bad, "$0 - nginx ended without a word in error.log") or diag(@bad);
}


# nginx itself.

sub nginx_pid() {
    open my $in, '<', $PidFile or return;
    my $pid = <$in>;
    return defined $pid && $pid =~ /^(\d+)$/ ? $1 : undef;
}


# A process that has ended stays for a while, where nobody waits for it.
sub has_ended($pid) {
    my ($line) = lines_of("/proc/$pid/stat");

    return !defined $line || $line =~ /^\d+ .*\) [ZX] /;
}


sub stop_nginx() {
    my $pid = nginx_pid() or return;

    kill 'QUIT', $pid;

    if (!await(sub { has_ended($pid) })) {
        fail("$0 - nginx ends");
        kill 'KILL', $pid;
    }
}


# Workers of the master, without those that are shutting down.
sub workers_of($pid) {
    return children_of($pid, qr/worker process(?! is)/);
}


# Those of a process whose title is like that.
sub children_of($pid, $wanted) {
    my @children;

    for my $file (glob '/proc/[0-9]*/stat') {
        my ($line) = lines_of($file) or next;
        my ($child, $parent) = $line =~ /^(\d+) .*\) \S (\d+) / or next;
        next if $parent != $pid;

        my ($title) = lines_of("/proc/$child/cmdline");
        push @children, $child if ($title // '') =~ $wanted;
    }

    return @children;
}


sub edit_conf($edit) {
    my $conf = $edit->(join '', lines_of($ConfFile));

    open my $out, '>', $ConfFile or die "$ConfFile: $!";
    print $out $conf;
    close $out;
}


# Reloads with conf/nginx.conf as edit has changed it, and waits until new
# workers serve, or until the reload was refused.
sub reload($edit = undef) {
    my $pid = nginx_pid();
    my %before = map { $_ => 1 } workers_of($pid);

    edit_conf($edit) if defined $edit;

    my $position = -s $whole_log;

    kill 'HUP', $pid;

    return await(sub {
        open my $in, '<', $whole_log or return;
        seek $in, $position, 0;
        return 'refused' if grep { /\[emerg\]/ } <$in>;

        my @now = workers_of($pid);
        return @now && !grep({ $before{$_} } @now) ? 'reloaded' : undef;
    }) // 'timed out';
}


# Configuration.

sub queue_block($name, $lines = '') {
    my %given = map { /^\s*(\w+)/ ? ($1 => 1) : () } split /\n/, $lines;

    return "ingest_queue $name {\n"
           . ($given{zone} ? '' : "    zone 8m;\n")
           . ($given{brokers} ? '' : '    brokers ' . $brokers =~ s/,/ /gr . ";\n")
           . ($given{topic} ? '' : "    topic $topic;\n")
           . "$lines\n}\n";
}


sub configure($block) {
    my $queue = queue_block('events', $block->queue // '');

    $block->set_value(main_config => "load_module $module;\n"
                                     . "error_log $whole_log info;\n"
                                     . ($block->main_config // ''));

    $block->set_value(http_config => $block->http_config // "$queue\n"
                                     . ($block->http // ''));

    $block->set_value(http_config =>
        "log_format ingest '\$request_method \$status \$ingest_result '\n"
        . "                  '\$ingest_count \$ingest_id';\n"
        . "access_log $ServRoot/logs/ingest.log ingest;\n"
        . $block->http_config);

    $block->set_value(config => $block->config // join "\n",
        'location = /events {', 'ingest events;', $block->location // '', '}',
        'location = /metrics { ingest_metrics; access_log off; }',
        'location = /health { ingest_health; access_log off; }',
        $block->server // '');

    workers($block->workers // 1);

    # Test::Nginx restarts nginx when config changes, and looks at nothing
    # else; so all else that matters goes into a comment.

    my $fresh = grep { defined $block->$_ } qw( restart metrics logged );

    $block->set_value(config => $block->config . "\n# "
                      . md5_hex($block->main_config, $block->http_config,
                                $block->workers // 1,
                                $fresh ? $block->name : '') . "\n");
}


sub prepare($block) {
    $allowed_before = $allowed;
    $allowed = $block->log_may;

    if (defined $allowed) {
        $allowed =~ s/\s+\z//;
        $allowed = qr/$allowed/;
    }

    for my $section (qw( queue http server location config http_config )) {
        my $text = $block->$section;
        next if !defined $text;

        $text =~ s/\$INGEST_TOPIC/$topic/g;
        $block->set_value($section => $text);
    }

    if (defined $block->request && !defined $block->error_code) {
        $block->set_value(error_code => 202);
    }

    if (defined $block->problem) {
        $block->set_value(response_headers =>
                          "Content-Type: application/problem+json\n"
                          . ($block->response_headers // ''));
    }

    configure($block);
}


# Checks.

sub is_problem($name, $answer_type, $body, $expected) {
    is($answer_type, 'application/problem+json', "$name - type of the answer");

    my $problem = eval { $json->decode($body) };

    if (!ok(ref $problem eq 'HASH', "$name - the problem is an object")) {
        diag($body);
        return;
    }

    is(join(',', grep { !defined $problem->{$_} || $problem->{$_} eq '' }
                 qw( type title status detail code )),
       '', "$name - the problem has all its members");

    is($problem->{$_}, $expected->{$_}, "$name - $_ of the problem")
        for sort keys %$expected;

    is(exists $problem->{offset}, exists $expected->{offset},
       "$name - the problem has an offset when it is about the body");
}


sub check_records($block) {
    my $lines = $block->records;
    my $like = $block->records_like;
    return if !defined($lines // $like);

    my $name = $block->name;
    my @expected = split /\n/, $lines // $like;
    my @found = await_records($topic, scalar @expected);

    is(scalar @found, scalar @expected, "$name - number of records");

    for my $i (0 .. $#expected) {
        my ($key, $value) = split / /, $expected[$i], 2;
        my $record = $found[$i] // {};
        my $n = $i + 1;

        if (defined $lines) {
            is($record->{key}, $key, "$name - key of record $n");
            is($record->{value}, $value, "$name - value of record $n");

        } else {
            s/<uuid>/$uuid/g, s/<now>/$now/g for $key, $value;

            like($record->{key}, qr/\A$key\z/, "$name - key of record $n");
            like($record->{value}, qr/\A$value\z/,
                 "$name - value of record $n");
        }

        is_deeply($record->{headers}, { trace_id => $record->{key} },
                  "$name - headers of record $n");
    }
}


sub check_logged($block) {
    return if !defined $block->logged;

    my @expected = split /\n/, $block->logged;
    my @found;

    await(sub { @found = logged_lines(); @found >= @expected });

    is(join("\n", @found), join("\n", @expected),
       $block->name . ' - logs/ingest.log');
}


sub run_check($block) {
    my $function = $block->check;
    return if !defined $function;

    my ($word, @args) = split ' ', $function;
    my $code = main->can($word) or die "no function $word";

    eval { $code->($block, @args); 1 }
        or fail($block->name . " - died: $@");
}


my $run_request = $RunTestHelper;

$RunTestHelper = sub ($block, $dry_run, $i) {
    $since = int(time * 1000);

    if (grep { defined $block->$_ }
        qw( request raw_request pipelined_requests ))
    {
        $run_request->($block, $dry_run, $i);
    }

    run_check($block);
    check_records($block);
    check_logged($block);

    if (defined $block->metrics) {
        metrics_become($block->name, split /\n/, $block->metrics);
    }

    check_error_log_now($block->name);
};


add_response_body_check(sub ($block, $body, $i, $repeat, $dry_run) {
    my $expected = $block->problem;

    is_problem($block->name, 'application/problem+json', $body,
               $json->decode($expected)) if defined $expected;
});

add_block_preprocessor(\&prepare);
