/** Rewrites by URI template: `/{version}/videos/{id}`, with the variables that the route's match template captured. */
import { isTemplateLiteral, type UriTemplate } from './uri-template.ts';

const VARIABLE = /\{([a-zA-Z][a-zA-Z0-9_]*)\}/;

/** A compiled rewrite template. */
export class PathTemplateRewrite {
  private readonly match: UriTemplate;
  /** Literal text and indexes of variables, in turn. */
  private readonly parts: readonly (string | number)[];

  /** @throws TypeError in Envoy's words for a template that is not valid, or has other variables than the match. */
  constructor(template: string, match: UriTemplate, matchText: string) {
    this.match = match;
    const names = pieces(template);
    this.parts = names.map((piece, index) => (index % 2 === 0 ? piece : match.variables.indexOf(piece)));
    if (this.parts.includes(-1)) {
      const both = `path_match_policy ${matchText} and path_rewrite_policy ${template}`;
      throw new TypeError(`mismatch between variables in ${both}`);
    }
  }

  /** The new path; `undefined` when the first `end` characters of `target` do not fit the match template. */
  apply(target: string, end: number): string | undefined {
    const values = this.match.capture(target, end);
    if (values === undefined) return undefined;
    let path = '';
    for (const part of this.parts) path += typeof part === 'string' ? part : (values[part] ?? '');
    return path;
  }
}

/** What is wrong with a template as such; `undefined` when nothing is. */
export function pathTemplateProblem(template: string): string | undefined {
  try {
    pieces(template);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Literals at even places, names of variables at odd ones. */
function pieces(template: string): string[] {
  const found = template.split(VARIABLE);
  const valid = found.every((piece, index) => index % 2 === 1 || isTemplateLiteral(piece, true));
  if (!valid || !template.startsWith('/') || template.includes('//')) {
    throw new TypeError(`path_rewrite_policy.path_template_rewrite ${template} is invalid`);
  }
  return found;
}
