/** `proxy.listeners`: listeners that come, change and go while the proxy runs. */
import type { ListenerConfig } from '../config/listener.ts';
import { checkListeners, type JsonResource, resourceProblem } from '../config/resources.ts';
import type { Registry } from '../registry.ts';
import type { ListenerManager } from './listener-manager.ts';
import {
  isSameConfig,
  type ResourceState,
  refuseStatic,
  resourceState,
  type UpdateGate,
  type UpdateOptions,
  type UpdateResult,
  updateSource,
} from './update-options.ts';

/** What the updates work with. */
export interface ListenerUpdateParts {
  readonly registry: Registry;
  readonly manager: ListenerManager;
  /** Names of the clusters that there are. */
  readonly clusters: () => readonly string[];
  readonly gate: UpdateGate;
}

/**
 * The listeners of a running proxy. A changed listener takes over the sockets of the one before it: there is no moment in
 * which nobody listens. Connections of the old one drain: responses carry `connection: close`, HTTP/2 clients get GOAWAY,
 * and what is left at the end of the drain time is cut. Where only filter chains differ, connections of the chains that
 * stay the same go on untouched.
 */
export class ListenerUpdates {
  private readonly registry: Registry;
  private readonly manager: ListenerManager;
  private readonly clusters: () => readonly string[];
  private readonly gate: UpdateGate;
  /** One after the other: each binds what the one before it has let go. */
  private last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor({ registry, manager, clusters, gate }: ListenerUpdateParts) {
    this.registry = registry;
    this.manager = manager;
    this.clusters = clusters;
    this.gate = gate;
  }

  /**
   * Adds a listener, or replaces the one of its name. Resolves once it accepts connections.
   * @throws ConfigError with every problem; MeshError `LISTEN_FAILED`, `STATIC_RESOURCE`, `NOT_STARTED`, `CLOSED`, or
   * `CONFIG_INVALID` when it cannot be built, or another listener has its address. Then everything is as it was.
   *
   * @example await proxy.listeners.set(listener({ name: 'web', port: 8080, http: http({ … }) }));
   */
  set(config: ListenerConfig | JsonResource, options: UpdateOptions = {}): Promise<UpdateResult> {
    return this.inTurn(() => this.setNow(config, options));
  }

  private async setNow(given: ListenerConfig | JsonResource, options: UpdateOptions): Promise<UpdateResult> {
    this.gate();
    const context = { extensions: this.registry, clusters: this.clusters() };
    const [checked] = checkListeners([given], context);
    if (checked === undefined) return 'unchanged';
    const { name } = checked.config;
    if (name === '') throw resourceProblem(['listeners', 0, 'name'], 'a listener that can be replaced needs a name');
    const present = this.manager.find(name)?.source;
    if (isSameConfig(present, checked)) return 'unchanged';
    refuseStatic('listener', name, present, options);
    await this.manager.put(updateSource(checked, options));
    return present === undefined ? 'added' : 'modified';
  }

  /** Takes a listener away: it accepts nothing more, its connections drain. False when there is none of that name. */
  remove(name: string, options: UpdateOptions = {}): Promise<boolean> {
    return this.inTurn(async () => {
      this.gate();
      refuseStatic('listener', name, this.manager.find(name)?.source, options);
      return this.manager.remove(name);
    });
  }

  private inTurn<T>(step: () => Promise<T>): Promise<T> {
    const next = this.last.then(step, step);
    this.last = next.catch(() => {});
    return next;
  }

  /** The listeners there are; `draining` ones are gone but for their last connections. */
  list(): ResourceState[] {
    const { running, warming } = this.manager;
    return [
      ...running.map(({ source }) => resourceState(source.config.name, source, 'active')),
      ...(warming === undefined ? [] : [resourceState(warming.source.config.name, warming.source, 'warming')]),
      ...this.manager.drained().map(({ source }) => resourceState(source.config.name, source, 'draining')),
    ];
  }
}
