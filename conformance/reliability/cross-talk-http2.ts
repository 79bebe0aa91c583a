/** Many streams on many connections, to every kind of upstream, with cancels and resets at random; every byte is checked. */
import { fault, NonceUpstream, nonceClient, type Plan, type Way } from './nonce.ts';
import { activeGauges, eventually, openFiles, residentBytes, SPEECHES, startWeb } from './web.ts';

/** What came of a run. */
export interface CrossTalkReport {
  readonly faults: readonly string[];
  readonly mixedUp: number;
  readonly exchanges: number;
  /** Answers that were whole. */
  readonly whole: number;
  /** Exchanges that nobody meant to fail and that failed. */
  readonly unmeant: readonly string[];
  readonly left: Readonly<Record<string, number>>;
  readonly openFiles: { readonly before: number; readonly after: number };
  /** Resident memory each second. */
  readonly resident: readonly number[];
}

const NAMES = Object.keys(SPEECHES);
const SIZES = [0, 1, 700, 5000, 40_000, 150_000];
const WAYS: readonly Way[] = ['empty', 'length', 'chunked', 'trailers', 'slow', 'early'];

/** Runs for `durationMs` with `connections` × `streams` at a time. */
export async function runCrossTalk(
  durationMs: number,
  connections: number,
  streams: number,
  random: () => number,
): Promise<CrossTalkReport> {
  const upstreams: Record<string, NonceUpstream> = {};
  for (const name of NAMES) upstreams[name] = await NonceUpstream.start(SPEECHES[name] as (typeof SPEECHES)[string]);
  const web = await startWeb({
    clusters: Object.fromEntries(
      NAMES.map((name) => {
        const speech = SPEECHES[name] as (typeof SPEECHES)[string];
        return [name, { speech, ports: [upstreams[name]?.port ?? 0] }];
      }),
    ),
  });
  const { pid } = web.mesh;
  const before = openFiles(pid);
  const [faults, unmeant, resident]: [string[], string[], number[]] = [[], [], []];
  let [serial, whole] = [0, 0];
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const planOf = (): Plan => {
    const nonce = `n${(serial++).toString(36)}-${Math.floor(random() * 1e9).toString(36)}.`;
    const way = random() < 0.95 ? pick(WAYS) : 'reset';
    const size = way === 'empty' ? 0 : pick(SIZES);
    const upload = random() < 0.7 ? 0 : pick(SIZES);
    const leave = random() < 0.08 ? { leaveAfter: pick([-1, 0, 1, 20_000]) } : {};
    return { cluster: pick(NAMES), nonce, way, size: way === 'reset' ? size + 2 : size, upload, ...leave };
  };
  const sampling = setInterval(() => resident.push(residentBytes(pid)), 1000);
  const endMs = performance.now() + durationMs;
  const connection = async (at: number) => {
    const [plain, tls] = [web.plain, web.tls];
    const client = nonceClient({ version: 'h2', tls: at % 2 === 1 }, at % 2 === 1 ? tls : plain);
    const stream = async () => {
      while (performance.now() < endMs) {
        const plan = planOf();
        const seen = await client.ask(plan);
        const wrong = fault(plan, seen);
        if (wrong !== undefined) faults.push(`${wrong}: ${JSON.stringify(plan)}`);
        // A server of HTTP/1 that answers early may close before it has read the rest.
        const early = plan.way === 'early' && plan.upload > 0 && plan.cluster.startsWith('h1');
        const meant = early || plan.way === 'reset' || plan.leaveAfter !== undefined;
        if (seen.status === 200 && seen.whole) whole++;
        else if (!meant)
          unmeant.push(
            `${seen.status} ${seen.body.subarray(0, seen.status === 200 ? 0 : 200)} ${JSON.stringify(plan)}`,
          );
      }
    };
    await Promise.all(Array.from({ length: streams }, stream));
    client.close();
  };
  await Promise.all(Array.from({ length: connections }, (_, at) => connection(at)));
  clearInterval(sampling);
  await eventually(async () => {
    for (const upstream of Object.values(upstreams)) upstream.dropConnections();
    return Object.keys(await activeGauges(web.mesh)).length === 0;
  }, 5000);
  const left = await activeGauges(web.mesh);
  const after = openFiles(pid);
  await web.mesh.stop();
  for (const upstream of Object.values(upstreams)) await upstream.close();
  const mixedUp = Object.values(upstreams).reduce((sum, each) => sum + each.mixedUp, 0);
  return { faults, mixedUp, exchanges: serial, whole, unmeant, left, openFiles: { before, after }, resident };
}
