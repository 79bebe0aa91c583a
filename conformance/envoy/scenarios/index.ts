/** All scenarios, by topic; a topic has a file here and a recording of the same name. */
import type { Scenario } from '../scenario.ts';
import { answering } from './answering.ts';
import { clusters } from './clusters.ts';
import { conditions } from './conditions.ts';
import { forwarding } from './forwarding.ts';
import { hashes } from './hashing.ts';
import { headerMutation } from './header-mutation.ts';
import { localReplies } from './local-replies.ts';
import { manager } from './manager.ts';
import { matching } from './matching.ts';
import { options } from './options.ts';
import { replyDetails } from './reply-details.ts';
import { retries } from './retries.ts';
import { rewriting } from './rewriting.ts';
import { statistics } from './statistics.ts';
import { targets } from './targets.ts';
import { timeouts } from './timeouts.ts';
import { upgrades } from './upgrades.ts';

/** Scenarios by topic. */
export const topics: Readonly<Record<string, readonly Scenario[]>> = {
  matching,
  conditions,
  rewriting,
  answering,
  'header-mutation': headerMutation,
  clusters,
  hashing: hashes,
  retries,
  timeouts,
  forwarding,
  targets,
  manager,
  options,
  upgrades,
  statistics,
  'local-replies': localReplies,
  'reply-details': replyDetails,
};

/** All of them. */
export const scenarios: readonly Scenario[] = Object.values(topics).flat();
