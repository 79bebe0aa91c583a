import { expect, it } from 'vitest';
import { checkSinks } from './sink-checks.ts';

const known = new Set(['statsd', undefined]);

it.each([
  [{ tcpClusterName: 'statsd' }, undefined],
  [{ address: {} }, undefined],
  [undefined, undefined],
  [{ tcpClusterName: '' }, "tcp statsd: unknown cluster ''"],
  [{ tcpClusterName: 'stats' }, "tcp statsd: unknown cluster 'stats'"],
  [{ grpcService: { envoyGrpc: { clusterName: 'x' } } }, "Unknown gRPC client cluster 'x'"],
])('checkSinks looks for the clusters of %j', (config, message) => {
  const issues = checkSinks([undefined, { config }], known, () => undefined);
  expect(issues.map((issue) => issue.message)).toEqual(message === undefined ? [] : [message]);
  if (message !== undefined) expect(issues[0]?.path.slice(0, 3)).toEqual(['stats_sinks', 1, 'typed_config']);
});

it('checkSinks suggests a name that is close', () => {
  const [issue] = checkSinks([{ config: { tcpClusterName: 'stasd' } }], known, () => ['here']);
  expect(issue).toMatchObject({ path: ['here', 'tcp_cluster_name'], hint: 'did you mean "statsd"?' });
});
