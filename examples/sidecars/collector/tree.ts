/** The spans of a trace, parent by parent. */
import type { Span } from './spans.ts';

/** A span and those below it. */
export interface SpanNode {
  readonly span: Span;
  readonly children: SpanNode[];
}

/** The roots of a trace: one when it is whole. Below each, children in the order in which they began. */
export function treeOf(spans: readonly Span[]): SpanNode[] {
  const nodes = spans.map((span): SpanNode => ({ span, children: [] }));
  const roots: SpanNode[] = [];
  for (const node of nodes) {
    const parent = parentOf(node, nodes);
    if (parent === undefined || isBelow(parent, node)) roots.push(node);
    else parent.children.push(node);
  }
  for (const { children } of nodes) children.sort(byStart);
  return roots.sort(byStart);
}

/** Who called: for the server's side of a shared span the client's side, else who has the parent's id. */
function parentOf(node: SpanNode, nodes: readonly SpanNode[]): SpanNode | undefined {
  const { id, parentId, shared } = node.span;
  if (shared === true || joins(node, nodes)) {
    const caller = nodes.find(({ span }) => span.id === id && span.kind === 'CLIENT');
    if (caller !== undefined && caller !== node) return caller;
  }
  if (parentId === undefined) return undefined;
  const holders = nodes.filter((other) => other !== node && other.span.id === parentId);
  // What a service does on behalf of a request belongs below its own side of the call.
  const near = holders.find(({ span }) => span.localEndpoint?.serviceName === node.span.localEndpoint?.serviceName);
  return holders.find(({ span }) => span.kind === 'SERVER') ?? near ?? holders[0];
}

/** The other side of a call has the same id. */
function joins({ span }: SpanNode, nodes: readonly SpanNode[]): boolean {
  return span.kind === 'SERVER' && nodes.some((other) => other.span.kind === 'CLIENT' && other.span.id === span.id);
}

/** Reports may name each other as parents. */
function isBelow(node: SpanNode, ancestor: SpanNode): boolean {
  if (node === ancestor) return true;
  return ancestor.children.some((child) => isBelow(node, child));
}

function byStart(a: SpanNode, b: SpanNode): number {
  return (a.span.timestamp ?? 0) - (b.span.timestamp ?? 0);
}

/** The tree as lines of text: service, side, name, and the time that it took. */
export function treeLines(roots: readonly SpanNode[], indent = ''): string[] {
  return roots.flatMap(({ span, children }) => {
    const { kind = '', name = '', localEndpoint, duration, id, parentId } = span;
    const service = localEndpoint?.serviceName ?? '?';
    const ids = `id ${id}${parentId === undefined ? '' : `, parent ${parentId}`}`;
    const line = `${indent}${service}  ${kind.toLowerCase()}  ${name}  ${milliseconds(duration)}  (${ids})`;
    return [line, ...treeLines(children, `${indent}   `)];
  });
}

/** `1.2 ms`. */
export function milliseconds(durationUs: number | undefined): string {
  return durationUs === undefined ? '?' : `${(durationUs / 1000).toFixed(1)} ms`;
}
