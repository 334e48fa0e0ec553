# Copyright (C) The ngx_http_ingest_module authors

# The ledger: what http_load says it has sent and how it was answered, beside
# what the broker says it has.  Both are files; numbers of events are what they
# have in common.

package TestIngest::Ledger;

use v5.36;

# One character for each event that was sent, by number.
my $accepted = 'a';
my $refused = 'r';
my $closed = 'c';       # no answer, on a connection that had answered before
my $reset = 'n';        # no answer, on a new one
my $late = 'l';         # no answer in time


sub new($class, $load_file) {
    my $self = bless {
        file => $load_file, states => '', seen => '', dead => '',
        refusals => {}, wrong => [], foreign => [], doubles => 0,
        records => 0, by_partition => {}, dead_codes => {},
    }, $class;

    $self->read_load();

    return $self;
}


sub read_load($self) {
    open my $in, '<', $self->{file} or die "$self->{file}: $!";

    while (<$in>) {
        my ($status) = /^(\d+) / or die "bad line in $self->{file}: $_";

        $self->{states} .= $status == 0 ? $closed
                           : $status == 1 ? $reset
                           : $status == 2 ? $late
                           : $status =~ /^2/ ? $accepted : $refused;
        $self->{refusals}{$status}++ if $status >= 300;
    }
}


# Takes what "util/kafka check" has printed about a topic.
sub read_topic($self, $file, $is_dlq = 0) {
    open my $in, '<', $file or die "$file: $!";

    my $sent = length $self->{states};

    while (<$in>) {
        my ($n, $partition, $code, $word)
            = /^(\d+) (\d+) (?:dead (-?\d+) )?(\w+)$/ or die "bad line: $_";

        $self->{records}++;

        if ($n == 0 || $n > $sent) {
            push @{$self->{foreign}}, $_;
            next;
        }

        # A dead letter belongs where dead letters are, and nothing else does.
        $word = 'topic' if $word eq 'ok' && !!$is_dlq != defined $code;
        push @{$self->{wrong}}, "$n $word" if $word ne 'ok';

        my $times = $is_dlq ? \$self->{dead} : \$self->{seen};

        $self->{doubles}++ if vec($$times, $n, 8);
        vec($$times, $n, 8) = 1;
        $self->{by_partition}{$partition}++ if !$is_dlq;
        $self->{dead_codes}{$code}++ if defined $code;
    }
}


# Compares the two; is_dead says whether a number must be a dead letter, or
# undef if it may.
sub close($self, $is_dead = undef) {
    my %sum = map { $_ => 0 } qw(
        acknowledged refused closed reset late delivered dead missing phantom
        both taken silent wrongly_dead
    );
    my %names = ($accepted => 'acknowledged', $refused => 'refused',
                 $closed => 'closed', $reset => 'reset', $late => 'late');
    my $sent = length $self->{states};

    for my $n (1 .. $sent) {
        my $state = substr $self->{states}, $n - 1, 1;
        my $seen = vec $self->{seen}, $n, 8;
        my $dead = vec $self->{dead}, $n, 8;

        $sum{$names{$state}}++;
        $sum{delivered}++ if $seen;
        $sum{dead}++ if $dead;
        $sum{both}++ if $seen && $dead;

        if ($seen || $dead) {
            $sum{taken}++;
            $sum{silent}++ if $state ne $accepted && $state ne $refused;

            if ($state eq $refused) {
                $self->example(phantom => $n);
                $sum{phantom}++;
            }

            my $must = $is_dead ? $is_dead->($n) : undef;

            if (defined $must && !!$dead != !!$must) {
                $self->example(wrongly_dead => $n);
                $sum{wrongly_dead}++;
            }

        } elsif ($state eq $accepted) {
            $self->example(missing => $n);
            $sum{missing}++;
        }
    }

    $sum{sent} = $sent;
    $sum{phantom} += @{$self->{foreign}};
    $sum{wrong} = @{$self->{wrong}};
    $sum{duplicates} = $self->{doubles};
    $self->{sum} = \%sum;

    return \%sum;
}


# The first few numbers of a kind, to look for in logs.
sub example($self, $kind, $n) {
    my $numbers = $self->{examples}{$kind} //= [];

    push @$numbers, $n if @$numbers < 10;
}


sub examples($self) {
    return join '', map { "$_: @{$self->{examples}{$_}}\n" }
                    sort keys %{$self->{examples} // {}};
}


# Latencies in ms of accepted events sent between two times of day.
sub latencies($self, $from, $to) {
    my @found;

    open my $in, '<', $self->{file} or die "$self->{file}: $!";

    while (<$in>) {
        my ($status, $start, $us) = split;

        push @found, $us / 1000
            if $status =~ /^2\d\d/ && $start >= $from * 1000
               && $start < $to * 1000;
    }

    return sort { $a <=> $b } @found;
}


1;
