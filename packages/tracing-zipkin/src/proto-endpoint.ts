/** `zipkin.proto3.Endpoint`: written once per tracer. */
import { isIPv6 } from 'node:net';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Endpoint } from './encoding.ts';

const delimited = WireType.LengthDelimited;

/** Its bytes. */
export function endpointBytes({ ip, serviceName }: Endpoint): Uint8Array {
  const writer = new BinaryWriter();
  if (serviceName !== '') writer.tag(1, delimited).string(serviceName);
  if (isIPv6(ip)) writer.tag(3, delimited).bytes(ipv6Bytes(ip));
  else writer.tag(2, delimited).bytes(Uint8Array.from(ip.split('.'), Number));
  return writer.finish();
}

/** 16 bytes of an address without an embedded IPv4 part. */
function ipv6Bytes(ip: string): Uint8Array {
  const [head = '', tail] = (ip.split('%')[0] as string).split('::');
  const words = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)));
  const before = words(head);
  const after = words(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return Uint8Array.from([...before, ...zeros, ...after].flatMap((word) => [word >> 8, word & 255]));
}
