# Copyright (C) The ngx_http_ingest_module authors

# master_process off: one process that is master and worker.

use v5.36;
use lib 't/lib';
use TestIngest;

master_off();


# nginx does not serve after a reload without a master; but it must have
# delivered what it took before, and end as it should.
sub reload_delivers($block, $what) {
    my $pid = nginx_pid();
    my $before = stops();

    is(http('POST', '/events', event($_))->{status}, 202, "event $_")
        for qw( r-1 r-2 );
    is(http('POST', '/second', event('r-3'))->{status}, 202, 'event r-3');

    TestIngest::edit_conf(sub ($conf) {
        return $what eq 'same' ? $conf
                               : $conf =~ s/ingest_queue second.*?\}//sr
                                       =~ s/location = .second \{.*?\}//sr;
    });
    my $eventfds = eventfds($pid);

    kill 'HUP', $pid;

    ok(await(sub { stops() == $before + 2 }), 'the producers are stopped');
    ok(await(sub { eventfds($pid) == $eventfds - 4 }),
       'and the event loop hears of none of their two threads any more');

    is(join(' ', sort map { $_->{key} } records()), 'r-1 r-2 r-3',
       'and have delivered before');

    kill 'QUIT', $pid;
    ok(await(sub { has_ended($pid) }), 'nginx ends');
}


# Of each producer two, and maybe one of nginx itself.
sub eventfds($pid) {
    return scalar grep { (readlink // '') =~ /eventfd/ } glob "/proc/$pid/fd/*";
}


sub stops() {
    return scalar grep { /queue "\w+": producer stopped/ } error_log_lines();
}


run_suite();

__DATA__

=== one process accepts and delivers
--- request eval
qq(POST /events\n{"id":"s-1","type":"a","timestamp":"2026-01-02T03:04:05Z"})
--- records
s-1 {"id":"s-1","type":"a","timestamp":"2026-01-02T03:04:05Z"}
--- metrics
events_received_total{queue="events"} 1
events_published_total{queue="events"} 1


=== a reload delivers what was taken before
--- http eval: main::queue_block('second')
--- server
    location = /second { ingest second; }
--- restart
--- check: reload_delivers same


=== a reload without a queue delivers what it had taken
--- http eval: main::queue_block('second')
--- server
    location = /second { ingest second; }
--- restart
--- check: reload_delivers less
