/** Request heads as the application's propagator reads and writes them. */
import type { RequestHeaders } from '@mesh/core';
import type { TextMapGetter, TextMapSetter } from '@opentelemetry/api';

/** Repeated fields come as a list, in order. */
export const getter: TextMapGetter<RequestHeaders> = {
  keys: (headers) => [...new Set(Array.from(headers.entries(), ([name]) => name))],
  get(headers, name) {
    const values = headers.getAll(name);
    return values.length > 1 ? values : values[0];
  },
};

/** A value that is no legal field is left out: a propagator must not be able to break a request. */
export const setter: TextMapSetter<RequestHeaders> = {
  set(headers, name, value) {
    try {
      headers.set(name, value);
    } catch {
      // Baggage, for one, is made of what others have sent.
    }
  },
};
