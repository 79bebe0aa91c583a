import type { Clusters, TcpLink, TcpUser, UpstreamCluster } from '@mesh/core';
import { turn } from '@mesh/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { Counts } from '../shared/fixture.ts';
import { ClusterWriter } from './cluster-writer.ts';

const MIB = 1024 * 1024;

/** A host that takes connections, and as many bytes as it is told to. */
class Host {
  users: TcpUser[] = [];
  links: FakeLink[] = [];
  cancelled = 0;
  healthy = true;
  /** What a connection takes before it asks to wait. */
  takes = Number.POSITIVE_INFINITY;
  readonly clusters: Clusters;

  constructor() {
    const cluster = {
      pick: () => (this.healthy ? ({} as never) : undefined),
      connectTcp: (_host: unknown, user: TcpUser) => {
        this.users.push(user);
        return { cancel: () => void this.cancelled++ };
      },
    } as unknown as UpstreamCluster;
    this.clusters = { get: (name) => (name === 'statsd' ? cluster : undefined) };
  }

  accept(): FakeLink {
    const user = this.users.at(-1) as TcpUser;
    const link = new FakeLink(user, this.takes);
    this.links.push(link);
    user.onConnected(link as unknown as TcpLink, {} as never);
    return link;
  }
}

class FakeLink {
  written = '';
  bytesUnsent = 0;
  closed: string | undefined = undefined;
  readonly user: TcpUser;
  private readonly takes: number;

  constructor(user: TcpUser, takes: number) {
    this.user = user;
    this.takes = takes;
  }

  write(chunk: Uint8Array): void {
    if (this.written.length + chunk.length > this.takes) this.bytesUnsent += chunk.length;
    else this.written += Buffer.from(chunk).toString();
  }

  flush(): boolean {
    return this.bytesUnsent === 0;
  }

  close(how: string): void {
    this.closed = how;
  }
}

let host: Host;
let counts: Counts;
let writer: ClusterWriter;

beforeEach(() => {
  host = new Host();
  counts = new Counts();
  writer = new ClusterWriter('statsd', host.clusters, {
    overflow: counts.stats.counter('overflow'),
    dropped: counts.stats.counter('dropped'),
  });
});

describe('ClusterWriter', () => {
  it('connects for the first write only and writes in order', async () => {
    writer.write('a\n', 1);
    writer.write('b\n', 1);
    await turn();
    expect(host.users).toHaveLength(1);
    writer.write('c\n', 1);
    const link = host.accept();
    writer.write('d\n', 1);
    await turn();
    expect(link.written).toBe('a\nb\nc\nd\n');
    expect(host.users).toHaveLength(1);
    expect(writer.buffered).toBe(0);
  });

  it.each([
    ['no host is healthy', () => void (host.healthy = false)],
    ['the cluster is gone', () => void (writer = new ClusterWriter('gone', host.clusters, both()))],
  ])('drops and counts when %s, and tries again with the next write', async (_, arrange) => {
    arrange();
    writer.write('a\nb\n', 2);
    await turn();
    expect(counts.of('dropped')).toBe(2);
    writer.write('c\n', 1);
    await turn();
    expect(counts.of('dropped')).toBe(3);
    expect(writer.buffered).toBe(0);
  });

  function both() {
    return { overflow: counts.stats.counter('overflow'), dropped: counts.stats.counter('dropped') };
  }

  it('drops what waited for a connection that cannot be had, and asks for another with the next write', async () => {
    writer.write('a\n', 1);
    await turn();
    host.users[0]?.onFailure({ reason: 'remote connection failure' } as never, {} as never);
    expect(counts.of('dropped')).toBe(1);
    writer.write('b\n', 1);
    await turn();
    expect(host.users).toHaveLength(2);
    expect(host.accept().written).toBe('b\n');
  });

  it('keeps for the next connection what the last one had not been given', async () => {
    host.takes = 2;
    writer.write('a\n', 1);
    await turn();
    const link = host.accept();
    writer.write('b\n', 1);
    await turn();
    writer.write('c\n', 1);
    link.user.onClose(new Error('reset'));
    await turn();
    expect(host.users).toHaveLength(2);
    expect(host.accept().written).toBe('c\n');
    expect(counts.of('dropped')).toBe(0);
  });

  it('gives up a connection that takes nothing once 16 MiB wait, and counts', async () => {
    host.takes = 0;
    writer.write('a\n', 1);
    await turn();
    const link = host.accept();
    const flush = 'x'.repeat(MIB);
    for (let flushes = 0; flushes < 16; flushes++) writer.write(flush, 100);
    expect(writer.buffered).toBe(16 * MIB + 2);
    expect(counts.of('overflow')).toBe(0);
    writer.write(flush, 100);
    expect(counts.of('overflow')).toBe(1);
    expect(counts.of('dropped')).toBe(1700);
    expect(link.closed).toBe('now');
    expect(writer.buffered).toBe(0);
    link.user.onClose(undefined);
    writer.write('b\n', 1);
    await turn();
    expect(host.users).toHaveLength(2);
  });

  it('bounds what waits for a connection that does not come', async () => {
    for (let flushes = 0; flushes < 40; flushes++) {
      writer.write('x'.repeat(MIB), 1);
      await turn();
      expect(writer.buffered).toBeLessThanOrEqual(17 * MIB);
    }
    expect(counts.of('overflow')).toBeGreaterThan(0);
    expect(host.cancelled).toBeGreaterThan(0);
  });

  it('goes on when the host takes bytes again', async () => {
    host.takes = 2;
    writer.write('a\n', 1);
    await turn();
    const link = host.accept();
    writer.write('b\n', 1);
    await turn();
    writer.write('c\n', 1);
    link.bytesUnsent = 0;
    link.written = '';
    link.user.onWritable();
    expect(link.written).toBe('c\n');
  });

  it('leaves a host that ends its side', async () => {
    writer.write('a\n', 1);
    await turn();
    const link = host.accept();
    link.user.onEnd();
    expect(link.closed).toBe('now');
    writer.write('b\n', 1);
    await turn();
    expect(host.users).toHaveLength(2);
  });

  it('close flushes an open connection and cancels one that is asked for', async () => {
    writer.write('a\n', 1);
    await turn();
    const link = host.accept();
    writer.write('b\n', 1);
    writer.close();
    expect(link.written).toBe('a\nb\n');
    expect(link.closed).toBe('flush');

    const other = new ClusterWriter('statsd', host.clusters, both());
    other.write('c\n', 1);
    await turn();
    other.close();
    expect(host.cancelled).toBe(1);
    expect(counts.of('dropped')).toBe(1);
    other.write('d\n', 1);
    expect(other.buffered).toBe(0);
  });
});
