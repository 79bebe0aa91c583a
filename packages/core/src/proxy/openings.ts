/** What a proxy holds open from the moment it is built: transports watch their files, discoveries may have timers. */
interface Closeable {
  close(): void;
}

/** Closes everything once more than once does no harm: whatever was built is closed, whether or not it was ever used. */
export class Openings {
  private readonly open: Closeable[] = [];

  add<T extends Closeable | undefined>(opened: T): T {
    if (opened !== undefined) this.open.push(opened);
    return opened;
  }

  close(): void {
    for (const opened of this.open) opened.close();
    this.open.length = 0;
  }
}
