/** One route: a match and an action. */
import type { z } from 'zod';
import { PathTemplateRewrite, pathTemplateProblem } from '../../routing/path-template-rewrite.ts';
import { UriTemplate } from '../../routing/uri-template.ts';
import { metadata } from '../common.ts';
import { checkRemovals, headerMutationFields } from '../header-mutation.ts';
import { type DeepPartial, message, required, withDefault } from '../message.ts';
import { string, uint32, uint64 } from '../proto-json.ts';
import { perFilterConfig } from '../route-filter-config.ts';
import { routeMatch } from '../route-match.ts';
import type { Report } from '../schema-type.ts';
import { decorator, routeTracing } from '../tracing.ts';
import { routeAction } from './action.ts';
import { directResponseAction } from './direct-response.ts';
import { redirectAction } from './redirect.ts';

/** The two ways to limit what is kept of a request body; routes and virtual hosts have them alike. */
export const bufferLimitFields = { per_request_buffer_limit_bytes: uint32(), request_body_buffer_limit: uint64() };

/** Envoy `Route`. */
export const routeSchema = message(
  {
    name: withDefault(string(), ''),
    match: required(routeMatch),
    route: routeAction,
    redirect: redirectAction,
    direct_response: directResponseAction,
    non_forwarding_action: message({}, { name: 'envoy.config.route.v3.NonForwardingAction' }),
    metadata,
    decorator,
    tracing: routeTracing,
    typed_per_filter_config: perFilterConfig(),
    stat_prefix: withDefault(string(), ''),
    ...bufferLimitFields,
    ...headerMutationFields,
  },
  {
    name: 'envoy.config.route.v3.Route',
    known: {
      filter_action: 'Envoy does not implement it',
      route_specifiers: 'not built yet',
      per_filter_config: 'use typed_per_filter_config',
    },
    oneofs: [
      { fields: ['route', 'redirect', 'direct_response', 'filter_action', 'non_forwarding_action'], required: true },
    ],
    check(output, report) {
      checkRemovals(output, report);
      checkTemplates(output, report);
    },
  },
);

type Config = DeepPartial<z.output<typeof routeSchema>>;

/** What a rewrite and a match by URI template ask of each other. */
function checkTemplates({ match, route, redirect }: Config, report: Report): void {
  const matched = match?.pathMatchPolicy?.config as { readonly pathTemplate?: string } | undefined;
  if (matched !== undefined && route?.prefixRewrite) {
    report({ path: ['route', 'prefix_rewrite'], message: 'Cannot use prefix_rewrite with matcher extension' });
  }
  if (matched !== undefined && redirect?.prefixRewrite) {
    const message = 'Cannot use redirect.prefix_rewrite with path_match_policy';
    report({ path: ['redirect', 'prefix_rewrite'], message });
  }
  const policy = route?.pathRewritePolicy;
  const { pathTemplateRewrite } = (policy?.config ?? {}) as { readonly pathTemplateRewrite?: string };
  if (policy === undefined || pathTemplateRewrite === undefined || pathTemplateProblem(pathTemplateRewrite)) return;
  const problem = rewriteProblem(policy.name ?? '', pathTemplateRewrite, matched);
  if (problem !== undefined) report({ path: ['route', 'path_rewrite_policy'], at: 'key', message: problem });
}

function rewriteProblem(
  rewriter: string,
  rewrite: string,
  matched: { readonly pathTemplate?: string } | undefined,
): string | undefined {
  if (matched === undefined) {
    return `unable to use ${rewriter} extension without envoy.path.match.uri_template.uri_template_matcher extension`;
  }
  try {
    // A match that is wrong has been told.
    const template = matched.pathTemplate === undefined ? undefined : new UriTemplate(matched.pathTemplate);
    if (template !== undefined) new PathTemplateRewrite(rewrite, template, matched.pathTemplate ?? '');
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    return message.startsWith('mismatch') ? message : undefined;
  }
}
