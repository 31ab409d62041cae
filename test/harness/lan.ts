import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Capture } from "./capture.js";
import { run } from "./command.js";
import { Host } from "./host.js";
import { type Loss, lose, loseNothing } from "./loss.js";
import { onTermination } from "./on-termination.js";

/** One network device of a host and the Ethernet segment that it is plugged into. */
export interface LinkSpec {
  /** Name of the device in the host; default eth0. */
  readonly device?: string;
  /** Name of the segment; at most 8 characters, since it becomes a bridge's name. Default lan. */
  readonly segment?: string;
  /** With prefix length. */
  readonly addresses: readonly string[];
}

export interface HostSpec {
  readonly name: string;
  readonly links: readonly LinkSpec[];
}

let nextId = 0;

/** Hosts with one device in one segment each: `192.0.2.1/24`, `192.0.2.2/24`, and so on. */
export function plainHosts(...names: readonly string[]): readonly HostSpec[] {
  return names.map((name, i) => ({ name, links: [{ addresses: [`192.0.2.${i + 1}/24`] }] }));
}

/**
 * Hosts on Ethernet segments. Each host, and the switch that holds the bridges, has its own network namespace with a name
 * that no other process uses. Disposing removes every trace, by the list of what was made.
 */
export class Lan implements AsyncDisposable {
  /** For logs and captures; removed at the end. */
  readonly dir: string;
  readonly #id: string;
  readonly #namespaces: string[] = [];
  readonly #bridges = new Set<string>();
  /** `host/device` to the bridge port. */
  readonly #ports = new Map<string, { readonly port: string; readonly bridge: string }>();
  readonly #hosts = new Map<string, Host>();
  readonly #captures: Capture[] = [];
  readonly #termination = onTermination(() => this[Symbol.asyncDispose]());

  private constructor(id: string, dir: string) {
    this.#id = id;
    this.dir = dir;
  }

  static async create(hosts: readonly HostSpec[]): Promise<Lan> {
    const lan = new Lan(`hf${process.pid}x${nextId++}`, await mkdtemp(path.join(tmpdir(), "holdfast-lan-")));
    try {
      await lan.#netns("sw");
      for (const spec of hosts) await lan.#addHost(spec);
    } catch (error) {
      await lan[Symbol.asyncDispose](); // half a LAN must not survive a failed test either
      throw error;
    }
    return lan;
  }

  /** @throws Error on a name that was not given to `create` */
  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`no host ${name} in this LAN`);
    return host;
  }

  /** Captures what everybody on the segment receives. */
  async capture(segment = "lan"): Promise<Capture> {
    const file = path.join(this.dir, `${segment}-${this.#captures.length}.pcap`);
    const capture = await Capture.start(this.#switch, bridgeName(segment), file);
    this.#captures.push(capture);
    return capture;
  }

  /**
   * Takes a host's device off its segment. `carrier`: the cable is pulled, both ends see it. `silence`: the link stays up
   * at both ends and carries nothing, as when a switch between them fails.
   */
  async cut(host: string, how: "carrier" | "silence", device = "eth0"): Promise<void> {
    const { port } = this.#port(host, device);
    const change = how === "carrier" ? ["down"] : ["nomaster"];
    await run(["ip", "-n", this.#switch, "link", "set", "dev", port, ...change]);
  }

  /** Undoes `cut`, either kind. */
  async heal(host: string, device = "eth0"): Promise<void> {
    const { port, bridge } = this.#port(host, device);
    await run(["ip", "-n", this.#switch, "link", "set", "dev", port, "master", bridge, "up"]);
  }

  /** Loses adverts that a host sends; others hear nothing of them, while it hears everybody. Until `regain`. */
  async lose(host: string, loss: Loss, device = "eth0"): Promise<void> {
    await lose(this.#switch, this.#port(host, device).port, loss);
  }

  async regain(host: string, device = "eth0"): Promise<void> {
    await loseNothing(this.#switch, this.#port(host, device).port);
  }

  /** What goes to a host is late, lost, doubled or out of order, in the words of tc-netem(8). */
  async impair(host: string, words: readonly string[], device = "eth0"): Promise<void> {
    const { port } = this.#port(host, device);
    await run(["tc", "-n", this.#switch, "qdisc", "add", "dev", port, "root", "netem", ...words]);
  }

  /** Goes on past a part that cannot be removed, and reports it at the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#termination[Symbol.dispose]();
    const steps = [
      ...[...this.#captures, ...this.#hosts.values()].map((part) => () => part[Symbol.asyncDispose]()),
      ...this.#namespaces.map((namespace) => () => run(["ip", "netns", "del", namespace])),
      () => rm(this.dir, { recursive: true }),
    ];
    const failures: unknown[] = [];
    for (const step of steps) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, `LAN ${this.#id} was not removed in full`);
  }

  get #switch(): string {
    return `${this.#id}-sw`;
  }

  #port(host: string, device: string): { readonly port: string; readonly bridge: string } {
    const found = this.#ports.get(`${host}/${device}`);
    if (found === undefined) throw new Error(`host ${host} has no ${device}`);
    return found;
  }

  async #netns(name: string): Promise<string> {
    const namespace = `${this.#id}-${name}`;
    await run(["ip", "netns", "add", namespace]);
    this.#namespaces.push(namespace);
    return namespace;
  }

  async #addHost({ name, links }: HostSpec): Promise<void> {
    const namespace = await this.#netns(name);
    this.#hosts.set(name, new Host(name, namespace, this.dir));
    await run(["ip", "-n", namespace, "link", "set", "dev", "lo", "up"]);
    for (const { device = "eth0", segment = "lan", addresses } of links) {
      const bridge = await this.#bridge(segment);
      const port = `port${this.#ports.size}`;
      const peer = ["peer", "name", port, "netns", this.#switch];
      await run(["ip", "-n", namespace, "link", "add", device, "type", "veth", ...peer]);
      this.#ports.set(`${name}/${device}`, { port, bridge });
      await this.heal(name, device);
      for (const address of addresses)
        await run(["ip", "-n", namespace, "addr", "add", address, "dev", device, "nodad"]);
      await run(["ip", "-n", namespace, "link", "set", "dev", device, "up"]);
    }
  }

  async #bridge(segment: string): Promise<string> {
    const bridge = bridgeName(segment);
    if (this.#bridges.has(bridge)) return bridge;
    // No forwarding delay: a port carries frames at once. No snooping: nobody here answers IGMP queries.
    const options = ["type", "bridge", "forward_delay", "0", "mcast_snooping", "0"];
    await run(["ip", "-n", this.#switch, "link", "add", bridge, "up", ...options]);
    this.#bridges.add(bridge);
    return bridge;
  }
}

const bridgeName = (segment: string): string => `br-${segment}`;
