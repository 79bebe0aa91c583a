/** Holds an observation against what a scenario itself expects. */
import type { SeenExchange, SeenRequest, SeenResponse } from './exchange.ts';
import type { Observation } from './run.ts';
import type { Expected, Scenario } from './scenario.ts';

/** Every expectation that is not met, in words. */
export function unmet(scenario: Scenario, { exchanges }: Observation): string[] {
  return (scenario.expect ?? []).flatMap((expected, at) =>
    unmetOf(expected, exchanges[at] as SeenExchange).map((text) => `request ${at}: ${text}`),
  );
}

function unmetOf(expected: Expected, { responses, upstream }: SeenExchange): string[] {
  const response = responses[0];
  const request = upstream[0];
  const pairs: [what: string, wanted: unknown, got: unknown][] = [
    ['status', expected.status, Number.parseInt(response?.status ?? '', 10)],
    ['body', expected.body, response?.body],
    ['clusters', expected.clusters?.join(), upstream.map(({ cluster }) => cluster).join()],
    ['path', expected.path, request?.line.split(' ')[1]],
    ['host', expected.host, field(request, 'host')],
    ...fields('response field', expected.headers, response),
    ...fields('request field', expected.sees, request),
  ];
  return pairs
    .filter(([, wanted, got]) => wanted !== undefined && wanted !== got)
    .map(([what, wanted, got]) => `${what} should be ${JSON.stringify(wanted)} and is ${JSON.stringify(got)}`);
}

function fields(
  what: string,
  wanted: Readonly<Record<string, string | null>> | undefined,
  seen: SeenRequest | SeenResponse | undefined,
): [string, unknown, unknown][] {
  return Object.entries(wanted ?? {}).map(([name, value]) => [`${what} ${name}`, value, field(seen, name)]);
}

function field(seen: SeenRequest | SeenResponse | undefined, name: string): string | null {
  const lines = (seen?.headers ?? []).filter((line) => line.toLowerCase().startsWith(`${name}:`));
  return lines.length === 0 ? null : lines.map((line) => line.slice(name.length + 2)).join(' | ');
}
