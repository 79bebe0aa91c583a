/** The head of a side call, as Envoy's `AsyncClient` makes it. */
import { RequestHead } from '../../headers/header-map.ts';
import type { SideCallParts } from './parts.ts';

/** What the caller says of its head. */
export interface HeadLines {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** 0 is none. */
  readonly timeoutMs: number;
  /** `x-envoy-internal`, `x-forwarded-for` and the like are left out. Default false. */
  readonly plain?: boolean | undefined;
}

/** @throws TypeError for what is no legal head. */
export function sideCallHead(lines: HeadLines, { localIp }: SideCallParts): RequestHead {
  const head = new RequestHead();
  head.method = lines.method;
  head.path = lines.path;
  head.authority = lines.authority;
  for (const [name, value] of lines.headers) head.append(name, value);
  if (lines.plain === true) return head;
  head.put('x-envoy-internal', 'true');
  const from = head.getAll('x-forwarded-for');
  head.put('x-forwarded-for', from.length === 0 ? localIp : `${from.join(',')},${localIp}`);
  if (lines.timeoutMs > 0) head.put('x-envoy-expected-rq-timeout-ms', String(Math.round(lines.timeoutMs)));
  return head;
}
