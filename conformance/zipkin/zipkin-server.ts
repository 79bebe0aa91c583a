/** A real Zipkin: the `io.zipkin:zipkin-server` exec jar that `ZIPKIN_JAR` names. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net from 'node:net';
import type { ZipkinSpan } from './observe.ts';

const JAVA = process.env.JAVA_BIN ?? 'java';

/** The jar; `undefined` when none is given, or it is not there. */
export function zipkinJar(): string | undefined {
  const jar = process.env.ZIPKIN_JAR;
  return jar !== undefined && existsSync(jar) ? jar : undefined;
}

/** A running one. */
export interface ZipkinServer {
  readonly port: number;
  /** A trace as it was stored, when it has so many spans. */
  trace(id: string, spans: number): Promise<readonly ZipkinSpan[]>;
  close(): Promise<void>;
}

/** Starts one with its storage in memory. */
export async function startZipkin(jar: string): Promise<ZipkinServer> {
  const port = await freePort();
  const env = { ...process.env, QUERY_PORT: `${port}`, STORAGE_TYPE: 'mem' };
  const child = spawn(JAVA, ['-Xmx256m', '-jar', jar, '--logging.level.root=ERROR'], { env, stdio: 'ignore' });
  const origin = `http://127.0.0.1:${port}`;
  const close = async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  try {
    await healthy(child, origin);
  } catch (error) {
    await close();
    throw error;
  }
  return { port, close, trace: (id, spans) => stored(origin, id, spans) };
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function healthy(child: ChildProcess, origin: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (child.exitCode !== null) throw new Error('zipkin has exited');
    const answer = await fetch(`${origin}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('zipkin does not start');
}

async function stored(origin: string, id: string, wanted: number): Promise<readonly ZipkinSpan[]> {
  let spans: readonly ZipkinSpan[] = [];
  for (let attempt = 0; attempt < 100 && spans.length < wanted; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    const answer = await fetch(`${origin}/api/v2/trace/${id}`);
    if (answer.ok) spans = (await answer.json()) as readonly ZipkinSpan[];
    else await answer.arrayBuffer();
  }
  return spans;
}
