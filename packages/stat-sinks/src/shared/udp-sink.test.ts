import { until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Counts, counter, gauge, histogram, Receiver, snapshot } from './fixture.ts';
import { UdpStatsdSink } from './udp-sink.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function sinkTo(maxBytesPerDatagram: number): Promise<{ sink: UdpStatsdSink; to: Receiver; counts: Counts }> {
  const to = await Receiver.open();
  const counts = new Counts();
  const address = { socketAddress: { address: '127.0.0.1', portValue: to.port } };
  const options = { address, prefix: 'p', tags: 'none', scaleToMs: false, maxBytesPerDatagram } as const;
  const sink = new UdpStatsdSink({ ...options, statPrefix: 'statsd' }, counts);
  closing.push(
    () => to.close(),
    () => sink.close(),
  );
  return { sink, to, counts };
}

describe('UdpStatsdSink', () => {
  it.each([
    [0, ['p.h:1|ms', 'p.h:2|ms', 'p.h:3|ms']],
    [18, ['p.h:1|ms\np.h:2|ms', 'p.h:3|ms']],
    [1432, ['p.h:1|ms\np.h:2|ms\np.h:3|ms']],
  ])('sends the samples of a turn with at most %d bytes per datagram', async (size, datagrams) => {
    const { sink, to } = await sinkTo(size);
    for (const value of [1, 2, 3]) sink.onSample(histogram('h'), value);
    await until(() => to.received.length === datagrams.length, 'the datagrams');
    expect(to.received).toEqual(datagrams);
  });

  it('sends counters before gauges and no histograms', async () => {
    const { sink, to } = await sinkTo(1432);
    sink.flush(snapshot({ gauges: [gauge('g', 7)], counters: [counter('c', 0)], histograms: [histogram('h')] }));
    await until(() => to.received.length === 1, 'the datagram');
    expect(to.lines).toEqual(['p.c:0|c', 'p.g:7|g']);
  });

  it('sends the samples that wait when it is closed', async () => {
    const { sink, to } = await sinkTo(1432);
    sink.onSample(histogram('h'), 1);
    await sink.close();
    await until(() => to.received.length === 1, 'the datagram');
  });

  it('bounds what waits when a flush is larger than what it may hold, and counts the lines', async () => {
    const { sink, counts } = await sinkTo(60_000);
    const long = 'x'.repeat(10_000);
    const gauges = Array.from({ length: 2000 }, (_, index) => gauge(`${long}${index}`, 1));
    sink.flush(snapshot({ gauges }));
    expect(counts.of('statsd.lines_dropped')).toBeGreaterThan(200);
    expect(counts.of('statsd.lines_dropped')).toBeLessThan(500);
  });
});
