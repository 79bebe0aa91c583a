/**
 * A process that attacks on and off: an `Order` begins an attack again and again, `stop` ends it after the current one,
 * which is answered with how many there were. Its first message says that it is there.
 */
import { AttackClient } from './attack-client.ts';
import { attackNamed } from './attacks.ts';

/** What to do. */
export interface Order {
  readonly port: number;
  readonly name: string;
  /** From the begin of one to that of the next, at least. */
  readonly everyMs: number;
}

let ongoing = false;
/** Frames are made once: it is not the attacker that is to be slow. */
const made = new Map<string, Buffer[]>();

async function attack({ port, name, everyMs }: Order): Promise<void> {
  const { options, frames } = attackNamed(name);
  const chunks = made.get(name) ?? [...frames()];
  made.clear();
  made.set(name, chunks);
  let count = 0;
  ongoing = true;
  while (ongoing) {
    const pause = new Promise((resolve) => setTimeout(resolve, everyMs));
    const client = await AttackClient.connect(port, options);
    await client.flood(chunks);
    await client.settle();
    client.close();
    count++;
    await pause;
  }
  process.send?.(count);
}

process.on('message', (order: Order | 'stop') => {
  if (order === 'stop') ongoing = false;
  else void attack(order);
});

process.send?.(0);
