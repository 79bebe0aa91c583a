/**
 * The test kit: filters of every kind without sockets, live proxies, upstreams that misbehave in exactly known ways, a raw client and
 * virtual time.
 */
export type { BodyInput, HeadersInput } from './bytes.ts';
export { type ConnectionEnd, RawClient, type RawResponse, rawClient } from './client/raw-client.ts';
export { turn, VirtualClock } from './clock.ts';
export { FarEnd } from './connection/fake-socket.ts';
export {
  type ConnectOutcome,
  HostUnderTest,
  ScriptedCluster,
  type ScriptedClusterOptions,
} from './connection/scripted-cluster.ts';
export {
  ListenerFilterTest,
  type ListenerFilterUnderTest,
  type ListenerOutcome,
  PendingUnderTest,
  type TestListenerFilterOptions,
  testListenerFilter,
} from './connection/test-listener-filter.ts';
export {
  ClientUnderTest,
  type ConnectOptions,
  NetworkFilterTest,
  type NetworkFilterUnderTest,
  type TestNetworkFilterOptions,
  testNetworkFilter,
} from './connection/test-network-filter.ts';
export {
  type DnsBehaviour,
  type DnsData,
  type DnsQuestion,
  DnsServer,
  type DnsServerOptions,
  startDnsServer,
} from './dns/dns-server.ts';
export {
  type ConfigUnderTest,
  type ExplainOptions,
  expectRoute,
  explain,
  type ReachOptions,
  type RouteExpectation,
} from './explain/explain.ts';
export type { ClientScript } from './filter/exchange.ts';
export type { YamlFilter } from './filter/filter-config.ts';
export type { ScriptedResponse, UpstreamRequestSeen, UpstreamScript } from './filter/scripted-upstream.ts';
export {
  type FilterRequest,
  type FilterResult,
  FilterTest,
  type FilterUnderTest,
  type LogLine,
  type TestFilterOptions,
  testFilter,
} from './filter/test-filter.ts';
export { type HookName, Transcript, type TranscriptEntry } from './filter/transcript.ts';
export { WireError } from './message-reader.ts';
export { LiveProxy, type Port, type StartProxyOptions, startProxy } from './proxy.ts';
export { until } from './signal.ts';
export type { HostRecord, Recorder } from './simulate/record.ts';
export type { SimulationResult, SimulationSpan } from './simulate/result.ts';
export type {
  HostAddress,
  HostBehaviour,
  Scenario,
  SimulatedRetries,
  SimulationControl,
  SimulationEvent,
} from './simulate/scenario.ts';
export { simulate } from './simulate/simulation.ts';
export { type RecordedSpan, type RecordingTracer, type RecordingTracerOptions, recordingTracer } from './tracer.ts';
export {
  type Answer,
  after,
  answer,
  closeUnanswered,
  flood,
  garbage,
  halfClose,
  neverAnswer,
  resetAfter,
  sequence,
  serializeAnswer,
  slow,
  staleKeepAlive,
  stall,
  truncate,
} from './upstream/behaviours.ts';
export type { UpstreamPeer } from './upstream/peer.ts';
export {
  type Behaviour,
  type ReceivedRequest,
  refusedPort,
  startUpstream,
  Upstream,
  type UpstreamOptions,
} from './upstream/upstream.ts';
