/** Rewrites of paths and hosts by templates and formats. */
import { compileFormat } from '../../format/format.ts';
import { pathTemplateProblem } from '../../routing/path-template-rewrite.ts';
import { message, required } from '../message.ts';
import { string } from '../proto-json.ts';
import type { Report } from '../schema-type.ts';
import { typedExtension } from '../typed-extension.ts';

const uriTemplateRewrite = message(
  { path_template_rewrite: required(string({ pattern: /^.{1,256}$/s, expected: '1 to 256 characters' })) },
  {
    name: 'envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig',
    check({ pathTemplateRewrite }, report) {
      const problem = pathTemplateRewrite === undefined ? undefined : pathTemplateProblem(pathTemplateRewrite);
      if (problem !== undefined) report({ path: ['path_template_rewrite'], message: problem });
    },
  },
);

/** Envoy `RouteAction.path_rewrite_policy`: a `TypedExtensionConfig` with a URI template. */
export const pathRewritePolicy = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: 'envoy.path.rewrite.uri_template.uri_template_rewriter', schema: uriTemplateRewrite as never },
]);

/** Reports what is wrong with the format in a field. */
export function checkFormat(field: string, text: string | undefined, report: Report): void {
  if (text === undefined) return;
  try {
    compileFormat(text);
  } catch (error) {
    report({ path: [field], message: (error as Error).message });
  }
}
