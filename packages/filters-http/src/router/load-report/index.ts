/**
 * Load reports of hosts (ORCA), from response fields: `endpoint-load-metrics` as `TEXT k=v, …`, `JSON {…}` or
 * `BIN <base64>`, and `endpoint-load-metrics-bin`. One that cannot be read, even in part, says nothing.
 */
import type { Headers, Host, LoadReport } from '@mesh/core';
import { parseBinary } from './binary.ts';
import { parseJson, parseText } from './text.ts';

const FIELD = 'endpoint-load-metrics';
const BINARY_FIELD = 'endpoint-load-metrics-bin';

/** Whole groups of four, the last one with or without padding, in either alphabet. */
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;

/** Hands over what a head, or trailers, report, if somebody wants the reports of this host. */
export function takeLoadReport({ loadReports }: Host, fields: Headers): void {
  if (loadReports === undefined) return;
  const report = readLoadReport(fields);
  if (report !== undefined) loadReports.onReport(report);
}

/** The report in these fields; `undefined` when there is none that can be read. */
export function readLoadReport(fields: Headers): LoadReport | undefined {
  const binary = fields.get(BINARY_FIELD);
  if (binary !== undefined) return fromBase64(binary);
  const value = fields.get(FIELD);
  if (value === undefined) return undefined;
  const rest = value.slice(5);
  if (value.startsWith('TEXT ')) return parseText(rest);
  if (value.startsWith('JSON ')) return parseJson(rest);
  return value.startsWith('BIN ') ? fromBase64(value.slice(4)) : undefined;
}

function fromBase64(text: string): LoadReport | undefined {
  if (text === '' || !BASE64.test(text)) return undefined;
  return parseBinary(Buffer.from(text, 'base64'));
}
