/** `load_balancing_policy`: a list of extensions, of which the first that is served is used. */
import type { BalancingChoice } from '../api/load-balancer.ts';
import { type ExtensionDefinition, type ExtensionRef, extension } from './extension.ts';
import { fields, type MessageInfo, message } from './message.ts';
import { list } from './proto-json.ts';
import { type ProtoType, protoType } from './schema-type.ts';
import { isMap, type RawMap } from './source-map.ts';

/** A policy with its config as code gives it; what `define.ts` makes of a balancing policy's definition fits. */
export interface ConfiguredPolicy {
  readonly definition: ExtensionDefinition & { readonly kind: 'load-balancer' };
  readonly config: unknown;
}

/** The policy that was found, ready for `context.make`. */
export interface ChosenPolicy extends BalancingChoice {
  readonly definition: ExtensionDefinition;
}

/** A list that has been read but not yet looked up; `resolveExtensions` puts the {@link ChosenPolicy} in its place. */
export class PolicyListRef {
  readonly entries: readonly ExtensionRef[];
  /** The raw list's message; its identity leads to its place in the file. */
  readonly source: RawMap;
  /** Who asks, for the message when none of the policies is served. */
  seeker: string;

  constructor(entries: readonly ExtensionRef[], source: RawMap, seeker: string) {
    this.entries = entries;
    this.source = source;
    this.seeker = seeker;
  }

  /** Envoy's words. */
  get problem(): string {
    return `${this.seeker}[${this.entries.map(({ name }) => name).join(', ')}]`;
  }
}

const entry = extension('load-balancer', {
  name: 'envoy.config.core.v3.TypedExtensionConfig',
  extra: {},
  known: fields('config', 'use typed_config'),
});

const policies = message(
  {
    policies: list(
      message({ typed_extension_config: entry }, { name: 'envoy.config.cluster.v3.LoadBalancingPolicy.Policy' }),
    ),
  },
  { name: 'envoy.config.cluster.v3.LoadBalancingPolicy' },
);

/**
 * Envoy `LoadBalancingPolicy`, for clusters and for policies that are made of others; in code it is what a policy's
 * factory returns, e.g. `maglev()`.
 *
 * @param seeker what the message begins with when none is served; the names follow
 */
export function loadBalancingPolicy(seeker: string): ProtoType<ChosenPolicy, MessageInfo, ConfiguredPolicy> {
  return protoType({
    ...(policies.info as unknown as MessageInfo),
    parse(value, report, child) {
      if (isConfigured(value)) return chosen(value);
      const read = policies.info.parse(value, report, child) as PolicyLists | undefined;
      const entries = (read?.policies ?? []).flatMap((each) => each?.typedExtensionConfig ?? []);
      // What could not be read has been told; without it the others mean something else.
      if (!isMap(value) || entries.length < writtenEntries(value)) return undefined;
      return new PolicyListRef(entries, value, seeker) as unknown as ChosenPolicy;
    },
  });
}

interface PolicyLists {
  readonly policies?: readonly ({ readonly typedExtensionConfig?: ExtensionRef } | undefined)[];
}

function writtenEntries({ policies: written }: RawMap): number {
  const given = (entry: unknown) => isMap(entry) && (entry.typed_extension_config ?? entry.typedExtensionConfig);
  return Array.isArray(written) ? written.filter(given).length : 0;
}

/** What code gives, as the policy of a cluster. */
export function chosen({ definition, config }: ConfiguredPolicy): ChosenPolicy {
  return { name: definition.name, definition, config };
}

/** Definitions can be called; nothing in a file can. */
function isConfigured(value: unknown): value is ConfiguredPolicy {
  return typeof (value as { definition?: unknown } | null | undefined)?.definition === 'function';
}
