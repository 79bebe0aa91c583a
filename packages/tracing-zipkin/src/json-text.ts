/** Pieces of JSON, put together by hand: a span is written once and never read here. */
import type { Encoded, Endpoint } from './encoding.ts';

/** A string. Most values are short and need no escape: looking is cheaper than escaping, and than a regular expression. */
export function text(value: string): string {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    // Quote, backslash, control characters, and halves of pairs, which JSON.stringify looks after.
    if (code < 0x20 || code === 0x22 || code === 0x5c || (code >= 0xd800 && code <= 0xdfff))
      return JSON.stringify(value);
  }
  return `"${value}"`;
}

/** Address and name of this proxy. */
export function endpointText({ ip, serviceName }: Endpoint): string {
  const address = `"${ip.includes(':') ? 'ipv6' : 'ipv4'}":${text(ip)},"port":0`;
  return `{${address}${serviceName === '' ? '' : `,"serviceName":${text(serviceName)}`}}`;
}

/** A report: an array of spans. */
export function joinTexts(spans: readonly Encoded[]): Uint8Array {
  let all = '[';
  for (let i = 0; i < spans.length; i++) all += i === 0 ? spans[i] : `,${spans[i]}`;
  return Buffer.from(`${all}]`);
}

let lastSeconds = 0;
let secondsText = '0';

/** Whole microseconds since 1970. Numbers of this size are slow to write; spans of one second begin with the same digits. */
export function microseconds(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  if (!(seconds > 0)) return `${us}`;
  if (seconds !== lastSeconds) {
    lastSeconds = seconds;
    secondsText = `${seconds}`;
  }
  return secondsText + `${us - seconds * 1_000_000 + 1_000_000}`.substring(1);
}

/** Names that are tagged over and over; there are few of them, but a filter's code may make up others. */
const MAX_NAMES = 512;

/** Written forms of names, each worked out once. */
export class Names {
  private readonly known = new Map<string, string>();
  private readonly before: string;
  private readonly after: string;

  constructor(before: string, after: string) {
    this.before = before;
    this.after = after;
  }

  get(name: string): string {
    const found = this.known.get(name);
    if (found !== undefined) return found;
    const written = `${this.before}${text(name)}${this.after}`;
    if (this.known.size < MAX_NAMES) this.known.set(name, written);
    return written;
  }
}
