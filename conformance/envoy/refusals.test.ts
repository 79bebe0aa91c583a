/** What Envoy accepts is accepted, what it refuses is refused; Envoy's verdicts are recorded. */
import { beforeAll, describe, expect, it } from 'vitest';
import { surprises } from './differences.ts';
import { ENVOY, envoyVersion } from './envoy-target.ts';
import { edges as httpEdges } from './refusals.ts';
import { dnsEdges } from './refusals-dns.ts';
import { networkEdges } from './refusals-network.ts';
import { tlsEdges } from './refusals-tls.ts';
import { envoyVerdicts, meshVerdict, recordedVerdicts, recordVerdicts } from './verdicts.ts';

const edges = [...httpEdges, ...networkEdges, ...tlsEdges, ...dnsEdges];
const updating = process.env.CONFORMANCE_UPDATE === '1' && envoyVersion() !== undefined;

describe('configurations at the edge', () => {
  let recorded: Record<string, string> = {};

  beforeAll(async () => {
    if (updating) await recordVerdicts(await envoyVerdicts(ENVOY, edges));
    recorded = await recordedVerdicts();
  }, 300_000);

  it.each(edges)('$name: $why', async (edge) => {
    const envoy = recorded[edge.name];
    const mesh = await meshVerdict(edge);
    expect(envoy, 'not recorded: CONFORMANCE_UPDATE=1 pnpm conformance:envoy').toBeDefined();
    const differs = (envoy === 'accepted') !== (mesh === 'accepted');
    expect(surprises(edge.name, differs ? [{ field: 'verdict', envoy, mesh }] : [])).toEqual([]);
  });
});
