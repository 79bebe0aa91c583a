/** Puts lines together into datagrams of a size, as Envoy's UDP statsd sink does. */
export class Packer {
  private readonly maxBytes: number;
  private readonly send: (datagram: string) => void;
  private held = '';
  private heldBytes = 0;

  /** With `maxBytes` 0 each line is a datagram of its own. */
  constructor(maxBytes: number, send: (datagram: string) => void) {
    this.maxBytes = maxBytes;
    this.send = send;
  }

  /** A line that is too long for a datagram with others goes by itself. */
  add(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (bytes >= this.maxBytes) {
      this.send(line);
      return;
    }
    if (this.heldBytes + bytes + 1 > this.maxBytes) this.flush();
    this.held = this.heldBytes === 0 ? line : `${this.held}\n${line}`;
    this.heldBytes = this.heldBytes === 0 ? bytes : this.heldBytes + 1 + bytes;
  }

  /** Sends what is held. */
  flush(): void {
    if (this.heldBytes === 0) return;
    this.send(this.held);
    this.held = '';
    this.heldBytes = 0;
  }
}
