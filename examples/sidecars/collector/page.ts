/** The traces as a page: plain HTML, everything that was reported escaped, nothing to execute. */
import type { Span } from './spans.ts';
import { milliseconds, type SpanNode, treeOf } from './tree.ts';

const STYLE = `body{font:14px system-ui,sans-serif;margin:2rem;color:#222}h1{font-size:1.3rem}h2{font-size:1rem;margin:2rem 0 .5rem}
code{color:#666}.row{display:grid;grid-template-columns:22rem 1fr;gap:1rem;align-items:start;padding:.15rem 0}
.lane{position:relative;height:1.3rem;background:#f3f3f3;border-radius:3px;overflow:hidden}
.bar{position:absolute;top:0;bottom:0;background:#7aa6d8;border-radius:3px;min-width:2px}.bar.server{background:#8cc48c}
.bar.error{background:#d88}.time{position:relative;padding-left:.4rem;font-size:.8rem;line-height:1.3rem}
summary{cursor:pointer}table{font-size:.8rem;border-collapse:collapse;margin:.2rem 0 .4rem 1rem}td{padding:0 .8rem 0 0;vertical-align:top;word-break:break-all}`;

/** The page of all traces, the newest first. */
export function tracesPage(traces: readonly (readonly Span[])[]): string {
  const sections = traces.map(traceSection).reverse();
  const none = '<p>No trace yet: <code>curl 127.0.0.1:8080/trace/1</code>, then load this page again.</p>';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Traces</title><style>${STYLE}</style></head>
<body><h1>Traces</h1>${sections.length === 0 ? none : sections.join('')}
<p><a href="/api/v2/traces">as JSON</a></p></body></html>\n`;
}

function traceSection(spans: readonly Span[]): string {
  const roots = treeOf(spans);
  const startUs = Math.min(...spans.map(({ timestamp = 0 }) => timestamp));
  const endUs = Math.max(...spans.map(({ timestamp = 0, duration = 0 }) => timestamp + duration));
  const frame = { startUs, totalUs: Math.max(endUs - startUs, 1) };
  const [first] = roots;
  const name = `${first?.span.localEndpoint?.serviceName ?? '?'}: ${first?.span.name ?? ''}`;
  const services = new Set(spans.map(({ localEndpoint }) => localEndpoint?.serviceName));
  const facts = `${spans.length} spans, ${services.size} services, ${milliseconds(frame.totalUs)}`;
  const id = spans[0]?.traceId ?? '';
  return `<section><h2>${escapeHtml(name)} <code>${escapeHtml(id)}</code> ${facts}</h2>${rows(roots, frame, 0)}</section>`;
}

interface Frame {
  readonly startUs: number;
  readonly totalUs: number;
}

function rows(nodes: readonly SpanNode[], frame: Frame, depth: number): string {
  return nodes.map(({ span, children }) => row(span, frame, depth) + rows(children, frame, depth + 1)).join('');
}

function row(span: Span, { startUs, totalUs }: Frame, depth: number): string {
  const { kind = '', name = '', timestamp = startUs, duration = 0, localEndpoint, tags = {} } = span;
  const left = percent(timestamp - startUs, totalUs);
  const width = percent(duration, totalUs);
  const classes = ['bar', kind === 'SERVER' ? 'server' : '', tags.error === undefined ? '' : 'error'].join(' ').trim();
  const service = escapeHtml(localEndpoint?.serviceName ?? '?');
  const label = `<b>${service}</b> ${escapeHtml(kind.toLowerCase())} ${escapeHtml(name)}`;
  return `<div class="row"><details style="margin-left:${depth}rem"><summary>${label}</summary>${facts(span)}</details>
<div class="lane"><div class="${classes}" style="left:${left}%;width:${width}%"></div><span class="time" style="left:${left}%">${milliseconds(span.duration)}</span></div></div>`;
}

function facts({ id, parentId, tags = {}, annotations = [] }: Span): string {
  const lines: [string, string][] = [
    ['id', id],
    ['parent', parentId ?? 'none'],
    ...Object.entries(tags).map(([key, value]): [string, string] => [key, String(value)]),
    ...annotations.map(({ timestamp, value }): [string, string] => [`at ${timestamp} µs`, value]),
  ];
  const cells = lines.map(([key, value]) => `<tr><td>${escapeHtml(key)}</td><td>${escapeHtml(value)}</td></tr>`);
  return `<table>${cells.join('')}</table>`;
}

function percent(part: number, whole: number): string {
  return Math.min(100, Math.max(0, (100 * part) / whole)).toFixed(2);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
