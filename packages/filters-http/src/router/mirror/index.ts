/**
 * Request mirroring (Envoy `request_mirror_policies`): copies of a request go to other clusters, whose answers nobody
 * waits for. Only routes that mirror come here.
 */
import {
  copyRequestHeaders,
  type Headers,
  type MirrorPolicy,
  type RequestHeaders,
  type TerminalStream,
} from '@mesh/core';
import { transportOptions } from '../transport-options.ts';
import { Mirror } from './mirror.ts';
import { finishMirrorHead } from './mirror-head.ts';

/** A policy that this request fell under, and the head as it was before the first attempt. */
interface Chosen {
  readonly policy: MirrorPolicy;
  readonly cluster: string;
  readonly headers: RequestHeaders;
}

/**
 * Decides which policies apply. Call it when the head is as it goes upstream, before the first attempt; `undefined` when
 * there is nothing to mirror. A CONNECT or an upgrade is never mirrored: what follows it is no request.
 */
export function chooseMirrors(
  policies: readonly MirrorPolicy[],
  headers: RequestHeaders,
  stream: TerminalStream,
): Mirrors | undefined {
  if (headers.method === 'CONNECT' || headers.has('upgrade')) return undefined;
  let chosen: Chosen[] | undefined;
  for (const policy of policies) {
    if (policy.fraction !== undefined && !stream.runtime.enabled(policy.fraction, stream.random)) continue;
    const cluster = policy.clusterHeader === undefined ? policy.cluster : headers.get(policy.clusterHeader);
    if (cluster === undefined || cluster === '') continue;
    chosen ??= [];
    chosen.push({ policy, cluster, headers: copyRequestHeaders(headers) });
  }
  return chosen === undefined ? undefined : new Mirrors(chosen, stream);
}

/** The mirrors of one request. */
export class Mirrors {
  private chosen: readonly Chosen[];
  private stream: TerminalStream | undefined;
  private readonly mirrors: Mirror[] = [];

  constructor(chosen: readonly Chosen[], stream: TerminalStream) {
    this.chosen = chosen;
    this.stream = stream;
  }

  /**
   * Sends the heads; once, behind the first attempt. `timeoutMs` is the route's (0 is none), `limitBytes` bounds what
   * waits for each mirror's connection.
   */
  start(end: boolean, timeoutMs: number, limitBytes: number): void {
    const { chosen, stream } = this;
    this.chosen = [];
    this.stream = undefined;
    if (stream === undefined) return;
    for (const { policy, cluster, headers } of chosen) {
      const target = stream.clusters.get(cluster);
      if (target === undefined) continue;
      finishMirrorHead(policy, headers, stream);
      const asked = target.transportPolicy && transportOptions(target.transportPolicy, headers, stream);
      const span = stream.tracing?.beginMirror(stream, headers, target);
      const mirror = new Mirror(headers, target, stream.timers, timeoutMs, limitBytes, asked, span);
      this.mirrors.push(mirror);
      mirror.start(end);
    }
  }

  data(chunk: Uint8Array, end: boolean, owned: boolean): void {
    for (const mirror of this.mirrors) mirror.data(chunk, end, owned);
  }

  trailers(trailers: Headers): void {
    for (const mirror of this.mirrors) mirror.trailers(trailers);
  }

  /** The original is over. */
  release(): void {
    for (const mirror of this.mirrors) mirror.release();
  }
}
