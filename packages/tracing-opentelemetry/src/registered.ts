/** Whether the application has an SDK. */
import { ProxyTracerProvider, trace } from '@opentelemetry/api';

/** What the API answers with until an SDK is registered. */
const NOTHING = new ProxyTracerProvider().getDelegate();

/** Asked for each request, because an application may start its SDK after the proxy; it costs a few nanoseconds. */
export function sdkRegistered(): boolean {
  const provider = trace.getTracerProvider() as Partial<ProxyTracerProvider>;
  return provider.getDelegate?.() !== NOTHING;
}
