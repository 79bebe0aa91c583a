/**
 * Why two parsers may differ. Each rule names one known difference; what no rule covers is a finding. Rules that let
 * us accept what node:http refuses are few, and each says why no harm can come of it.
 */
import { METHODS } from 'node:http';
import { ProtocolErrors } from '../../packages/core/src/http1/protocol-error.ts';
import { MISSING_HOST, type Parsed, type ParsedRequest } from './parsers.ts';

export interface Verdict {
  readonly rule: string;
  readonly explained: boolean;
}

/** What both saw of one input. */
interface Difference {
  readonly text: string;
  readonly ours: Parsed;
  readonly node: Parsed;
  /** The first request that only we took whole. */
  readonly extra: ParsedRequest | undefined;
}

interface Rule {
  readonly name: string;
  applies(difference: Difference): boolean;
}

/** What the connection refuses, in the codec or behind it. */
const REFUSALS = { ...ProtocolErrors, missingHost: MISSING_HOST };
type ErrorName = keyof typeof REFUSALS;

const refusedAs = (...names: readonly ErrorName[]) => {
  return ({ ours }: Difference) => names.some((name) => REFUSALS[name] === ours.refusal);
};

/** A rule for one of our refusals, and what the input must hold for it. */
function stricter(name: string, errors: readonly ErrorName[], pattern: RegExp): Rule {
  const refused = refusedAs(...errors);
  return { name, applies: (difference) => refused(difference) && pattern.test(difference.text) };
}

function asksToUpgrade(text: string): boolean {
  return /\nUpgrade: (?:websocket|h2c|foo)\r\n/.test(text) && /\nConnection: Upgrade\r\n/.test(text);
}

