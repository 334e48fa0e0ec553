# Copyright (C) The ngx_http_ingest_module authors

# Each block of shell in README.md and docs/ runs as it is written, beside an
# nginx and a Kafka that util/run has started, and each piece of nginx's
# configuration is one.

use v5.36;
use lib 't/lib';
use POSIX qw( WNOHANG );
use Test::More;
use TestIngest::Docs;
use Time::HiRes qw( sleep time );

my $root = $ENV{INGEST_ROOT};
my $log = "$root/build/log/docs.log";
my $pid;


sub slurp($file) {
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in> // '';
}


# What the first lines of README.md start: it stays until it is told to end.
sub start_instance() {
    my $end = time + 120;

    # What the last run has left says nothing of this one.
    open my $out, '>', $log or die "$log: $!";

    $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>&', $out;
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        exec qw( setpriv --pdeathsig TERM ), "$root/util/run"
            or POSIX::_exit(127);
    }

    until (slurp($log) =~ /^Both run until/m) {
        BAIL_OUT("util/run has ended:\n" . slurp($log))
            if waitpid($pid, WNOHANG) == $pid;
        BAIL_OUT("util/run does not get ready:\n" . slurp($log))
            if time > $end;
        sleep 0.05;
    }
}


END {
    local $?;

    if (defined $pid) {
        kill 'TERM', $pid;
        waitpid $pid, 0;
    }
}


