/** What a command of a format is made of: a specification in a table, and the function that answers it. */

import type { LogSubject } from '../api/access-log.ts';
import type { Headers, RequestHeaders } from '../api/headers.ts';

/** A JSON value; `undefined` where there is none. Texts are in wire form: one character per byte. */
export type FormatValue = string | number | boolean | object | null | undefined;

/** What a format may be told beside the stream; everything else is read from the stream. */
export interface FormatContext {
  /** The request head when it is not the stream's, e.g. that of a mirrored copy. */
  readonly requestHeaders?: RequestHeaders | undefined;
  /** The response head when it is not on the stream yet. */
  readonly responseHeaders?: Headers | undefined;
  readonly responseTrailers?: Headers | undefined;
  /** `%LOCAL_REPLY_BODY%`, in wire form. */
  readonly localReplyBody?: string | undefined;
  /** `%RESPONSE_CODE%` when it is not that of the stream's response head. */
  readonly responseCode?: number | undefined;
  /** `%ACCESS_LOG_TYPE%`. Default NotSet. */
  readonly accessLogType?: string | undefined;
}

/** Nothing is known beside the stream. */
export const NO_CONTEXT: FormatContext = {};

/** Answers one command for one exchange; `undefined` when it has no value. */
export type Operator = (stream: LogSubject, context: FormatContext) => FormatValue;

/** One command: what may follow its name, and how its operator is made at config time. */
export interface OperatorSpec {
  readonly params: 'none' | 'optional' | 'required';
  /** Whether `:N` may follow. */
  readonly length: boolean;
  /** @throws SyntaxError for a bad argument, in Envoy's words. */
  make(argument: string, length: number | undefined): Operator;
}

/** A table of commands by name. */
export type OperatorTable = Readonly<Record<string, OperatorSpec>>;

/** A command that is its name alone. */
export function plain(operator: Operator): OperatorSpec {
  return { params: 'none', length: false, make: () => operator };
}

/** Cuts a text after `length` bytes. */
export function truncated(text: string, length: number | undefined): string {
  return length === undefined || text.length <= length ? text : text.slice(0, length);
}
