/** What a way of writing spans is made of, and what all of them need to know. */
import type { Encoding } from './config.ts';
import { jsonV1 } from './json-v1.ts';
import { jsonV2 } from './json-v2.ts';
import { proto } from './proto.ts';
import type { ZipkinSpan } from './span.ts';

/** This proxy as the node of a service graph. */
export interface Endpoint {
  /** Envoy's `--service-cluster`, or `node.cluster`; '' without one. */
  readonly serviceName: string;
  /** Address of this machine. */
  readonly ip: string;
}

/** A span as it is kept until it is sent. */
export type Encoded = string | Uint8Array;

/** One way to write spans. */
export interface SpanEncoder {
  readonly contentType: string;
  /** Writes one down. */
  encode(span: ZipkinSpan): Encoded;
  /** The body of a report. */
  join(spans: readonly Encoded[]): Uint8Array;
}

/** What an encoder is made for. */
export interface EncoderOptions {
  readonly endpoint: Endpoint;
  /** Server spans may share their ids with a client's span. */
  readonly shared: boolean;
}

/** The encoder of a version of Zipkin's API. */
export function encoder(encoding: Encoding, options: EncoderOptions): SpanEncoder {
  if (encoding === 'proto') return proto(options);
  return encoding === 'json-v1' ? jsonV1(options) : jsonV2(options);
}
