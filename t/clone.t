# Copyright (C) The ngx_http_ingest_module authors

# What a newcomer's first commands say where they cannot work.

use v5.36;
use lib 't/lib';
use TestIngest;


# nginx's configure cannot cope with a space, and says so in no clear way.
sub space_is_refused($block) {
    my $root = root();
    my $clone = html_dir() . '/my clone';

    mkdir $clone or die "$clone: $!";
    is(system('cp', '-r', "$root/util", $clone), 0, 'a clone with a space');

    for my $command ('util/run --once', 'util/test unit') {
        my $said = `'$clone'/$command 2>&1 < /dev/null`;

        isnt($?, 0, "$command fails");
        like($said, qr/\A\S+: the path "\Q$clone\E" has a space in it.*\n\z/,
             "$command says why, in one line");
    }

    ok(!-e "$clone/build", 'and nothing was done');
}


run_suite();

__DATA__

=== a path with a space is refused at once
--- check: space_is_refused
