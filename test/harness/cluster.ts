import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Daemon, Program } from "./daemon.js";
import type { Host } from "./host.js";
import { Lan, type LinkSpec } from "./lan.js";
import { compiled, projectRoot } from "./project.js";
import { until } from "./until.js";

export const vip = "192.168.91.188";
export const vip6 = "2001:db8:91::188";
export const directorNames = ["director1", "director2"] as const;
export const webNames = ["web1", "web2"] as const;
export type DirectorName = (typeof directorNames)[number];
export type WebName = (typeof webNames)[number];

/** Network device of the directors in the example configuration. */
export const directorDevice = "ens33";

export const director1Address = "192.168.91.100";
export const webAddress: Readonly<Record<WebName, string>> = { web1: "192.168.91.102", web2: "192.168.91.103" };
export const webAddress6: Readonly<Record<WebName, string>> = { web1: "2001:db8:91::102", web2: "2001:db8:91::103" };

const onLan = (last: number, device = "eth0"): LinkSpec => ({
  device,
  addresses: [`192.168.91.${last}/24`, `2001:db8:91::${last}/64`],
});

/**
 * The LVS-DR cluster of examples/lvs-dr: two directors, two web servers that hold the virtual IP on loopback without
 * answering ARP for it, and a client, all on one segment. Nothing runs in it at first.
 */
export class Cluster implements AsyncDisposable {
  readonly lan: Lan;
  readonly #webs = new Map<WebName, ChildProcess>();

  private constructor(lan: Lan) {
    this.lan = lan;
  }

  static async create(): Promise<Cluster> {
    const lan = await Lan.create([
      { name: "director1", links: [onLan(100, directorDevice)] },
      { name: "director2", links: [onLan(101, directorDevice)] },
      { name: "web1", links: [onLan(102)] },
      { name: "web2", links: [onLan(103)] },
      { name: "client", links: [onLan(50)] },
    ]);
    try {
      for (const name of webNames) await holdVirtualIp(lan.host(name));
    } catch (error) {
      await lan[Symbol.asyncDispose]();
      throw error;
    }
    return new Cluster(lan);
  }

  host(name: DirectorName | WebName | "client"): Host {
    return this.lan.host(name);
  }

  /** Resolves when the web server answers: Node starts in 2 s in a guest on a quiet machine, and in 20 s on a busy one. */
  async startWeb(name: WebName): Promise<void> {
    const host = this.host(name);
    const argv = [process.execPath, compiled("examples/demo/web-server.ts"), name];
    this.#webs.set(name, await host.spawn(argv));
    await until(`${name} answers`, 90_000, async () => (await this.request(webAddress[name])) === name, 100);
  }

  async stopWeb(name: WebName): Promise<void> {
    const server = this.#webs.get(name);
    if (server === undefined) throw new Error(`${name} does not run`);
    this.#webs.delete(name);
    const exit = once(server, "exit");
    server.kill("SIGKILL"); // `ip netns exec` became the server itself
    await exit;
  }

  /** Starts a director with its file of examples/lvs-dr. */
  async startDirector(name: DirectorName, program: Program, extra?: readonly string[]): Promise<Daemon> {
    const text = await readFile(path.join(projectRoot, "examples/lvs-dr", `${name}.conf`), "utf8");
    return this.host(name).start(program, text, extra);
  }

  /** One request of the client. @returns what the server said, or undefined when none answered within so many seconds */
  async request(address: string = vip, seconds = 2): Promise<string | undefined> {
    const host = address.includes(":") ? `[${address}]` : address;
    const argv = ["curl", "-gs", "--max-time", String(seconds), `http://${host}/`];
    const { code, stdout } = await this.host("client").attempt(argv);
    return code === 0 ? stdout.trim() : undefined;
  }

  /** Director that holds the virtual IP; undefined when none or both do. */
  async master(): Promise<DirectorName | undefined> {
    const holders: DirectorName[] = [];
    for (const name of directorNames) if (await this.host(name).hasAddress(vip, directorDevice)) holders.push(name);
    return holders.length === 1 ? holders[0] : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lan[Symbol.asyncDispose]();
  }
}

/** A real server of LVS-DR owns the virtual IP and keeps quiet about it: Documentation/networking/ip-sysctl, arp_ignore. */
async function holdVirtualIp(web: Host): Promise<void> {
  await web.sysctl({ "net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2" });
  await web.exec(["ip", "addr", "add", `${vip}/32`, "dev", "lo"]);
  await web.exec(["ip", "addr", "add", `${vip6}/128`, "dev", "lo", "nodad"]);
}
