/** A filter's switch that a runtime key may turn. */
import type { Runtime } from '@mesh/core';

/** Envoy `RuntimeFeatureFlag`, parsed. */
export interface RuntimeFlag {
  readonly defaultValue?: boolean | undefined;
  readonly runtimeKey: string;
}

/** Asks the switch; on when there is none. */
export function switchOf(runtime: Runtime, flag: RuntimeFlag | undefined): () => boolean {
  if (flag === undefined) return () => true;
  const { defaultValue = true, runtimeKey } = flag;
  return () => runtime.boolean(runtimeKey, defaultValue);
}
