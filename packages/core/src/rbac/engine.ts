/** Envoy's RBAC engine: policies compiled once, asked per connection or request. */
import { allOf, anyOf, compilePermission, compilePrincipal, type RbacRule } from './rules.ts';
import type { RbacSettings } from './settings.ts';
import type { RbacSubject } from './subject.ts';

/** What the policies say of one subject. */
export interface RbacVerdict {
  readonly allowed: boolean;
  /** The first policy, by name, that fits; `undefined` when none does. */
  readonly policy: string | undefined;
}

export class RbacEngine {
  readonly action: RbacSettings['action'];
  private readonly policies: readonly { readonly fits: RbacRule; readonly verdict: RbacVerdict }[];
  private readonly otherwise: RbacVerdict;

  /** @throws SyntaxError for a bad regular expression. */
  constructor({ action, policies }: RbacSettings) {
    this.action = action;
    this.otherwise = { allowed: action !== 'ALLOW', policy: undefined };
    const names = Object.keys(policies).sort();
    this.policies = names.map((name) => {
      const { permissions, principals } = policies[name] as RbacSettings['policies'][string];
      const may = anyOf(permissions.map(compilePermission));
      const who = anyOf(principals.map(compilePrincipal));
      return { fits: allOf([may, who]), verdict: { allowed: action !== 'DENY', policy: name } };
    });
  }

  /** `LOG` allows everything; its verdict's policy says whether the subject is to be logged. */
  judge(subject: RbacSubject): RbacVerdict {
    for (const { fits, verdict } of this.policies) if (fits(subject)) return verdict;
    return this.otherwise;
  }
}

/** Envoy's response code or termination details of a denial. */
export function denialDetails({ policy }: RbacVerdict): string {
  return `rbac_access_denied_matched_policy[${policy ?? 'none'}]`.replace(/\s/g, '_');
}
