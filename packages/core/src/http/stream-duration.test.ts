import { expect, it } from 'vitest';
import { RequestHead } from '../headers/header-map.ts';
import { streamDuration } from './stream-duration.ts';

const policy = (maxStreamDurationMs?: number, grpcTimeoutHeaderMaxMs?: number, grpcTimeoutHeaderOffsetMs = 0) => ({
  maxStreamDurationMs,
  grpcTimeoutHeaderMaxMs,
  grpcTimeoutHeaderOffsetMs,
});

it.each([
  ['the route', policy(300), undefined, 300, undefined],
  ['no limit of the route', policy(0), undefined, 0, undefined],
  ['the connection manager', policy(), undefined, 900, undefined],
  ['the client without a bound for it', policy(300), '2S', 300, '300m'],
  ['the client', policy(300, 0), '2S', 2000, '2000m'],
  ['the bound of the client', policy(300, 1000), '2S', 1000, '1000m'],
  ['the client less the offset', policy(300, 0, 100), '2S', 1900, '1900m'],
  ['an offset that is too large', policy(300, 0, 5000), '2S', 2000, '2000m'],
])('streamDuration of %s', (_case, given, timeout, expected, rewritten) => {
  const head = new RequestHead();
  if (timeout !== undefined) {
    head.append('content-type', 'application/grpc');
    head.append('grpc-timeout', timeout);
  }
  expect(streamDuration(head, given, 900)).toBe(expected);
  expect(head.get('grpc-timeout')).toBe(rewritten);
});
