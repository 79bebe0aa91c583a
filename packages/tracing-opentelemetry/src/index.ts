/** Hands the spans of Mesh to an application's own OpenTelemetry SDK. */
export { offered } from './offered.ts';
export { openTelemetry } from './open-telemetry.ts';
