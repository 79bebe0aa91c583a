/** Requests with every shape of trace context. `<t>`, `<h>`, `<s>` and `<p>` are a case's own ids. */
import type { Variant } from './variants.ts';

/** One request. */
export interface Case {
  readonly name: string;
  /** Its ids are made of it. */
  readonly index: number;
  readonly headers: Readonly<Record<string, string>>;
}

const multi = (more: Record<string, string> = {}) => ({ 'x-b3-traceid': '<t>', 'x-b3-spanid': '<s>', ...more });
const b3 = (value: string, more: Record<string, string> = {}) => ({ b3: value, ...more });
const w3c = (value: string, more: Record<string, string> = {}) => ({ traceparent: value, ...more });

const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  none: {},
  'single-64': b3('<t>-<s>'),
  'single-64-sampled': b3('<t>-<s>-1'),
  'single-64-not-sampled': b3('<t>-<s>-0'),
  'single-64-debug': b3('<t>-<s>-d'),
  'single-64-bad-flag': b3('<t>-<s>-x'),
  'single-64-parent': b3('<t>-<s>-1-<p>'),
  'single-64-parent-not-sampled': b3('<t>-<s>-0-<p>'),
  'single-64-parent-debug': b3('<t>-<s>-d-<p>'),
  'single-64-parent-bad-flag': b3('<t>-<s>-x-<p>'),
  'single-64-parent-without-flag': b3('<t>-<s>-<p>'),
  'single-128': b3('<h><t>-<s>'),
  'single-128-sampled': b3('<h><t>-<s>-1'),
  'single-128-not-sampled': b3('<h><t>-<s>-0'),
  'single-128-parent': b3('<h><t>-<s>-1-<p>'),
  'single-128-parent-not-sampled': b3('<h><t>-<s>-0-<p>'),
  'single-deny': b3('0'),
  'single-accept': b3('1'),
  'single-debug': b3('d'),
  'single-bad': b3('x'),
  'single-empty': b3(''),
  'single-trace-only': b3('<t>'),
  'single-cut-behind-span': b3('<t>-<s>-'),
  'single-cut-behind-flag': b3('<t>-<s>-1-'),
  'single-cut-parent': b3('<t>-<s>-1-00ff'),
  'single-too-long': b3('<h><t>-<s>-1-<p>0'),
  'single-not-hex': b3('zzzzzzzzzzzzzzzz-<s>-1'),
  'single-span-not-hex': b3('<t>-zzzzzzzzzzzzzzzz-1'),
  'single-parent-not-hex': b3('<t>-<s>-1-zzzzzzzzzzzzzzzz'),
  'single-upper-case': b3('ABCDEF<t10>-<s>-1'),
  'single-zero-ids': b3('0000000000000000-0000000000000000-1'),
  'single-before-multi': b3('<t>-<s>-0', { 'x-b3-traceid': 'aaaaaaaaaaaaaaaa', 'x-b3-spanid': 'bbbbbbbbbbbbbbbb' }),
  'single-deny-with-multi': b3('0', multi({ 'x-b3-sampled': '1' })),
  'single-bad-with-multi': b3('nonsense', multi({ 'x-b3-sampled': '1' })),
  multi: multi(),
  'multi-sampled': multi({ 'x-b3-sampled': '1' }),
  'multi-not-sampled': multi({ 'x-b3-sampled': '0' }),
  'multi-true': multi({ 'x-b3-sampled': 'true' }),
  'multi-false': multi({ 'x-b3-sampled': 'false' }),
  'multi-upper-true': multi({ 'x-b3-sampled': 'TRUE' }),
  'multi-sampled-d': multi({ 'x-b3-sampled': 'd' }),
  'multi-bad-sampled': multi({ 'x-b3-sampled': 'maybe' }),
  'multi-empty-sampled': multi({ 'x-b3-sampled': '' }),
  'multi-parent': multi({ 'x-b3-parentspanid': '<p>', 'x-b3-sampled': '1' }),
  'multi-parent-not-sampled': multi({ 'x-b3-parentspanid': '<p>', 'x-b3-sampled': '0' }),
  'multi-parent-empty': multi({ 'x-b3-parentspanid': '', 'x-b3-sampled': '1' }),
  'multi-parent-zero': multi({ 'x-b3-parentspanid': '0000000000000000', 'x-b3-sampled': '1' }),
  'multi-parent-not-hex': multi({ 'x-b3-parentspanid': 'zz', 'x-b3-sampled': '1' }),
  'multi-flags': multi({ 'x-b3-flags': '1' }),
  'multi-flags-not-sampled': multi({ 'x-b3-flags': '1', 'x-b3-sampled': '0' }),
  'multi-128': { 'x-b3-traceid': '<h><t>', 'x-b3-spanid': '<s>', 'x-b3-sampled': '1' },
  'multi-128-zero-high': { 'x-b3-traceid': '0000000000000000<t>', 'x-b3-spanid': '<s>', 'x-b3-sampled': '1' },
  'multi-short': { 'x-b3-traceid': '<t10>', 'x-b3-spanid': 'abc', 'x-b3-sampled': '1' },
  'multi-upper-case': { 'x-b3-traceid': 'ABCDEF<t10>', 'x-b3-spanid': 'ABCDEF<t10>', 'x-b3-sampled': '1' },
  'multi-trace-17': { 'x-b3-traceid': '1<t>', 'x-b3-spanid': '<s>' },
  'multi-trace-31': { 'x-b3-traceid': '00000000000000<t>1', 'x-b3-spanid': '<s>' },
  'multi-trace-33': { 'x-b3-traceid': '0<h><t>', 'x-b3-spanid': '<s>' },
  'multi-trace-not-hex': { 'x-b3-traceid': 'not a trace', 'x-b3-spanid': '<s>', 'x-b3-sampled': '1' },
  'multi-trace-128-not-hex': { 'x-b3-traceid': 'zzzzzzzzzzzzzzzz<t>', 'x-b3-spanid': '<s>' },
  'multi-trace-0x': { 'x-b3-traceid': '0x<t10>', 'x-b3-spanid': '<s>' },
  'multi-trace-empty': { 'x-b3-traceid': '', 'x-b3-spanid': '<s>' },
  'multi-span-not-hex': { 'x-b3-traceid': '<t>', 'x-b3-spanid': 'zz', 'x-b3-sampled': '1' },
  'multi-span-17': { 'x-b3-traceid': '<t>', 'x-b3-spanid': '1<s>', 'x-b3-sampled': '1' },
  'multi-zero-ids': { 'x-b3-traceid': '0000000000000000', 'x-b3-spanid': '0000000000000000', 'x-b3-sampled': '1' },
  'trace-without-span': { 'x-b3-traceid': '<t>', 'x-b3-sampled': '1' },
  'span-without-trace': { 'x-b3-spanid': '<s>', 'x-b3-sampled': '0' },
  'sampled-alone': { 'x-b3-sampled': '1' },
  'not-sampled-alone': { 'x-b3-sampled': '0' },
  w3c: w3c('00-<h><t>-<s>-01'),
  'w3c-not-sampled': w3c('00-<h><t>-<s>-00'),
  'w3c-state': w3c('00-<h><t>-<s>-01', { tracestate: 'a=1,b=2' }),
  'w3c-other-flags': w3c('00-<h><t>-<s>-03'),
  'w3c-zero-high': w3c('00-0000000000000000<t>-<s>-01'),
  'w3c-zero-trace': w3c('00-00000000000000000000000000000000-<s>-01'),
  'w3c-zero-span': w3c('00-<h><t>-0000000000000000-01'),
  'w3c-upper-case': w3c('00-ABCDEF0123456789ABCDEF<t10>-<s>-01'),
  'w3c-version-ff': w3c('ff-<h><t>-<s>-01'),
  'w3c-version-1': w3c('01-<h><t>-<s>-01'),
  'w3c-version-1-more': w3c('01-<h><t>-<s>-01-more'),
  'w3c-short': w3c('00-<t>-<s>-01'),
  'w3c-not-hex': w3c('00-zz34567890123456<t>-<s>-01'),
  'w3c-empty': w3c(''),
  'w3c-and-single': w3c('00-<h><t>-<s>-01', { b3: '1234<t12>-<p>-0' }),
  'w3c-and-bad-single': w3c('00-<h><t>-<s>-01', { b3: 'nonsense' }),
  'w3c-and-deny': w3c('00-<h><t>-<s>-01', { b3: '0' }),
  'w3c-and-sampled': w3c('00-<h><t>-<s>-00', { 'x-b3-sampled': '1' }),
  'w3c-and-not-sampled': w3c('00-<h><t>-<s>-01', { 'x-b3-sampled': '0' }),
  'w3c-and-trace-alone': w3c('00-<h><t>-<s>-01', { 'x-b3-traceid': 'aaaaaaaaaaaaaaaa' }),
  'w3c-and-broken-multi': w3c('00-<h><t>-<s>-01', multi({ 'x-b3-spanid': 'zz' })),
  'single-0x': b3('0x34<t12>-<s>-1'),
  'request-id': { 'x-request-id': '72c975bf-9963-494a-be53-298d2f5368cd' },
  'request-id-traced': { 'x-request-id': '72c975bf-9963-994a-be53-298d2f5368cd' },
  'client-trace-id': { 'x-client-trace-id': 'mine' },
  'force-trace': { 'x-envoy-force-trace': '1' },
  'w3c-state-alone': { tracestate: 'a=1' },
  'w3c-and-multi-state': w3c('00-<h><t>-<s>-01', { ...multi({ 'x-b3-sampled': '0' }), tracestate: 'a=1' }),
};

