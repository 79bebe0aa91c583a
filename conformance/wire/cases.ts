/** The corpus: hostile and valid HTTP/1 messages with what a proxy may do with them. Format: ../README.md. */
import { readFileSync } from 'node:fs';

/** Envoy-named settings of the connection manager that a case needs. */
export type CaseConfig = Readonly<Record<string, unknown>>;

/** What the upstream must see of a forwarded request; every key that is present is checked. */
export interface MustSee {
  readonly method?: string;
  readonly path?: string;
  readonly path_in?: readonly string[];
  readonly version?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly headers_in?: Readonly<Record<string, readonly (string | null)[]>>;
  readonly headers_absent?: readonly string[];
  readonly headers_present?: readonly string[];
  readonly headers_not?: Readonly<Record<string, string>>;
  readonly header_values?: Readonly<Record<string, readonly string[]>>;
  readonly header_last_list_member?: Readonly<Record<string, string>>;
  readonly header_contains?: Readonly<Record<string, string>>;
  readonly cookie_pairs?: readonly string[];
  readonly paths_in_order?: readonly string[];
  readonly single?: readonly string[];
  readonly trailers_absent?: readonly string[];
  readonly headers_not_from_trailer?: readonly string[];
}

export interface RequestCase {
  readonly id: string;
  readonly class: string;
  readonly why: string;
  /** The wire bytes, as latin-1. */
  readonly raw: string;
  readonly expect: 'forward' | 'reject' | 'either' | 'close';
  readonly status?: readonly number[];
  readonly status_or_close?: boolean;
  readonly upstream_must_see?: MustSee;
  readonly upstream_requests?: number;
  readonly upstream_complete?: false;
  readonly upstream_reply?: string;
  readonly must_not_reach?: readonly string[];
  readonly half_close?: boolean;
  readonly needs_timeout?: boolean;
  readonly config?: CaseConfig;
  readonly client_must_see?: {
    readonly responses?: number;
    readonly first_status?: number;
    readonly connection_closed?: boolean;
    readonly location?: string;
    readonly headers_absent?: readonly string[];
  };
}

export interface ResponseCase {
  readonly id: string;
  readonly why: string;
  readonly raw: string;
  readonly expect: 'forward' | 'bad_gateway' | 'either';
  readonly status: readonly number[];
  readonly request_method: string;
  readonly request_headers?: string;
  readonly request_body_bytes?: number;
  readonly reply_before_body?: boolean;
  readonly send_on_accept?: boolean;
  readonly split?: 'byte';
  readonly upstream_close?: 'fin' | 'rst' | 'none';
  readonly then?: { readonly after_ms: number; readonly raw: string; readonly close?: 'fin' };
  readonly followed_by_request?: boolean;
  readonly next_status?: number;
  readonly reuse_upstream_connection: boolean | null;
  readonly config?: CaseConfig;
  readonly client_body?: string;
  readonly client_headers?: Readonly<Record<string, string>>;
  readonly client_headers_absent?: readonly string[];
  readonly client_header_lines?: Readonly<Record<string, readonly string[]>>;
  readonly client_single?: readonly string[];
  readonly client_must_see?: readonly string[];
  readonly client_must_not_see?: readonly string[];
  readonly client_truncated?: boolean;
}

/** Cases that wait for a feature: the setting that the config layer still refuses. */
export interface Pending {
  readonly setting: string;
  readonly value: unknown;
  readonly reason: string;
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

function lines(name: string): unknown[] {
  return read(name)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export const requestCases = lines('cases/h1-cases.jsonl') as RequestCase[];
export const responseCases = lines('cases/h1-response-cases.jsonl') as ResponseCase[];
export const pending = JSON.parse(read('pending.json')) as {
  readonly requests: Readonly<Record<string, Pending>>;
  readonly responses: Readonly<Record<string, Pending>>;
};
