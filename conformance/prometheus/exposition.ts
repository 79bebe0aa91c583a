/** What a scrape asks of a text beside its grammar, read off its lines; for machines without Go, and for what Go's parser lets pass. */

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|NaN|[+-]Inf)$/i;

/** Problems of a text in the format 0.0.4; none when it is in order. */
export function problemsOf(text: string): string[] {
  const reader = new Reader();
  if (!text.endsWith('\n')) reader.problems.push('the last line has no end');
  for (const line of text.split('\n').slice(0, -1)) reader.line(line);
  return reader.problems;
}

class Reader {
  readonly problems: string[] = [];
  private readonly types = new Map<string, string>();
  private readonly series = new Set<string>();
  private readonly finished = new Set<string>();
  private current = '';

  line(line: string): void {
    if (line.startsWith('# TYPE ')) this.type(line.slice('# TYPE '.length));
    else if (line !== '' && !line.startsWith('#')) this.sample(line);
  }

  private type(text: string): void {
    const [name = '', type = '', ...rest] = text.split(' ');
    if (rest.length > 0 || NAME.exec(name)?.[0] !== name) this.problems.push(`bad TYPE line: ${text}`);
    if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(type))
      this.problems.push(`bad type: ${text}`);
    if (this.types.has(name)) this.problems.push(`second TYPE line for ${name}`);
    this.types.set(name, type);
    this.begin(name);
  }

  private begin(family: string): void {
    if (family === this.current) return;
    if (this.finished.has(family)) this.problems.push(`samples of ${family} stand apart`);
    this.finished.add(this.current);
    this.current = family;
  }

  private sample(line: string): void {
    const name = NAME.exec(line)?.[0] ?? '';
    const rest = line.slice(name.length);
    const end = rest.startsWith('{') ? rest.lastIndexOf('}') : -1;
    const labels = end === -1 ? '' : rest.slice(1, end);
    const value = rest.slice(end + 1).trim();
    if (name === '' || !VALUE.test(value)) this.problems.push(`bad sample: ${line}`);
    this.begin(this.familyOf(name));
    const key = `${name}{${this.labels(labels, line).sort().join()}}`;
    if (this.series.has(key)) this.problems.push(`duplicate series: ${key}`);
    this.series.add(key);
  }

  private familyOf(name: string): string {
    const stem = name.replace(/_(?:bucket|sum|count)$/, '');
    const type = this.types.get(stem);
    return type === 'histogram' || type === 'summary' ? stem : name;
  }

  private labels(text: string, line: string): string[] {
    const labels: string[] = [];
    const names = new Set<string>();
    let rest = text;
    while (rest !== '') {
      const match = LABEL.exec(rest);
      if (match === null) {
        this.problems.push(`bad labels: ${line}`);
        return labels;
      }
      const name = match[1] ?? '';
      if (names.has(name)) this.problems.push(`label ${name} twice: ${line}`);
      names.add(name);
      labels.push(`${name}=${match[2]}`);
      rest = rest.slice(match[0].length);
    }
    return labels;
  }
}

/** A family of a text. */
export interface ShownFamily {
  readonly type: string;
  /** Names with their labels, without values. */
  readonly series: string[];
}

/** The families of a text that is in good order, as they come. */
export function familiesOf(text: string): ReadonlyMap<string, ShownFamily> {
  const families = new Map<string, ShownFamily>();
  let current: ShownFamily = { type: '', series: [] };
  for (const line of text.split('\n')) {
    const [, name = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== '') {
      current = { type, series: [] };
      families.set(name, current);
    } else if (line !== '') current.series.push(line.slice(0, line.lastIndexOf(' ')));
  }
  return families;
}
