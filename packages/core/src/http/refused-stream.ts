/** Exchanges that never came about: what answers to broken heads are formatted from, and logged as. */
import type { ResponseWriter } from '../api/codec.ts';
import { RequestHead, type ResponseHead } from '../headers/header-map.ts';
import type { HttpManager } from './manager.ts';
import { Stream } from './stream.ts';
import type { StreamOwner } from './stream-facts.ts';

/** A stream without a request that could be told of; no filter sees it. */
export function refusedStream(manager: HttpManager, owner: StreamOwner, details: string, minor: number): Stream {
  // Nothing is written through it.
  const stream = new Stream(manager, owner, undefined as unknown as ResponseWriter);
  stream.requestHeaders = new RequestHead();
  stream.requestHeaders.rawPath = '';
  stream.requestHeaders.rawMethod = '';
  stream.requestHeaders.minor = minor;
  stream.clientIp = owner.remoteIp;
  stream.details = details;
  return stream;
}

/** Gives it to the access logs; without `head` nothing was answered. */
export function logRefused(
  manager: HttpManager,
  stream: Stream,
  flags: number,
  head?: ResponseHead,
  body?: Uint8Array,
): void {
  stream.flags |= flags;
  stream.responseHeaders = head;
  stream.bytesSent = body?.length ?? 0;
  stream.endMs = manager.wheel.nowMs();
  manager.logs?.end(stream);
}
