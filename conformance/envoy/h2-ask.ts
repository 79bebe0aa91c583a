/** Talks of one HTTP/2 request each. */
import type tls from 'node:tls';
import type { Behaviour } from '@mesh/testing';
import { type Fields, H2Client } from './h2-client.ts';
import { type Scenario, TO_A } from './scenario.ts';
import type { Talk } from './talk.ts';

/** A request; names of `fields` in their order behind the pseudo headers. */
export interface Asked {
  /** Instead of `:method`, `:scheme`, `:authority` and `:path` as they are usual. */
  readonly pseudo?: Readonly<Record<string, string | undefined>>;
  readonly fields?: Fields;
  readonly body?: string;
  readonly trailers?: Fields;
  /** Neither body nor end is sent. */
  readonly open?: true;
  /** The end of the connection is waited for and compared; not its GOAWAY, which Envoy often leaves out. */
  readonly untilClosed?: true;
  readonly secure?: tls.ConnectionOptions;
  /** Behind the answer, a second request on the connection says whether it lives. */
  readonly again?: true;
}

const USUAL = { ':method': 'GET', ':scheme': 'http', ':authority': 'h.test', ':path': '/' };

/** The fields of a request. */
export function head(pseudo: Asked['pseudo'] = {}, fields: Fields = []): Fields {
  const all = Object.entries({ ...USUAL, ...pseudo });
  return [...all.filter((pair): pair is [string, string] => pair[1] !== undefined), ...fields];
}

/** A request on a connection of its own; what the client and the upstreams saw. */
export function ask(asked: Asked = {}): Talk {
  const { pseudo, fields, body, trailers, open, secure, untilClosed, again } = asked;
  return async ({ port, received }) => {
    const client = await H2Client.connect(port, secure);
    const bare = body === undefined && trailers === undefined && open !== true;
    const stream = client.open(head(pseudo, fields), bare);
    if (body !== undefined) client.data(stream, body, trailers === undefined && open !== true);
    if (trailers !== undefined) client.fields(stream, trailers);
    const response = await client.seen(stream);
    // How much of a request that is cut short has got to the upstream is chance.
    const upstream = bare || response.end === 'end' ? received() : undefined;
    const second = again === true ? await client.seen(client.open(head())) : undefined;
    const connection = untilClosed === true ? (await client.ended()).end : undefined;
    client.close();
    return {
      response,
      ...(upstream === undefined ? {} : { upstream }),
      ...(second === undefined ? {} : { second: second.headers?.[0] ?? second.end }),
      ...(connection === undefined ? {} : { connection }),
    };
  };
}

/** A scenario of such talks before an upstream of HTTP/1.1. */
export function h2Scenario(name: string, why: string, talks: readonly Talk[], rest: Partial<Scenario> = {}): Scenario {
  return { name: `h2-${name}`, why, routes: [TO_A], requests: [], talks, ...rest };
}

/** A request each with these fields. */
export function fields(...all: readonly Fields[]): Talk[] {
  return all.map((each) => ask({ fields: each }));
}

/** Requests whose refusal ends the connection. */
export function refused(talks: readonly Asked[]): Talk[] {
  return talks.map((each) => ask({ ...each, untilClosed: true }));
}

/** An upstream that answers exactly this. */
export function raw(text: string): Behaviour {
  return async (_request, peer) => {
    await peer.write(text);
  };
}

/** `ask` for a path. */
export function get(path: string, fields: Fields = []): Talk {
  return ask({ pseudo: { ':path': path }, fields });
}