sub errors($text) {
    return join '; ', map { ($_->{error} // 'fine') =~ s/\n.*//sr }
                          findings('x.md', $text);
}


sub sees($title, $text, $expected) {
    like(errors($text), $expected, $title);
}


# A document that is wrong in one way only.
subtest 'what is wrong is seen' => sub {
    is(errors("```sh\ntrue\n```\n"), 'fine', 'a block that runs');
    is(errors("- x\n\n  ```sh\n  cat << END\n  END\n  ```\n"), 'fine',
       'a block in a list');
    is(errors("<!-- not run: it\n     fails -->\n```sh\nfalse\n```\n"), '',
       'one that says why it does not');
    is(errors("    {\"a\":1}\n"), '', 'output');

    sees('a command that fails', "```sh\nfalse\n```\n", qr/\Aexit 1\z/);
    sees('one that is not there', "```sh\nno-such-command\n```\n",
         qr/\Aexit 127\z/);
    sees('not the last one', "```bash\nfalse\ntrue\n```\n", qr/\Aexit 1\z/);
    sees('in a pipe', "```sh\nfalse | true\n```\n", qr/\Aexit 1\z/);
    sees('a variable that is not set', "```sh\necho \$NO_SUCH\n```\n",
         qr/\Aexit 1\z/);
    sees('behind one that is marked',
         "<!-- not run: x -->\n```sh\nfalse\n```\n```sh\nfalse\n```\n",
         qr/\Aexit 1\z/);
    sees('behind one that is fine',
         "```sh\ntrue\n```\n\ntext\n\n```sh\nfalse\n```\n",
         qr/\Afine; exit 1\z/);

    sees('a marker without a reason',
         "<!-- not run: -->\n```sh\ntrue\n```\n", qr/\A[^;]*no reason\z/);
    sees('a marker that ends early',
         "<!-- not run -->\n```sh\ntrue\n```\n", qr/\A[^;]*no reason\z/);
    sees('a marker before no block',
         "<!-- not run: x -->\n\ntext\n\n```sh\ntrue\n```\n",
         qr/\A[^;]*before no block; fine\z/);
    sees('a marker at the end', "text\n\n<!-- not run: x -->\n",
         qr/\A[^;]*before no block\z/);

    sees('a block without a language', "```\ntrue\n```\n",
         qr/\A[^;]*no language\z/);
    sees('a marked one', "<!-- not run: x -->\n```\ntrue\n```\n",
         qr/\A[^;]*no language\z/);
    sees("one in an unknown language", "```console\nfalse\n```\n",
         qr/\A[^;]*for a shell\z/);
    sees('a block without an end', "```sh\ntrue\n", qr/\A[^;]*no end\z/);
    sees('shell that is only indented', "text\n\n    util/run --once\n",
         qr/\A[^;]*between ```sh/);
    sees('with a prompt', "text\n\n    \$ nginx -t\n", qr/between ```sh/);
    sees('with a variable', "text\n\n    HTTP_PORT=1 util/run\n",
         qr/between ```sh/);

    is(errors("```nginx\nlocation / { ingest events; }\n```\n"), 'fine',
       'a piece of a configuration');
    sees('a directive that is not there', "```nginx\nno_such 1;\n```\n",
         qr/\Aexit 1\z/);
    sees('a value that is wrong',
         "```nginx\nlocation / { ingest nobody; }\n```\n", qr/\Aexit 1\z/);
    sees('in a queue', "```nginx\nkafka acks some;\n```\n", qr/\Aexit 1\z/);
};


# Where links of a document lead that is a file of this project, and the
# headings it has, as they are named in a link.
sub headings($text) {
    my %seen;

    # A comment in a block of shell is no heading.
    $text =~ s/^```.*?^```$//gms;

    return map {
        my $name = lc s/\[([^\]]*)\](?:\([^)]*\))?/$1/gr;

        $name =~ s/[^\w\- ]//g;
        $name =~ tr/ /-/;
        $seen{$name}++ ? "$name-" . ($seen{$name} - 1) : $name;
    } $text =~ /^#+ +(.+?) *$/mg;
}


sub broken_links($file, $text) {
    my ($folder) = $file =~ /\A(.*\/)/ ? $1 : '';
    my @broken;

    for my $link ($text =~ /\]\(([^)\s]+)\)/g,
                  $text =~ /^\[[^\]]+\]: (\S+)/mg)
    {
        next if $link =~ /\A[a-z]+:/;

        my ($path, $heading) = $link =~ /\A([^#]*)(?:#(.*))?\z/;
        my $target = $path eq '' ? "$root/$file" : "$root/$folder$path";

        push @broken, $link
            if !-e $target
               || defined $heading
                  && !grep { $_ eq $heading } headings(slurp($target));
    }

    return @broken;
}


subtest 'links lead somewhere' => sub {
    is(join(' ', broken_links('README.md', '[a](no.md) [b](#no-such) '
                              . "[c](README.md#try-it)\n\n[d]: docs/no.md\n")),
       'no.md #no-such docs/no.md', 'those that do not are seen');

    for my $file (map { s/\A\Q$root\E\///r }
                  glob "$root/*.md $root/docs/*.md")
    {
        is(join(' ', broken_links($file, slurp("$root/$file"))), '', $file);
    }

    my $manual = slurp("$root/README.md");

    for my $file (map { s/\A\Q$root\E\///r } glob "$root/docs/*.md") {
        ok($manual =~ /\]\(\Q$file\E[)#]/, "README.md leads to $file");
    }
};


start_instance();

subtest 'answers of nginx are seen' => sub {
    my $get = 'curl -s http://localhost:8080';

    sees('one that is fine', "```sh\n$get/health\n```\n", qr/\Afine\z/);
    sees('an error', "```sh\n$get/no-such-path\n```\n", qr/\Aexit 22\z/);
    sees('one that is meant',
         "```sh\n$get/no-such-path  # refused: 404\n```\n", qr/\Afine\z/);
};

for my $file (map { s/\A\Q$root\E\///r }
              "$root/README.md", sort glob "$root/docs/*.md")
{
    subtest $file => sub {
        my @findings = findings($file, slurp("$root/$file"));

        for my $finding (@findings) {
            ok(!defined $finding->{error}, $finding->{title})
                or diag($finding->{error});
        }

        pass('there is none') if !@findings;
    };
}

is(waitpid($pid, WNOHANG), 0, 'what util/run has started is still there');


done_testing();
