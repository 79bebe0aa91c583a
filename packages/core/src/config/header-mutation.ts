/** Headers that route configuration adds and removes. */
import { compileHeaderFormat } from '../format/header-format.ts';
import { headerName, stringMatcher } from './common.ts';
import { type DeepPartial, message, required, withDefault } from './message.ts';
import { bool, enumOf, list, nonEmpty, string } from './proto-json.ts';
import type { Report } from './schema-type.ts';

const headerValue = message(
  {
    key: required(nonEmpty()),
    value: withDefault(string({ pattern: /^[^\0-\x08\n-\x1f\x7f]{0,16384}$/, expected: 'a header value' }), ''),
  },
  {
    name: 'envoy.config.core.v3.HeaderValue',
    known: { raw_value: 'Envoy does not look at it either when it adds a header; use value' },
    check({ key, value }, report) {
      if (key !== undefined && !/^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(key)) {
        report({ path: ['key'], message: `expected a header name, got ${JSON.stringify(key)}` });
      }
      const refusal = key === undefined ? undefined : refusalOf(key, 'modified');
      if (refusal !== undefined) report({ path: ['key'], message: refusal });
      const problem = value === undefined ? undefined : formatProblem(value);
      if (problem !== undefined) report({ path: ['value'], message: problem });
    },
  },
);

function formatProblem(value: string): string | undefined {
  if (!value.includes('%')) return undefined;
  try {
    compileHeaderFormat(value);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Envoy `HeaderValueOption`; values are formats (`%COMMAND%`). `append` is the older way to say what becomes of a header that is there. */
export const headerValueOption = message(
  {
    header: required(headerValue),
    append: bool(),
    append_action: enumOf([
      'APPEND_IF_EXISTS_OR_ADD',
      'ADD_IF_ABSENT',
      'OVERWRITE_IF_EXISTS_OR_ADD',
      'OVERWRITE_IF_EXISTS',
    ]),
    keep_empty_value: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.core.v3.HeaderValueOption',
    check({ append, appendAction }, report) {
      // The first action is what a message without one has: it cannot be told from none.
      if (append === undefined || (appendAction ?? 'APPEND_IF_EXISTS_OR_ADD') === 'APPEND_IF_EXISTS_OR_ADD') return;
      report({ path: ['append'], at: 'key', message: "Both append and append_action are set and it's not allowed" });
    },
  },
);

/** Envoy `common.mutation_rules.v3.HeaderMutation`: an element of a list that is carried out in order. */
export const headerMutation = message(
  {
    remove: headerName(),
    append: headerValueOption,
    remove_on_match: message(
      { key_matcher: required(stringMatcher) },
      { name: 'envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch' },
    ),
  },
  {
    name: 'envoy.config.common.mutation_rules.v3.HeaderMutation',
    oneofs: [{ fields: ['remove', 'append', 'remove_on_match'], required: true }],
    check({ remove }, report) {
      const refusal = remove === undefined ? undefined : refusalOf(remove, 'removed');
      if (refusal !== undefined) report({ path: ['remove'], message: refusal });
    },
  },
);

/** Envoy's bound of the additions of one level. */
const MAX_ADDITIONS = 1000;

/** The four header fields that route configurations, virtual hosts and routes have alike. */
export const headerMutationFields = {
  request_headers_to_add: list(headerValueOption, { max: MAX_ADDITIONS }),
  request_headers_to_remove: list(headerName()),
  response_headers_to_add: list(headerValueOption, { max: MAX_ADDITIONS }),
  response_headers_to_remove: list(headerName()),
};

/** What may not be added may not be removed either. */
export function checkRemovals(
  output: DeepPartial<{
    readonly requestHeadersToRemove: readonly string[];
    readonly responseHeadersToRemove: readonly string[];
  }>,
  report: Report,
): void {
  const lists = {
    request_headers_to_remove: output.requestHeadersToRemove,
    response_headers_to_remove: output.responseHeadersToRemove,
  };
  for (const [field, names] of Object.entries(lists)) {
    for (const [index, name] of (names ?? []).entries()) {
      const message = name === undefined ? undefined : refusalOf(name, 'removed');
      if (message !== undefined) report({ path: [field, index], message });
    }
  }
}

/** Fields that the codec writes itself, whatever else a head says. */
const CODEC_FIELDS = new Set(['connection', 'content-length', 'keep-alive', 'proxy-connection', 'transfer-encoding']);

function refusalOf(name: string, verb: 'modified' | 'removed'): string | undefined {
  const lower = name.toLowerCase();
  if (lower.startsWith(':') || lower === 'host') return `:-prefixed or host headers may not be ${verb}`;
  if (!CODEC_FIELDS.has(lower)) return undefined;
  return `${lower} may not be ${verb}: it says where a message ends or whether the connection stays, and is always written by the codec`;
}
