/** Request targets: the path as endpoints are found by it, and what it asks. */

/** A target, split. */
export interface AdminTarget {
  /** With percent signs that hide nothing taken out, slashes merged and dots resolved, as Envoy's admin server does. */
  readonly path: string;
  /** What follows the question mark. */
  readonly query: string;
  /** Both, as `allow_paths` is asked about them: a path in disguise must not get past it. */
  readonly whole: string;
}

/** The parts of a target, or undefined when it is none that an endpoint could have: `*`, or a whole URL. */
export function parseTarget(target: string): AdminTarget | undefined {
  if (!target.startsWith('/')) return undefined;
  const question = target.indexOf('?');
  if (question === -1) {
    const path = normalize(target);
    return { path, query: '', whole: path };
  }
  const path = normalize(target.slice(0, question));
  return { path, query: target.slice(question + 1), whole: path + target.slice(question) };
}

function normalize(path: string): string {
  if (!/[%.]|\/\//.test(path)) return path;
  const plain = path.replace(/%([0-9a-f]{2})/gi, (written, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(char) ? char : written;
  });
  const kept: string[] = [];
  for (const part of plain.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return `/${kept.join('/')}${plain.length > 1 && plain.endsWith('/') && kept.length > 0 ? '/' : ''}`;
}
