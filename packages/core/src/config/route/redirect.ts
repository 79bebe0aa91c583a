/** Answers that send the client elsewhere. */
import { hostText, pathText } from '../common.ts';
import { message, withDefault } from '../message.ts';
import { bool, enumOf, string, uint32 } from '../proto-json.ts';
import { checkFormat } from './path-rewrite.ts';
import { regexMatchAndSubstitute } from './regex-rewrite.ts';

/** Envoy `RedirectAction`. */
export const redirectAction = message(
  {
    https_redirect: bool(),
    scheme_redirect: string({ pattern: /^([A-Za-z][A-Za-z0-9+.-]*)?$/, expected: 'a URI scheme' }),
    host_redirect: hostText(),
    port_redirect: uint32({ max: 65535 }),
    path_redirect: pathText(),
    prefix_rewrite: pathText(),
    regex_rewrite: regexMatchAndSubstitute,
    path_rewrite: string(),
    response_code: withDefault(
      enumOf(['MOVED_PERMANENTLY', 'FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT']),
      'MOVED_PERMANENTLY',
    ),
    strip_query: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.route.v3.RedirectAction',
    oneofs: [
      { fields: ['https_redirect', 'scheme_redirect'] },
      { fields: ['path_redirect', 'prefix_rewrite', 'regex_rewrite', 'path_rewrite'] },
    ],
    check: ({ pathRewrite }, report) => checkFormat('path_rewrite', pathRewrite, report),
  },
);
