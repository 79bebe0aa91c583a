/** The configuration of URI templates in route matches. */
import { UriTemplate } from '../routing/uri-template.ts';
import { message, required } from './message.ts';
import { string } from './proto-json.ts';
import { typedExtension } from './typed-extension.ts';

const uriTemplateMatch = message(
  { path_template: required(string({ pattern: /^.{1,256}$/s, expected: '1 to 256 characters' })) },
  {
    name: 'envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
    check({ pathTemplate }, report) {
      const problem = pathTemplate === undefined ? undefined : templateProblem(pathTemplate);
      if (problem === undefined) return;
      const message = `path_match_policy.path_template ${pathTemplate} is invalid: ${problem}`;
      report({ path: ['path_template'], message });
    },
  },
);

/** Envoy `RouteMatch.path_match_policy`: a `TypedExtensionConfig` with a URI template. */
export const pathMatchPolicy = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: 'envoy.path.match.uri_template.uri_template_matcher', schema: uriTemplateMatch as never },
]);

function templateProblem(template: string): string | undefined {
  try {
    new UriTemplate(template);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
