/** The files from which a Unix system's resolver takes what the DNS does not say. Read anew for each lookup. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** Names that the hosts file gives addresses to. */
export interface HostsFile {
  /** Addresses in the order of the file; `undefined` when the file says nothing of the name. */
  of(name: string): readonly string[] | undefined;
}

/** How names are completed. */
export interface ResolvConf {
  /** Domains that are tried behind a name, at most six as in the C library. */
  readonly search: readonly string[];
  /** A name with fewer dots is completed before it is asked as it stands. */
  readonly ndots: number;
}

const LOOPBACK = ['127.0.0.1', '::1'];
const MOST_DOMAINS = 6;
const MOST_DOTS = 15;

/** `/etc/hosts`. A machine without one has no names in it. */
export async function hostsFile(path = '/etc/hosts'): Promise<HostsFile> {
  return parseHosts(await readFile(path, 'utf8').catch(() => ''));
}

/** `/etc/resolv.conf`: without one, names are not completed. */
export async function resolvConf(path = '/etc/resolv.conf'): Promise<ResolvConf> {
  return parseResolvConf(await readFile(path, 'utf8').catch(() => ''));
}

/** Reads the text of a hosts file. `localhost` and what is below it is this machine whatever the file says (RFC 6761). */
export function parseHosts(text: string): HostsFile {
  return {
    of(name) {
      const wanted = name.toLowerCase().replace(/\.$/, '');
      const addresses: string[] = [];
      for (const line of text.split('\n')) {
        const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
        if (isIP(address) !== 0 && names.some((each) => each.toLowerCase() === wanted)) addresses.push(address);
      }
      if (addresses.length > 0) return addresses;
      return wanted === 'localhost' || wanted.endsWith('.localhost') ? LOOPBACK : undefined;
    },
  };
}

/** Reads the text of a resolv.conf; of `search` and `domain` the last one counts. */
export function parseResolvConf(text: string): ResolvConf {
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (word === 'search') search = rest.slice(0, MOST_DOMAINS);
    else if (word === 'domain') search = rest.slice(0, 1);
    else if (word === 'options') ndots = dotsOf(rest) ?? ndots;
  }
  return { search: search.map((domain) => domain.replace(/^\.|\.$/g, '')).filter((domain) => domain !== ''), ndots };
}

function dotsOf(options: readonly string[]): number | undefined {
  const found = options.flatMap((option) => /^ndots:(\d{1,3})$/.exec(option)?.[1] ?? []).at(-1);
  return found === undefined ? undefined : Math.min(Number(found), MOST_DOTS);
}

/** The names to ask for, in turn. A name that ends in a dot is complete. */
export function candidates(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const completed = search.map((domain) => `${name}.${domain}`).filter((each) => each.length <= 253);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...completed] : [...completed, name];
}
