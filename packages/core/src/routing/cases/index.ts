/** The route table suite: every group of cases. */
import { answers } from './answers.ts';
import type { RouteCases } from './case.ts';
import { conditions } from './conditions.ts';
import { domains } from './domains.ts';
import { mutations } from './mutations.ts';
import { paths } from './paths.ts';
import { forwards } from './rewrites.ts';

export type { Given, Outcome, RouteCases, Row } from './case.ts';
export { outcomeOf, requestOf } from './case.ts';

/** All groups. */
export const routeCases: readonly RouteCases[] = [
  ...domains,
  ...paths,
  ...conditions,
  ...forwards,
  ...answers,
  ...mutations,
];
