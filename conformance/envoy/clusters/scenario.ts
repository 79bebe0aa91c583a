/**
 * What a cluster scenario is: a cluster, hosts that behave as told, and steps whose outcomes are written down. Requests
 * are told apart by their outcome only, not by their order: where round robin begins is chance.
 */
import type { Yaml } from '../scenario.ts';

/** What a host does with requests: a status, an answer with these fields, or no answer. */
export type Conduct = number | 'hang' | 'reset' | 'first-500-then-hang' | Readonly<Record<string, string>>;

/** One step; what it yields is compared. */
export type Step =
  /** Hosts behave so from now on. Default 200. */
  | { readonly hosts: Readonly<Record<string, Conduct>> }
  /**
   * So many times one request after another to every host (or `of` requests), with a pause behind them in which an
   * ejection takes effect. `post` is the type of a body without bytes.
   */
  | { readonly rounds: number; readonly of?: number; readonly path?: string; readonly post?: string }
  /** Starts requests, and waits until as many more hang at hosts. */
  | { readonly hold: number; readonly path?: string }
  /** Starts requests, and waits until as many more wait for a connection. */
  | { readonly queue: number; readonly path?: string }
  /** All that hang are answered 200; waits for every request that was started. */
  | { readonly release: true }
  /** Connects, one after another, and waits for the end of each connection. */
  | { readonly connects: number }
  | { readonly wait: number }
  /** Health flags of the hosts, and statistics. */
  | { readonly look: true }
  /** Waits until hosts have these health flags; tells whether that was too early, counted from the step's begin. */
  | { readonly until: Readonly<Record<string, string>>; readonly notBefore?: number }
  /** So many requests at once. */
  | { readonly burst: number }
  /** Begins an interval: an answer of 200 of every host makes success rates, and they are there when one has ended. */
  | { readonly tick: true }
  /** Waits until `/clusters` has (other) success rates, and tells them. */
  | { readonly rates: true };

/** One scenario; it has a listener and a cluster of its own. */
export interface ClusterScenario {
  /** Unique, in kebab-case. */
  readonly name: string;
  /** Which rule of Envoy it shows. */
  readonly why: string;
  /** Letters of the hosts; `z` refuses connections. Default `a`. */
  readonly hosts?: string;
  /** Fields of the cluster. */
  readonly cluster: Yaml;
  /** Fields of the action of the one route. */
  readonly route?: Yaml;
  /** Forwards connections rather than requests, with these fields of the TCP proxy. */
  readonly tcp?: Yaml;
  /** Keys of the static runtime layer, which all scenarios see; `<cluster>` stands for the cluster's name. */
  readonly runtime?: Yaml;
  readonly steps: readonly Step[];
}

export const look: Step = { look: true };
