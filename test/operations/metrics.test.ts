import { expect, it } from 'vitest';
import { Counter, Histogram, Metrics } from '../../src/operations/metrics.ts';

it('gives the text format of Prometheus', async () => {
  const metrics = new Metrics();
  const appends = new Counter(['stored', 'conflict']);
  const seconds = new Histogram([0.1, 1]);
  metrics.counter('appends_total', 'Appends', appends, 'outcome');
  metrics.histogram('append_seconds', 'How long', seconds);
  metrics.gauge('position', 'Where', async () => 2n ** 60n);
  metrics.gauge('unknown', 'Nobody knows', () => undefined);
  appends.count('stored');
  appends.count('stored');
  for (const value of [0.1, 0.05, 0.5, 7]) seconds.observe(value);
  expect(await metrics.text()).toBe(`# HELP appends_total Appends
# TYPE appends_total counter
appends_total{outcome="stored"} 2
appends_total{outcome="conflict"} 0
# HELP append_seconds How long
# TYPE append_seconds histogram
append_seconds_bucket{le="0.1"} 2
append_seconds_bucket{le="1"} 3
append_seconds_bucket{le="+Inf"} 4
append_seconds_sum 7.65
append_seconds_count 4
# HELP position Where
# TYPE position gauge
position 1152921504606846976
# HELP unknown Nobody knows
# TYPE unknown gauge
`);
});
