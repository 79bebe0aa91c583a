/** Asks a target everything, behind some traffic. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Yaml } from '../scenario.ts';
import { type AdminAnswer, ask } from './ask.ts';
import { adminConfig, FIXTURES } from './config.ts';
import { questions } from './questions.ts';

/** A proxy with an admin server. */
export interface AdminTarget {
  readonly version: string;
  readonly adminPort: number;
  port(listener: string): number;
  close(): Promise<void>;
}

/** Starts one. */
export type StartAdminTarget = (config: Yaml, listeners: number) => Promise<AdminTarget>;

/** Every answer, by the name of its question. */
export interface AdminAnswers {
  readonly version: string;
  readonly of: ReadonlyMap<string, AdminAnswer>;
}

/** Starts a host and the target, lets three requests through, asks everything, and ends all of it. */
export async function runAdmin(start: StartAdminTarget): Promise<AdminAnswers> {
  const host = createServer((_request, response) => response.end('a'));
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  const upstream = (host.address() as AddressInfo).port;
  const target = await start(adminConfig(upstream, readFileSync(`${FIXTURES}server.key`, 'utf8')), 2);
  try {
    for (let n = 0; n < 3; n++) await (await fetch(`http://127.0.0.1:${target.port('main')}/a`)).text();
    const masks = [
      [FIXTURES, '<fixtures>/'],
      [`:${upstream}`, ':<upstream>'],
      [`"port_value": ${upstream}`, '"port_value": "<upstream>"'],
      ...['main', 'tls'].flatMap((name) => [
        [`:${target.port(name)}`, `:<${name}>`] as const,
        [`"port_value": ${target.port(name)}`, `"port_value": "<${name}>"`] as const,
      ]),
    ] as const;
    const of = new Map<string, AdminAnswer>();
    for (const question of questions) of.set(question.name, await ask(question, target.adminPort, masks));
    return { version: target.version, of };
  } finally {
    await target.close();
    host.close();
    host.closeAllConnections();
  }
}
