/** What the fault catalogue is made of: response flags, and for each the faults that bring it about. */
import type { Extension } from '@mesh/core';
import type { Scenario, Yaml } from '../envoy/scenario.ts';

/** One fault: a configuration and upstreams that go wrong in exactly one way, and a client that meets it. */
export interface Fault {
  /** Unique, in kebab-case; names the listener and the statistics. */
  readonly name: string;
  /** What goes wrong, as a heading. */
  readonly title: string;
  /** How the test brings it about. */
  readonly how: string;
  /** How to read what is seen. */
  readonly so: string;
  /** As in `conformance/envoy`; requests and talks are what the client does. */
  readonly given: Partial<Scenario>;
  /** Extensions of its own. */
  readonly extensions?: readonly Extension[];
  /** Why a real Envoy is not asked. */
  readonly onlyHere?: string;
  /** Where Envoy differs on purpose: `client`, `log`, `trace`, or the short name of a statistic, and the reason. */
  readonly differs?: Readonly<Record<string, string>>;
}

/** Where to look next. */
export interface Look {
  /** A command for a shell; the admin server is taken to be on 127.0.0.1:8001. */
  readonly run: string;
  /** What its output tells. */
  readonly tells: string;
}

/** One response flag. */
export interface FlagEntry {
  /** As in `%RESPONSE_FLAGS%`. */
  readonly flag: string;
  /** As in `%RESPONSE_FLAGS_LONG%`. */
  readonly long: string;
  /** In plain words. */
  readonly means: string;
  /** The likely ones first. */
  readonly causes: readonly string[];
  readonly look: readonly Look[];
  readonly faults: readonly Fault[];
}

/** A flag of Envoy's that nothing here sets. */
export interface AbsentFlag {
  readonly flag: string;
  readonly long: string;
  /** What sets it in Envoy, and why it cannot come up here. */
  readonly reason: string;
}

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http';

/** The router as the last filter of a chain. */
export const ROUTER: Yaml = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': `${TYPES}.router.v3.Router` },
};

/** An HTTP filter by the short name of its type. */
export function httpFilter(type: string, config: Yaml): Yaml {
  return { name: `envoy.filters.http.${type.split('.')[0]}`, typed_config: { '@type': `${TYPES}.${type}`, ...config } };
}

/** Looks that several flags share. */
export const stats = (filter: string, tells: string): Look => ({
  run: `curl -s '127.0.0.1:8001/stats?filter=${filter}'`,
  tells,
});
export const clusters = (tells: string): Look => ({ run: 'curl -s 127.0.0.1:8001/clusters', tells });
export const explain = (tells: string): Look => ({
  run: "mesh explain -c envoy.yaml 'GET http://shop.example/cart'",
  tells,
});
