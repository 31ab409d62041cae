import { writeFile } from "node:fs/promises";
import type { Capture } from "../harness/capture.js";
import { run } from "../harness/command.js";
import type { Daemon } from "../harness/daemon.js";
import type { Advert } from "../harness/frames.js";
import type { Host } from "../harness/host.js";
import { type HostSpec, Lan } from "../harness/lan.js";
import { until } from "../harness/until.js";
import { configOf, type Kind, type Side, vipOf, vridOf } from "./interop-kinds.js";
import { linkLocalOf } from "./link-local.js";
import type { Pairing } from "./pairing.js";

export type Who = "a" | "b";
/** Who has the address of a virtual router. */
export type Holder = Who | "a+b" | "-";

/** `a` is the better one. */
export const priorities = { a: 200, b: 100 } as const;

/** Start-up, and two elections at advert_int 1 one after the other, on a machine with other work. */
export const SETTLE_MS = 25_000;

const hosts: readonly HostSpec[] = ["a", "b", "c"].map((name, i) => ({
  name,
  links: [
    { device: "eth0", segment: "one", addresses: [`192.0.2.${i + 1}/24`, `2001:db8::${i + 1}/64`] },
    { device: "eth1", segment: "two", addresses: [`198.51.100.${i + 1}/24`] },
  ],
}));

/**
 * Ends of unicast. Not the link-local addresses: a VMAC of IPv6 has that of its interface too, with its own hardware address, which
 * is the same on both routers, so that either finds itself in the neighbour table of the other.
 */
const ends: Readonly<Record<Who, Side["peer"]>> = {
  a: { 4: "192.0.2.1", 6: "2001:db8::1" },
  b: { 4: "192.0.2.2", 6: "2001:db8::2" },
};

/** What a side has beside its priority and its address. */
export type Setting = Partial<Omit<Side, "own" | "peer">>;

/** Two routers and a host `c` on two segments; the routers have one instance of each kind, on the first unless the kind says so. */
export class Stand implements AsyncDisposable {
  readonly lan: Lan;
  readonly pairing: Pairing;
  readonly kinds: readonly Kind[];
  readonly #settings: Readonly<Record<Who, Setting>>;
  readonly #daemons: Partial<Record<Who, Daemon>> = {};
  readonly #capture: Capture;

  private constructor(
    lan: Lan,
    pairing: Pairing,
    list: readonly Kind[],
    settings: Readonly<Record<Who, Setting>>,
    capture: Capture,
  ) {
    this.lan = lan;
    this.pairing = pairing;
    this.kinds = list;
    this.#settings = settings;
    this.#capture = capture;
  }

  /** Nothing runs yet. */
  static async create(
    pairing: Pairing,
    list: readonly Kind[],
    settings: Partial<Record<Who, Setting>> = {},
  ): Promise<Stand> {
    const lan = await Lan.create(hosts);
    try {
      for (const name of ["a", "b"]) await linkLocalOf(lan.host(name));
      const capture = await lan.capture("one");
      return new Stand(lan, pairing, list, { a: settings.a ?? {}, b: settings.b ?? {} }, capture);
    } catch (error) {
      await lan[Symbol.asyncDispose]();
      throw error;
    }
  }

  host(who: Who | "c"): Host {
    return this.lan.host(who);
  }

  daemon(who: Who): Daemon {
    const daemon = this.#daemons[who];
    if (daemon === undefined) throw new Error(`${who} was not started`);
    return daemon;
  }

  /** Starts a router; what a crash left behind is gone, as after a power cut. */
  async start(who: Who, changes: Setting = {}): Promise<void> {
    await this.#clear(this.host(who));
    const program = who === "a" ? this.pairing.master : this.pairing.backup;
    this.#daemons[who] = await this.host(who).start(program, this.#config(who, changes), ["--vrrp"]);
  }

