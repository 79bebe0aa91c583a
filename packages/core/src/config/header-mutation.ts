/** Headers that route configuration adds and removes. */
import { headerName } from './common.ts';
import { type DeepPartial, message, notSupported, required, withDefault } from './message.ts';
import { bool, enumOf, list, nonEmpty, string } from './proto-json.ts';
import type { Report } from './schema-type.ts';

const headerValue = message(
  {
    key: required(nonEmpty()),
    value: withDefault(string({ pattern: /^[^\0-\x08\n-\x1f\x7f]{0,16384}$/, expected: 'a header value' }), ''),
  },
  {
    name: 'envoy.config.core.v3.HeaderValue',
    known: { raw_value: 'use value' },
    check({ key, value }, report) {
      if (key !== undefined && !/^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(key)) {
        report({ path: ['key'], message: `expected a header name, got ${JSON.stringify(key)}` });
      }
      const refusal = key === undefined ? undefined : refusalOf(key, 'modified');
      if (refusal !== undefined) report({ path: ['key'], message: refusal });
      if (value?.includes('%')) {
        report({ path: ['value'], message: `the % in ${JSON.stringify(value)} is ${notSupported(formatReason)}` });
      }
    },
  },
);

const formatReason = 'values with %COMMAND% substitutions are not built yet';

/** Envoy `HeaderValueOption`; values are literal. See `appendActionOf` for the two ways to say what to do. */
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
      if (append === undefined || appendAction === undefined) return;
      report({ path: ['append'], at: 'key', message: "Both append and append_action are set and it's not allowed" });
    },
  },
);

/** What to do with an existing header: `append_action`, else the deprecated `append`, else append. */
export function appendActionOf(option: {
  readonly append?: boolean;
  readonly appendAction?:
    | 'APPEND_IF_EXISTS_OR_ADD'
    | 'ADD_IF_ABSENT'
    | 'OVERWRITE_IF_EXISTS_OR_ADD'
    | 'OVERWRITE_IF_EXISTS';
}) {
  if (option.appendAction !== undefined) return option.appendAction;
  return option.append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : 'APPEND_IF_EXISTS_OR_ADD';
}

/** The four header fields that route configurations, virtual hosts and routes have alike. */
export const headerMutationFields = {
  request_headers_to_add: list(headerValueOption),
  request_headers_to_remove: list(headerName()),
  response_headers_to_add: list(headerValueOption),
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
