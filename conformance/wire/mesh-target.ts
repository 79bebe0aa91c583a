/** This proxy, started in this process through its public API. */
import { createProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { type Bootstrap, bootstrap } from './bootstrap.ts';
import type { Pending } from './cases.ts';
import type { Target } from './target.ts';

export async function startInProcess(config: Bootstrap): Promise<Target> {
  const proxy = await createProxy({ config, extensions: standard });
  await proxy.start();
  return {
    name: 'mesh',
    port: (listener) => proxy.address(listener).port,
    close: async () => {
      await proxy.close();
    },
  };
}

/** The message with which the setting of a pending case is refused; throws when it is accepted. */
export async function refusalOf(pending: Pending): Promise<string> {
  const lane = { name: 'pending', upstreamPort: 1, shortTimers: false, config: { [pending.setting]: pending.value } };
  try {
    const proxy = await createProxy({ config: bootstrap([lane]), extensions: standard });
    await proxy.close();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error(`${pending.setting} is accepted now: take the case off the list`);
}
