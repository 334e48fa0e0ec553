# Copyright (C) The ngx_http_ingest_module authors

# The rules as they are shipped: promtool takes them, their tests pass and have
# two cases for each alert, and docs/operations.md has its section.  Panels of
# the dashboard say what their lines do not show.

use v5.36;
use lib 't/lib';
use JSON::PP;
use Test::More;
use TestIngest::Monitoring;

my $promtool = $ENV{PROMTOOL} || 'promtool';
my $shipped = root() . '/docker/prometheus';
my $folder = home() . '/rules';
my $rules = slurp("$shipped/rules.yml");
my $tests = slurp("$shipped/rules_test.yml");
my @alerts = $rules =~ /^ *- alert: (\w+)$/mg;


sub promtool_says($command, $file) {
    my $text = `$promtool $command $file 2>&1`;

    return ($? >> 8, $text);
}


sub rules_pass($rules) {
    spew("$folder/rules.yml", $rules);
    spew("$folder/rules_test.yml", $tests);

    my ($status) = promtool_says('test rules', "$folder/rules_test.yml");

    return $status == 0;
}


for (['check config', 'prometheus.yml'], ['check rules', 'rules.yml'],
     ['test rules', 'rules_test.yml'])
{
    my ($command, $file) = @$_;
    my ($status, $text) = promtool_says($command, "$shipped/$file");

    is($status, 0, "promtool $command $file") or diag($text);
}

cmp_ok(scalar @alerts, '>=', 9, 'there are rules');

for my $alert (@alerts) {
    my @cases = $tests =~ /alertname:\ $alert\n\s*exp_alerts:(\ \[\])?\n/xg;

    cmp_ok(scalar grep({ defined } @cases), '>', 0, "$alert - a silent case");
    cmp_ok(scalar grep({ !defined } @cases), '>', 0, "$alert - one that fires");
}

# What a silent case is worth: with a rule that is a little too eager it fails.
my %eager = (
    IngestQueueFilling => ['< 1800', '< 180000'],
    IngestQueueFull => ['[3m]', '[9m]'],
    IngestEventsOld => ['> 300', '> 30'],
    IngestDeadLetters => ['> 0', '>= 0'],
    IngestDeliveryErrors => ['for: 10m', 'for: 1m'],
    IngestBrokerDown => ['for: 2m', 'for: 30s'],
    IngestEventsLost => ['> 0', '>= 0'],
    IngestNoTraffic => ['(rate(ingest_rejected_total[10m]))',
                        '(0 * rate(ingest_rejected_total[10m]))'],
    IngestNoProducer => ['[3m]', '[9m]'],
    IngestDown => ['{job="ingest"}', ''],
);

for my $alert (@alerts) {
    my ($from, $to) = @{$eager{$alert}};
    my $changed = $rules =~ s/alert: $alert\n.*?\K\Q$from\E/$to/sr;

    isnt($changed, $rules, "$alert - it can be made more eager");
    ok(!rules_pass($changed), "$alert - then its tests fail");
}

ok(rules_pass($rules), 'the rules as they are pass');

my $operations = slurp(root() . '/docs/operations.md');

for my $alert (@alerts) {
    like($operations, qr/^### $alert$/m, "$alert - operations.md says more");
    like($rules, qr/^ +runbook: docs\/operations\.md#\L$alert$/m,
         "$alert - it says where");
}

is(join(' ', sort $operations =~ /^### (Ingest\w+)$/mg),
   join(' ', sort @alerts), 'operations.md knows no other alert');

my ($buckets) = slurp(root() . '/src/core/ingest_metrics.h')
                =~ /^#define INGEST_LATENCY_BUCKETS +(\d+)/m;
my $largest = 2 ** ($buckets - 1);
my $dashboard = decode_json(slurp(root()
                                  . '/docker/grafana/dashboards/ingest.json'));

for my $panel (@{$dashboard->{panels}}) {
    my $exprs = join "\n", map { $_->{expr} } @{$panel->{targets}};

    $exprs =~ /histogram_quantile/ or next;
    like($panel->{description}, qr/\b$largest ms\b/,
         "$panel->{title} - says that quantiles end with the last bucket");
    like($panel->{title}, qr/age of the oldest event/,
         "$panel->{title} - says what else it draws")
        if $exprs =~ /ingest_oldest_event_age_seconds/;
}

is(scalar grep({ $_->{expr} =~ /histogram_quantile/ }
               map { @{$_->{targets}} } @{$dashboard->{panels}}), 3,
   'the dashboard has three quantiles');


done_testing();
