/** What a row of the table of local replies is, and what rows are made of. */
import { type Behaviour, neverAnswer } from '@mesh/testing';
import { prefix, type Scenario, type Yaml } from '../envoy/scenario.ts';

/** One situation in which the proxy answers, or cuts a response, by itself. */
export interface ReplyRow {
  readonly situation: string;
  /** Configuration and upstreams, as in `conformance/envoy`; default: everything goes to `<a>`. */
  readonly given?: Partial<Scenario>;
  /** Test filters in front of the router: `hold-request`, `hold-response`. */
  readonly filters?: readonly string[];
  /** The bytes of the request. Default `GET /`. */
  readonly request?: string;
  /** Sent when the upstream has the head. */
  readonly more?: string;
  /** Virtual time to pass before the answer is due; nothing may come before. */
  readonly afterMs?: number;
  /** 0: the response is cut instead. */
  readonly status: number;
  readonly body: string;
  /** Response fields: a value, or `null` for absent. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Response flags, `-` for none; absent where no filter sees the exchange. */
  readonly flags?: string;
  readonly details: string;
  /** The codec or the connection refuses it: there is no exchange that a filter could see. */
  readonly refused?: true;
}

export const CLOSE = { connection: 'close' };

export const half = 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n12345';

export const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nhost: h\r\n${fields}\r\n`;

export const to = (action: Yaml, cluster = '<a>'): Partial<Scenario> => ({ routes: [prefix('/', cluster, action)] });

export const does = (a: Behaviour, rest: Partial<Scenario> = {}): Partial<Scenario> => ({ ...rest, upstreams: { a } });

export const silent = (rest: Partial<Scenario> = {}): Partial<Scenario> => does(neverAnswer(), rest);

export const limits = (threshold: Yaml): Partial<Scenario> => ({
  clusters: { a: { circuit_breakers: { thresholds: [threshold] } } },
});

export const INTERNAL: Yaml = {
  use_remote_address: true,
  internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
};

export const upstreamOptions = (common: Yaml): Partial<Scenario> => ({
  clusters: {
    a: {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
          '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          common_http_protocol_options: common,
          explicit_http_config: { http_protocol_options: {} },
        },
      },
    },
  },
});

export const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: ';

export const RETRIED =
  'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: ';

export const before = (reason: string): string => `upstream_reset_before_response_started{${reason}}`;

export const REFUSED = before('remote_connection_failure|delayed_connect_error:_Connection_refused');
