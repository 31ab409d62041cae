import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Host } from "../../test/harness/host.js";

const QUEUE_BYTES = "16777216";

/** Notes when addresses come to a host, by what the kernel tells everybody about them. */
export class AddressWatch implements Disposable {
  readonly #child: ChildProcess;
  readonly #firstSeen = new Map<string, number>();

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error("ip monitor: its output goes elsewhere");
    createInterface(child.stdout).on("line", (line) => this.#note(line));
  }

  static async start(host: Host): Promise<AddressWatch> {
    const argv = ["ip", "-rcvbuf", QUEUE_BYTES, "-4", "-o", "-ts", "monitor", "address"];
    return new AddressWatch(
      await host.spawn(argv, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, TZ: "UTC" } }),
    );
  }

  /** When each `address device` was seen first, ms since 1970. */
  get seen(): ReadonlyMap<string, number> {
    return this.#firstSeen;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGTERM");
  }

  /** `[2026-11-23T06:10:58.123456] 5: v0_51    inet 10.0.1.51/16 scope global v0_51\       valid_lft ...` */
  #note(line: string): void {
    const [, at, device, address] = /^\[(\S+)\] \d+: (\S+)\s+inet ([\d.]+)\//.exec(line) ?? [];
    if (at === undefined || device === undefined || address === undefined) return;
    const key = `${address} ${device}`;
    if (!this.#firstSeen.has(key)) this.#firstSeen.set(key, Date.parse(`${at.slice(0, 23)}Z`));
  }
}
