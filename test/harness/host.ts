import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { attempt, type CommandOptions, type CommandResult, run } from "./command.js";
import { Daemon, type Program } from "./daemon.js";
import { crashTree } from "./process-tree.js";

/** A machine of the test: a network namespace with what was started in it. */
export class Host implements AsyncDisposable {
  readonly name: string;
  readonly namespace: string;
  readonly #dir: string;
  readonly #children = new Set<ChildProcess>();
  readonly #daemons = new Set<Daemon>();
  /** Nothing starts any more: what did would never be ended. */
  readonly #gone = new AbortController();

  constructor(name: string, namespace: string, dir: string) {
    this.name = name;
    this.namespace = namespace;
    this.#dir = dir;
  }

  /** Runs a command in the namespace. @returns its standard output @throws Error when it fails */
  exec(argv: readonly string[], options?: CommandOptions): Promise<string> {
    return run(["ip", "netns", "exec", this.namespace, ...argv], options);
  }

  /** Like `exec`, for commands that may fail. */
  attempt(argv: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return attempt(["ip", "netns", "exec", this.namespace, ...argv], options);
  }

  /** Starts a command that goes on; it ends with the host at the latest. */
  async spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<ChildProcess> {
    this.#gone.signal.throwIfAborted();
    const child = spawn("ip", ["netns", "exec", this.namespace, ...argv], { stdio: "ignore", ...options });
    this.#children.add(child);
    await once(child, "spawn");
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** Starts a daemon with its own files and pid files. */
  async start(program: Program, config: string, extra?: readonly string[]): Promise<Daemon> {
    this.#gone.signal.throwIfAborted();
    const daemon = await Daemon.start(this.namespace, program, this.#dir, config, extra);
    this.#daemons.add(daemon);
    if (this.#gone.signal.aborted) await daemon.crash();
    this.#gone.signal.throwIfAborted();
    return daemon;
  }

  /** Addresses of a device as `address/prefix`, as the kernel has them. */
  async addresses(device = "eth0"): Promise<readonly string[]> {
    const links: unknown = JSON.parse(await run(["ip", "-n", this.namespace, "-j", "addr", "show", "dev", device]));
    return parseAddresses(links);
  }

  /** @param address without prefix length */
  async hasAddress(address: string, device = "eth0"): Promise<boolean> {
    return (await this.addresses(device)).some((entry) => entry.startsWith(`${address}/`));
  }

  /** Hardware address of a device, lower case with colons. */
  async mac(device = "eth0"): Promise<string> {
    return (await this.exec(["cat", `/sys/class/net/${device}/address`])).trim();
  }

  async sysctl(settings: Readonly<Record<string, string>>): Promise<void> {
    await this.exec(["sysctl", "-q", "-w", ...Object.entries(settings).map(([key, value]) => `${key}=${value}`)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone.abort(new Error(`host ${this.name} is gone`));
    for (const daemon of this.#daemons) await daemon[Symbol.asyncDispose]();
    for (const child of this.#children) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, "exit");
      crashTree(child.pid);
      await exit;
    }
  }
}

/** The part of `ip -j addr` that is read here. */
interface AddressListing {
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

export function parseAddresses(listing: unknown): readonly string[] {
  const links: readonly AddressListing[] = Array.isArray(listing) ? listing : [];
  return links.flatMap((link) => (link.addr_info ?? []).map((info) => `${info.local ?? ""}/${info.prefixlen ?? 0}`));
}
