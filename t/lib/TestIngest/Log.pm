# Copyright (C) The ngx_http_ingest_module authors

# The lines of ingest_log, in logs/ingest.json or another file.
#
#   objects([FILE])             all lines, as they are read by a parser
#   said(MSG[, FILE])           those of this kind
#   says(NAME, MSG, FIELD => VALUE, ...)    waits for one, and returns it
#   all_lines_are_json(NAME[, FILE])
#   lines_a_second(MSG)         the most that one worker has written of a kind
#   post_id(ID[, URI[, SIZE]])  posts an event; its status

package TestIngest::Log;

use v5.36;
use Exporter qw( import );
use JSON::PP;
use List::Util qw( max );
use Test::More import => [qw( cmp_ok diag ok )];
use TestIngest::Client;

our @EXPORT = qw( log_file objects said says all_lines_are_json lines_a_second
                  post_id @hostile_ids );

my $json = JSON::PP->new->utf8;
my $time = qr/\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/;
my @levels = qw( alert crit error warn notice info debug );

# What a client may put into an id: no control characters, and all else.
our @hostile_ids = (qq(\\"}{"level":"alert"\x{20ac}\x{1f600}\x{2028}'%s%n),
                    '<{id}{folded}{error>\\\\', 'x' x 255, "\x{e4}" x 127);


sub log_file() { "$Test::Nginx::Util::ServRoot/logs/ingest.json" }


# All lines of a file; a line that is being written is left for later.
sub objects($file = log_file()) {
    my @lines = grep { /\n\z/ } TestIngest::lines_of($file);

    return map { $json->decode($_) } @lines;
}


sub said($msg, $file = log_file()) {
    return grep { $_->{msg} eq $msg } objects($file);
}


# Waits for a line whose msg and fields are these, and returns it.
sub says($name, $msg, %fields) {
    my ($found) = (undef);

    await(sub {
        ($found) = grep {
            my $line = $_;
            !grep { ($line->{$_} // '') ne $fields{$_} } keys %fields;
        } said($msg);

        return $found;
    });

    ok(defined $found, $name)
        or diag(join "\n", map { $json->encode($_) } objects());

    return $found // {};
}


sub all_lines_are_json($name, $file = log_file()) {
    my @lines = TestIngest::lines_of($file);
    my @bad;

    for (@lines) {
        my $line = eval { $json->decode($_) };

        push @bad, $_ if ref $line ne 'HASH' || $line->{time} !~ $time
                         || !grep({ $_ eq $line->{level} } @levels)
                         || ($line->{msg} // '') eq ''
                         || tr/\n// != 1;
    }

    cmp_ok(scalar @lines, '>', 0, "$name - there are lines");
    ok(!@bad, "$name - all of them are JSON") or diag(@bad);
}


# The most lines of that kind that one worker has written within a second.
sub lines_a_second($msg) {
    my %lines;

    $lines{join ' ', $_->{worker}, substr $_->{time}, 0, 19}++ for said($msg);

    return max(0, values %lines);
}


sub post_id($id, $uri = '/events', $size = 0) {
    my $body = $json->encode({ type => 't', id => $id,
                               payload => { secret => 's3cr3t' . 'x' x $size }
                             });

    return http('POST', $uri, $body)->{status};
}


1;
