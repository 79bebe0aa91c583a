/** What updates of clusters, listeners and route tables have in common. */
import { isDeepStrictEqual } from 'node:util';
import type { CheckedResource } from '../config/resources.ts';
import { MeshError } from '../errors.ts';
import type { ResourceSource } from './resource-source.ts';

/** Options of every update. */
export interface UpdateOptions {
  /** What the source of the config calls this version; shown as `version_info` by `/config_dump`. Default none. */
  readonly version?: string;
  /**
   * Allows what stands in the first config to be replaced or removed. Default false: as in Envoy what is static stays as
   * it is, and the update fails with `STATIC_RESOURCE`.
   */
  readonly replaceStatic?: boolean;
}

/**
 * What an update has come to. `unchanged`: the same config is in force, or on its way, and nothing was done. `superseded`:
 * another update of the same name, or its removal, came before this one was in force.
 */
export type UpdateResult = 'added' | 'modified' | 'unchanged' | 'superseded';

/** A resource as `list` tells of it. */
export interface ResourceState {
  readonly name: string;
  /** `warming`: not used yet; the one before it, if there is one, still is. */
  readonly state: 'active' | 'warming' | 'draining';
  readonly version: string;
  readonly lastUpdated: Date;
  /** It came by an update rather than with the first config. */
  readonly addedViaApi: boolean;
}

/** Throws unless the proxy takes updates now. */
export type UpdateGate = () => void;

/** @throws MeshError `STATIC_RESOURCE` */
export function refuseStatic(
  kind: string,
  name: string,
  present: ResourceSource<unknown> | undefined,
  options: UpdateOptions,
): void {
  if (present === undefined || present.addedViaApi || options.replaceStatic === true) return;
  throw new MeshError('STATIC_RESOURCE', `${kind} '${name}' is part of the static config`);
}

/** The same config once more. */
export function isSameConfig(
  present: ResourceSource<unknown> | undefined,
  { config }: CheckedResource<unknown>,
): boolean {
  return present !== undefined && isDeepStrictEqual(present.config, config);
}

/** A resource that came by an update. */
export function updateSource<Config>(
  { config, raw }: CheckedResource<Config>,
  { version = '' }: UpdateOptions,
): ResourceSource<Config> {
  return { config, raw, version, lastUpdated: new Date(), addedViaApi: true };
}

/** How `list` tells of a resource. */
export function resourceState(
  name: string,
  { version, lastUpdated, addedViaApi }: ResourceSource<unknown>,
  state: ResourceState['state'],
): ResourceState {
  return { name, state, version, lastUpdated, addedViaApi };
}
