/** Mirror policies, compiled. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { MirrorPolicy } from '../api/route.ts';
import type { RuntimeFraction } from '../api/runtime.ts';
import type { MirrorSettings } from './action-settings.ts';
import { HeaderMutationList } from './header-mutation-list.ts';
import type { RuntimeFractionSettings } from './settings.ts';
import { wireText } from './text.ts';

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** A share of requests, as the runtime takes it. */
function compileFraction({ defaultValue, runtimeKey = '' }: RuntimeFractionSettings): RuntimeFraction {
  return { numerator: defaultValue.numerator, denominator: DENOMINATORS[defaultValue.denominator], runtimeKey };
}

/** A compiled mirror policy. */
export class Mirror implements MirrorPolicy {
  readonly cluster: string;
  readonly clusterHeader: string | undefined;
  readonly fraction: RuntimeFraction | undefined;
  readonly keepHost: boolean;
  readonly hostRewrite: string;
  private readonly mutations: HeaderMutationList;

  /** @throws TypeError for a mutation that makes no legal field. */
  constructor(settings: MirrorSettings) {
    this.cluster = settings.cluster;
    this.clusterHeader = settings.clusterHeader === '' ? undefined : settings.clusterHeader.toLowerCase();
    this.fraction = settings.runtimeFraction && compileFraction(settings.runtimeFraction);
    this.keepHost = settings.disableShadowHostSuffixAppend;
    this.hostRewrite = wireText(settings.hostRewriteLiteral);
    this.mutations = new HeaderMutationList(settings.requestHeadersMutations);
  }

  mutate(headers: RequestHeaders, stream: HttpStream): void {
    this.mutations.apply(headers, stream);
  }
}
