import type { ConfigHost } from "./ports.js";
import { didYouMean } from "./suggest.js";

/** Numbers that iproute2 gives names to, with what holds when its files say nothing. */
const builtin = {
  rt_tables: { default: 253, main: 254, local: 255 },
  rt_scopes: { global: 0, site: 200, link: 253, host: 254, nowhere: 255 },
  rt_protos: {
    unspec: 0,
    redirect: 1,
    kernel: 2,
    boot: 3,
    static: 4,
    gated: 8,
    ra: 9,
    mrt: 10,
    zebra: 11,
    bird: 12,
    dnrouted: 13,
    xorp: 14,
    ntk: 15,
    dhcp: 16,
    mrouted: 17,
    keepalived: 18,
    babel: 42,
    bgp: 186,
    isis: 187,
    ospf: 188,
    rip: 189,
    eigrp: 192,
  },
  rt_realms: {},
  rt_dsfield: {},
  group: { default: 0 },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;

export type NameTable = keyof typeof builtin;

/** Reads iproute2's files (`100 isp` per line), each once per load. Like `ip route show table <name>`. */
export class IprouteNames {
  readonly #host: ConfigHost;
  readonly #folders: readonly string[];
  readonly #tables = new Map<NameTable, ReadonlyMap<string, number>>();

  /** Later folders win. */
  constructor(host: ConfigHost, folders: readonly string[] = ["/usr/share/iproute2", "/etc/iproute2"]) {
    this.#host = host;
    this.#folders = folders;
  }

  /** A name, or a number (decimal, 0x or 0-prefixed) up to `most`. */
  find(table: NameTable, text: string, most: number): number | undefined {
    const named = this.#table(table).get(text);
    if (named !== undefined) return named;
    const number = parseAnyBase(text);
    return number !== undefined && number <= most ? number : undefined;
  }

  /** What to say about a name that is not there. */
  hint(table: NameTable, text: string): string {
    const file = `${this.#folders.at(-1) ?? ""}/${table}`;
    return didYouMean(text, this.#table(table).keys()) ?? `write a number, or define the name in ${file}`;
  }

  #table(name: NameTable): ReadonlyMap<string, number> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const read = new Map<string, number>(Object.entries(builtin[name]));
    for (const folder of this.#folders) {
      this.#read(`${folder}/${name}`, read);
      const more = this.#host.list(`${folder}/${name}.d`).filter((file) => file.endsWith(".conf"));
      for (const file of more) this.#read(`${folder}/${name}.d/${file}`, read);
    }
    this.#tables.set(name, read);
    return read;
  }

  #read(path: string, into: Map<string, number>): void {
    const file = this.#host.readFile(path);
    if (file.kind !== "content") return;
    for (const line of Buffer.from(file.bytes).toString().split("\n")) {
      const [number, name] = line.replace(/#.*$/, "").trim().split(/\s+/);
      const value = number === undefined ? undefined : parseAnyBase(number);
      if (value !== undefined && name !== undefined) into.set(name, value);
    }
  }
}

/** A whole number as strtoul(3) reads it with base 0: `16`, `0x10`, `020`. */
export function parseAnyBase(text: string): number | undefined {
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : undefined;
}
