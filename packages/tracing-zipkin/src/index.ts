/** Zipkin tracing for Mesh: B3 and W3C propagation, spans, JSON and protobuf reporters. */
export { zipkin } from './zipkin.ts';