  /** Waits until each instance of a router that runs listens: before, it would miss adverts. */
  async listens(who: Who): Promise<void> {
    const told = this.kinds.map((_kind, i) => `(V${vridOf(i)}) Entering BACKUP STATE (init)`);
    const all = async (): Promise<boolean> => {
      const log = await this.daemon(who).log();
      return told.every((line) => log.includes(line));
    };
    await until(`${who} listens`, SETTLE_MS, all, 50);
  }

  /** The backup, then the master, until all is at rest. */
  async startBoth(): Promise<void> {
    await this.start("b");
    await this.listens("b");
    await this.start("a");
    await this.settle("a");
  }

  /** Writes the configuration with these changes, and has it read. */
  async reload(who: Who, changes: Setting): Promise<void> {
    await writeFile(this.daemon(who).files.config, this.#config(who, changes));
    this.daemon(who).signal("SIGHUP");
  }

  /** Waits until the addresses of all virtual routers are where they should be. @throws Error naming those that are not */
  async settle(wanted: Holder | ((kind: Kind) => Holder), within = SETTLE_MS): Promise<void> {
    const want = typeof wanted === "string" ? () => wanted : wanted;
    let wrong: readonly string[] = [];
    const settled = async (): Promise<boolean> => {
      const holders = await this.holders();
      wrong = this.kinds.flatMap((kind, i) =>
        holders[i] === want(kind) ? [] : [`${kind.name} at ${holders[i]}, not ${want(kind)}`],
      );
      return wrong.length === 0;
    };
    await until("every address is where it belongs", within, settled, 150).catch((error: unknown) => {
      throw new Error(wrong.join("; "), { cause: error });
    });
  }

  /** Who has each address now, in the order of the kinds. */
  async holders(): Promise<readonly Holder[]> {
    const [a, b] = [await addressesOf(this.host("a")), await addressesOf(this.host("b"))];
    return this.kinds.map((kind, i) => {
      const vip = vipOf(kind, i);
      if (a.has(vip)) return b.has(vip) ? "a+b" : "a";
      return b.has(vip) ? "b" : "-";
    });
  }

  /** Adverts on the first segment so far, oldest first. */
  async adverts(): Promise<readonly Advert[]> {
    return (await this.#capture.frames()).filter((frame): frame is Advert => frame.kind === "advert");
  }

  async logs(): Promise<string> {
    const parts = (["a", "b"] as const).map(async (who) => {
      const log = (await this.#daemons[who]?.log()) ?? "did not start";
      return `--- ${who}\n${log.split("\n").slice(-80).join("\n")}`;
    });
    return (await Promise.all(parts)).join("\n");
  }

  #config(who: Who, changes: Setting): string {
    const setting = { priority: priorities[who], ...this.#settings[who], ...changes };
    return configOf(this.kinds, { ...setting, own: ends[who], peer: ends[who === "a" ? "b" : "a"] });
  }

  async #clear(host: Host): Promise<void> {
    const vips = new Set(this.kinds.map(vipOf));
    for (const { ifname, linkinfo, addr_info } of await linksOf(host)) {
      if (linkinfo?.info_kind === "macvlan") await host.attempt(["ip", "link", "del", ifname]);
      else
        for (const { local, prefixlen } of addr_info)
          if (vips.has(local)) await host.attempt(["ip", "addr", "del", `${local}/${prefixlen}`, "dev", ifname]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lan[Symbol.asyncDispose]();
  }
}

/** The part of `ip -j -d addr` that is read here. */
interface LinkListing {
  readonly ifname: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

const linksOf = async (host: Host): Promise<readonly LinkListing[]> =>
  JSON.parse(await run(["ip", "-n", host.namespace, "-j", "-d", "addr", "show"])) as readonly LinkListing[];

const addressesOf = async (host: Host): Promise<ReadonlySet<string>> =>
  new Set((await linksOf(host)).flatMap(({ addr_info }) => addr_info.map(({ local }) => local)));
