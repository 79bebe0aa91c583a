/** Redirects of an upstream that the proxy follows itself. */
import { headerName } from '../common.ts';
import { type DeepPartial, message, withDefault } from '../message.ts';
import { bool, list, nonEmpty, uint32 } from '../proto-json.ts';
import { typedExtension } from '../typed-extension.ts';

const predicate = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  {
    name: 'envoy.internal_redirect_predicates.previous_routes',
    schema: message({}, { name: 'envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig' }),
  },
  {
    name: 'envoy.internal_redirect_predicates.allow_listed_routes',
    schema: message(
      { allowed_route_names: list(nonEmpty()) },
      { name: 'envoy.extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig' },
    ),
  },
  {
    name: 'envoy.internal_redirect_predicates.safe_cross_scheme',
    schema: message({}, { name: 'envoy.extensions.internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig' }),
  },
]);

/** Envoy `InternalRedirectPolicy`. Codes that are no redirects are left out, as in Envoy. */
export const internalRedirectPolicy = message(
  {
    max_internal_redirects: withDefault(uint32(), 1),
    redirect_response_codes: list(uint32()),
    predicates: list(predicate),
    allow_cross_scheme_redirect: withDefault(bool(), false),
    response_headers_to_copy: list(headerName()),
  },
  {
    name: 'envoy.config.route.v3.InternalRedirectPolicy',
    check({ redirectResponseCodes, responseHeadersToCopy }, report) {
      const { length } = redirectResponseCodes ?? [];
      if (length > 5) report({ path: ['redirect_response_codes'], message: `at most 5 items, got ${length}` });
      checkHeadersToCopy(responseHeadersToCopy, report);
    },
  },
);

function checkHeadersToCopy(
  names: DeepPartial<readonly string[]> | undefined,
  report: (issue: { readonly path: (string | number)[]; readonly message: string }) => void,
): void {
  const seen = new Set<string>();
  for (const [index, name] of (names ?? []).entries()) {
    if (name === undefined) continue;
    const path = ['response_headers_to_copy', index];
    if (name.startsWith(':') || name.toLowerCase() === 'host') {
      report({ path, message: ':-prefixed headers or Hosts may not be specified here.' });
    }
    if (seen.has(name)) report({ path, message: `repeated value must contain unique items: ${name}` });
    seen.add(name);
  }
}
