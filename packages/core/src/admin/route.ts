/** The shape of an admin endpoint, and the few answers they share. */
import type { AdminContext, Json } from './context.ts';
import { jsonPieces } from './json-pieces.ts';
import { compileSafeRegex, type SafeRegex } from './safe-regex.ts';

/** A parameter, for `/help` and the home page. */
export interface AdminParam {
  readonly id: string;
  readonly help: string;
  readonly type: 'boolean' | 'string' | 'enum';
  /** Choices of an `enum`. */
  readonly values?: readonly string[];
}

/** A request, reduced to what endpoints look at. */
export interface AdminRequest {
  readonly path: string;
  /**
   * Percent-decoded; the first value of a repeated key. A key without `=` has the value ''. From the URL, or, when that
   * has none, from a body of type `application/x-www-form-urlencoded`, as the forms of the home page send them.
   */
  readonly query: ReadonlyMap<string, string>;
  /** The body as text, whatever its content type; at most 64 KiB. */
  readonly body: string;
}

/**
 * A whole text, or pieces that are made while the client takes them: what may be large is never in memory as a whole,
 * and other work goes on meanwhile. An empty piece means that some time has passed without anything to show for it.
 */
export type AdminBody = string | Iterable<string> | AsyncIterable<string | Uint8Array>;

/** An answer. */
export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: AdminBody;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Pieces go out at once, however small, and the client may wait for them as long as it likes. */
  readonly live?: boolean;
  /** Runs after the answer is on the wire. */
  readonly after?: () => void;
}

/** An endpoint. */
export interface AdminRoute {
  readonly path: string;
  readonly help: string;
  readonly params?: readonly AdminParam[];
  /** True for what changes state: needs POST and passes the checks against foreign pages. */
  readonly mutates?: boolean;
  /** True for what only reads, but more than a foreign page may see: passes the checks against them, by any method. */
  readonly guarded?: boolean;
  /** Whether it is there now; default it always is. */
  offered?(context: AdminContext): boolean;
  handle(request: AdminRequest, context: AdminContext): AdminReply | Promise<AdminReply>;
}

/** Plain text. */
export function text(body: AdminBody, status = 200): AdminReply {
  return { status, contentType: 'text/plain; charset=UTF-8', body };
}

/** JSON indented by one space and ended by a line feed, as Envoy prints its messages. */
export function json(value: Json | object): AdminReply {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value, undefined, 1)}\n` };
}

/** The same for what may be large: an iterable in `value` that is no array is printed as one, element by element. */
export function bigJson(value: object): AdminReply {
  return { status: 200, contentType: 'application/json', body: jsonPieces(value) };
}

/** An HTML page. */
export function html(body: AdminBody): AdminReply {
  return { status: 200, contentType: 'text/html; charset=UTF-8', body };
}

/** The compiled pattern of a parameter; undefined when the parameter is absent or empty, a string when it is wrong. */
export function regexParam(request: AdminRequest, id: string): SafeRegex | string | undefined {
  const pattern = request.query.get(id);
  if (pattern === undefined || pattern === '') return undefined;
  try {
    return compileSafeRegex(pattern);
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** Splits `a=1&b` and decodes `%XX`. A plus sign stays a plus sign, so that regular expressions survive. */
export function parseQuery(query: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const key = decode(equals === -1 ? part : part.slice(0, equals));
    if (!values.has(key)) values.set(key, equals === -1 ? '' : decode(part.slice(equals + 1)));
  }
  return values;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
