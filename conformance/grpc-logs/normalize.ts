/** Entries without what differs from run to run, and without what this proxy does not count. */
import type { Json } from './collector.ts';

/** Bytes on the wire and of heads as they were encoded: no entry of this proxy has them. See docs/envoy-map.md. */
const NOT_COUNTED =
  /^(?:(?:up|down)stream_wire_bytes_(?:sent|received)|(?:up|down)stream_header_bytes_(?:sent|received))$/;

/** Moments and durations: only whether they are there. */
const TIMES = /^(?:start_time|duration|time_to_\w+)$/;

/** Of each run its own. */
const IDS = /^(?:stream_id|request_id|tls_session_id)$/;

/** `ports` are those that have a name in every run. */
export function normalized(entry: Json, ports: ReadonlyMap<number, string>): Json {
  return walk(entry, ports) as Json;
}

function walk(value: unknown, ports: ReadonlyMap<number, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => walk(item, ports));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    if (NOT_COUNTED.test(name)) return [];
    if (TIMES.test(name)) return [[name, 'some time']];
    if (IDS.test(name)) return [[name, 'some id']];
    if (name === 'port_value') return [[name, ports.get(field as number) ?? (field === 0 ? 0 : 'some port')]];
    return [[name, walk(field, ports)]];
  });
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}