/** We refuse, node:http accepts. */
const STRICTER: readonly Rule[] = [
  stricter(
    'node accepts HTTP/0.9, HTTP/2.0 and RTSP',
    ['badVersion'],
    /(?:HTTP\/(?:0\.9|2\.0)|RTSP\/1\.0|ICE\/1\.0)[\r\n]/,
  ),
  stricter('node accepts two Host lines', ['duplicateHost'], /Host: [^\n]*\nHost: /),
  stricter(
    'node does not check the Host grammar',
    ['badHost'],
    /Host: *(?:[^\r\n]*[^\w.:[\]\-\r\n][^\r\n]*|h\.test:x|h\.test:99999|\[::1\]x)?\r\n/,
  ),
  stricter(
    'node accepts any target without spaces',
    ['badTarget'],
    /^\s*[A-Za-z-]+ +(?:[^/]|\/[^ ]*#|\/[^ ]*[\x80-\xff]|\/[^ ]*[\r\n])/,
  ),
  stricter(
    'node takes codings before a final chunked',
    ['badTransferEncoding', 'lengthAndChunked'],
    /Transfer-Encoding: (?:[^\r\n]*,|[^\r\n]*\r\n(?:[^\r\n]*\r\n)*Transfer-Encoding:)/,
  ),
  stricter(
    'node takes an empty Transfer-Encoding for none',
    ['badTransferEncoding', 'lengthAndChunked'],
    /Transfer-Encoding: *\r\n/,
  ),
  stricter('node reads chunks in HTTP/1.0', ['chunkedHttp10'], /HTTP\/1\.0\r\n[\s\S]*Transfer-Encoding: /),
  stricter('node counts lengths to 2^64', ['badContentLength'], /Content-Length: (?:9007199254740993|0{17,})/),
  stricter(
    'node does not read Connection as a list of names',
    ['badConnection'],
    /Connection: *(?:host|content-length|transfer-encoding|a b)/i,
  ),
  stricter(
    'node looks for 100-continue anywhere in Expect',
    ['badExpectation'],
    /Expect: *(?:foo|100-continue, x|)\r\n/,
  ),
  stricter('node leaves Expect of HTTP/1.0 alone', ['badExpectation'], /HTTP\/1\.0\r\n[\s\S]*Expect: /),
  stricter(
    'node skips any number of CR and LF before a request',
    ['badStartLine', 'badLineEnd'],
    /^(?:[\r\n]+)|[\r\n]{2}\r\nx?$|\n[\r\n]+$/,
  ),
  stricter('node takes spaces before the target', ['badTarget'], /^\s*\S+ {2,}/),
  stricter('node takes spaces before the version', ['badVersion'], /^\s*\S+ +\S* {2,}HTTP/),
  stricter(
    'node takes any CONNECT, with a body too',
    ['badTarget', 'connectBody', 'badTransferEncoding'],
    /^\s*CONNECT /,
  ),
  stricter('node serves HTTP/1.0 without Host, and goes on behind a 400 for its lack', ['missingHost'], /./),
  {
    name: 'node reads no body behind a request to upgrade',
    applies: ({ text, ours }) => ours.refusal !== undefined && asksToUpgrade(text),
  },
];

/** Node refuses (or stops parsing), and we took a request whole. Each must be harmless. */
const LENIENT: readonly Rule[] = [
  {
    // The method is opaque to a proxy; a token is a token (RFC 9110 9.1).
    name: 'node knows methods by name',
    applies: ({ node, extra }) => node.refusal === 'HPE_INVALID_METHOD' && !METHODS.includes(extra?.method ?? 'GET'),
  },
  {
    // HTAB is optional whitespace (RFC 9110 5.6.3); what goes upstream is our own `chunked`.
    name: 'node does not trim tabs around chunked',
    applies: ({ text, node }) =>
      node.refusal === 'HPE_INVALID_TRANSFER_ENCODING' && /Transfer-Encoding: \tchunked\t\r\n/.test(text),
  },
  {
    // Extensions end at CRLF whatever they hold, are bounded, and are never passed on.
    name: 'node parses chunk extensions',
    applies: ({ text, node }) => node.refusal === 'HPE_STRICT' && /\n[0-9a-f]+;[^\r\n]*\r\n/.test(text),
  },
  {
    // Framing fields among trailers are dropped and have no effect (RFC 9110 6.5.1).
    name: 'node refuses Content-Length among trailers',
    applies: ({ text, node }) =>
      node.refusal === 'HPE_INVALID_CONTENT_LENGTH' && /\n0[^\r\n]*\r\nContent-Length: 5\r\n/.test(text),
  },
  {
    // A request to upgrade that is not granted is an ordinary request (RFC 9110 7.8): HTTP goes on behind it.
    name: 'node stops parsing behind a request to upgrade',
    applies: ({ text, node }) => node.refusal === undefined && asksToUpgrade(text),
  },
];

/** The verdict on one input. */
export function explain(text: string, ours: Parsed, node: Parsed): Verdict {
  const common = Math.min(ours.requests.length, node.requests.length);
  for (let i = 0; i < common; i++) {
    const problem = contentDifference(ours.requests[i] as ParsedRequest, node.requests[i] as ParsedRequest);
    if (problem !== undefined) return { rule: `both accept, and differ in ${problem}`, explained: false };
  }
  const difference: Difference = { text, ours, node, extra: ours.requests[common] };
  if (ours.requests.length > common) return judge(difference, node.refusal, LENIENT, 'we accept');
  if (node.requests.length > common) return judge(difference, ours.refusal, STRICTER, 'node accepts');
  if (ours.refusal === undefined && node.refusal === undefined) return { rule: 'same: accepted', explained: true };
  if (ours.refusal !== undefined && node.refusal !== undefined) return { rule: 'same: refused', explained: true };
  // No whole request is in dispute; one side only knows sooner than the other that none will come.
  return { rule: ours.refusal === undefined ? 'node refuses sooner' : 'we refuse sooner', explained: true };
}

/** `refusal` is that of the side which did not take the request. */
function judge(difference: Difference, refusal: unknown, rules: readonly Rule[], side: string): Verdict {
  const rule = rules.find((candidate) => candidate.applies(difference));
  if (rule !== undefined) return { rule: rule.name, explained: true };
  return {
    rule: `${side}, the other says ${typeof refusal === 'object' ? JSON.stringify(refusal) : refusal}`,
    explained: false,
  };
}

/** What differs between two readings of one request. */
function contentDifference(ours: ParsedRequest, node: ParsedRequest): string | undefined {
  const { path, host } = expected(node);
  if (ours.method !== node.method) return `method ${ours.method} and ${node.method}`;
  if (ours.target !== path) return `target ${ours.target} and ${path}`;
  if (ours.host !== host) return `host ${ours.host} and ${host}`;
  if (ours.minor !== node.minor) return `version 1.${ours.minor} and 1.${node.minor}`;
  if (ours.body !== node.body) return `body ${JSON.stringify(ours.body)} and ${JSON.stringify(node.body)}`;
  const [a, b] = [ours.fields.join('\n'), node.fields.join('\n')];
  return a === b ? undefined : `fields ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
}

/** Path and authority that follow from a target as it came (RFC 9112 3.2). */
function expected(request: ParsedRequest): { path: string; host: string } {
  if (request.method === 'CONNECT') return { path: '', host: request.target };
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(request.target);
  if (absolute === null) return { path: request.target, host: request.host };
  const rest = absolute[2] as string;
  const empty = request.method === 'OPTIONS' ? '*' : '/';
  return { path: rest === '' ? empty : rest.startsWith('?') ? `/${rest}` : rest, host: absolute[1] as string };
}
