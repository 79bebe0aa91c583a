/** The taps of a proxy: sources by their id, and the one client that may be attached. */
import type { TapsControl } from '../admin/index.ts';
import type { TimerHandle, Timers } from '../api/clock.ts';
import type { TapSource } from '../api/tap.ts';
import { parseZod } from '../config/extension-config.ts';
import { formatIssues } from '../config/issues.ts';
import { loadConfigText } from '../config/load.ts';
import { type TapSettings, tapRequest } from '../config/tap.ts';
import { TapSession } from './tap-session.ts';

interface TapRequest {
  readonly configId: string;
  readonly tapConfig: TapSettings;
}

interface Attached extends TapRequest {
  readonly session: TapSession;
}

export class TapRegistry implements TapsControl {
  private readonly sources = new Map<string, Set<TapSource>>();
  private readonly timers: Timers;
  private attached: Attached | undefined = undefined;

  constructor(timers: Timers) {
    this.timers = timers;
  }

  get offered(): boolean {
    return this.sources.size > 0;
  }

  /** Takes `source` in; the answer takes it out again. */
  register(configId: string, source: TapSource): () => void {
    const sources = this.sources.get(configId) ?? new Set();
    this.sources.set(configId, sources.add(source));
    // A listener that was updated goes on being tapped.
    if (this.attached?.configId === configId) source.attach(this.attached.tapConfig, this.attached.session);
    return () => {
      sources.delete(source);
      if (sources.size === 0 && this.sources.get(configId) === sources) this.sources.delete(configId);
    };
  }

  attach(body: string): { readonly problem: string } | { readonly traces: AsyncIterable<string> } {
    if (this.attached !== undefined) return { problem: 'An attached /tap admin stream already exists. Detach it.' };
    if (body === '') return { problem: '/tap requires a JSON/YAML body' };
    const request = parseRequest(body);
    if (typeof request === 'string') return { problem: request };
    const sources = this.sources.get(request.configId);
    if (sources === undefined) {
      return {
        problem: `Unknown config id '${request.configId}'. No extension has registered with this id.`,
      };
    }
    return this.begin(request, sources);
  }

  /** Ends the attached client's answer. */
  close(): void {
    this.attached?.session.end();
  }

  private begin(request: TapRequest, sources: ReadonlySet<TapSource>): ReturnType<TapRegistry['attach']> {
    const { bufferedAdmin } = request.tapConfig.outputConfig.sinks[0] ?? {};
    let timer: TimerHandle | undefined;
    const session = new TapSession(bufferedAdmin?.maxTraces ?? 0, () => {
      timer?.cancel();
      this.detach(session);
    });
    this.attached = { ...request, session };
    try {
      for (const source of sources) source.attach(request.tapConfig, session);
    } catch (error) {
      session.end();
      return { problem: (error as Error).message };
    }
    const timeoutMs = bufferedAdmin?.timeoutMs ?? 0;
    if (timeoutMs > 0) timer = this.timers.after(timeoutMs, () => session.end());
    return { traces: session };
  }

  private detach(session: TapSession): void {
    if (this.attached?.session !== session) return;
    const { configId } = this.attached;
    this.attached = undefined;
    for (const source of this.sources.get(configId) ?? []) source.detach();
  }
}

/** The request, or what is wrong with it. */
function parseRequest(body: string): TapRequest | string {
  const loaded = loadConfigText(body, '/tap');
  if (loaded.data === undefined || loaded.issues.length > 0) return formatIssues(loaded.issues);
  const { value, issues } = parseZod(tapRequest, loaded.data);
  if (issues.length === 0) return value as TapRequest;
  return formatIssues(issues.map((issue) => loaded.sources.toIssue(loaded.data, issue)));
}