/** The ids of a case: distinct, so that what was reported can be told apart. */
export function idsOf(index: number): Readonly<Record<string, string>> {
  const digits = (index + 1).toString(16).padStart(3, '0');
  const t = `7ace${digits}000000001`;
  return {
    t,
    t10: t.slice(0, 10),
    t12: t.slice(0, 12),
    h: `41${digits}00000000001`,
    s: `5a${digits}00000000001`,
    p: `9a${digits}00000000001`,
  };
}

const cases: readonly Case[] = Object.entries(table).map(([name, headers], index) => {
  const ids = idsOf(index);
  const filled = Object.entries(headers).map(([key, value]) => [
    key,
    value.replace(/<(\w+)>/g, (_all, id: string) => ids[id] as string),
  ]);
  return { name, index, headers: Object.fromEntries(filled) as Record<string, string> };
});

/** What tells variants apart that read headers in the same way. */
const FEW = [
  'none',
  'single-64',
  'single-64-parent',
  'single-deny',
  'single-bad',
  'multi',
  'multi-sampled',
  'multi-not-sampled',
  'multi-parent',
  'multi-128',
  'sampled-alone',
  'w3c',
  'w3c-not-sampled',
  'w3c-and-multi-state',
];

/** The cases that are played with a variant. */
export function casesOf({ every = false }: Variant): readonly Case[] {
  return every ? cases : cases.filter(({ name }) => FEW.includes(name));
}
