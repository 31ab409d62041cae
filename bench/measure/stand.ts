import type { Host } from "../../test/harness/host.js";
import { Lan, plainHosts } from "../../test/harness/lan.js";
import { farmNetwork } from "./farm.js";

/** A next hop that does not exist, with a hardware address all the same: what is routed there is gone without a word. */
const NOWHERE = "192.0.2.254";

/** Network namespaces of this bench's own, with the farm's addresses in each. Needs root. */
export class Stand implements AsyncDisposable {
  readonly lan: Lan;

  private constructor(lan: Lan) {
    this.lan = lan;
  }

  static async create(...names: readonly string[]): Promise<Stand> {
    const stand = new Stand(await Lan.create(plainHosts(...names)));
    try {
      for (const name of names) await stand.#prepare(stand.host(name));
    } catch (error) {
      await stand[Symbol.asyncDispose]();
      throw error;
    }
    return stand;
  }

  host(name: string): Host {
    return this.lan.host(name);
  }

  /** From now on nobody in the farm says anything: neither an answer nor a refusal. @returns when, ns of CLOCK_MONOTONIC */
  async silence(host: Host): Promise<number> {
    await host.exec(["ip", "route", "del", "local", farmNetwork.prefix, "dev", "lo"]);
    return Number(process.hrtime.bigint());
  }

  async #prepare(host: Host): Promise<void> {
    // The kernel's own defaults (128 connections that wait, 1,000 packets per turn of the loopback device) would be what is measured.
    await host.sysctl({ "net.core.somaxconn": "65535", "net.ipv4.tcp_max_syn_backlog": "65535" });
    await host.sysctl({ "net.ipv4.ip_local_port_range": "1024 65535" });
    // A connection to an address of this very host, from the port that it goes to, meets itself (RFC 9293 §3.5, simultaneous open):
    // a server that is down would pass its check now and then, everybody's.
    await host.sysctl({ "net.ipv4.ip_local_reserved_ports": "8080-8099" });
    await host.exec(["ip", "route", "add", "local", farmNetwork.prefix, "dev", "lo"]);
    await host.exec(["ip", "neigh", "add", NOWHERE, "lladdr", "02:00:00:00:00:fe", "dev", "eth0", "nud", "permanent"]);
    await host.exec(["ip", "route", "add", farmNetwork.prefix, "via", NOWHERE, "dev", "eth0"]);
    await host.exec(["ip", "route", "add", "throw", farmNetwork.hole, "table", "local"]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lan[Symbol.asyncDispose]();
  }
}
