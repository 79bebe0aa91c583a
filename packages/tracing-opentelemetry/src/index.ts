/** Hands the spans of Mesh to an application's own OpenTelemetry SDK. */
export {};
