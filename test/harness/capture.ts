import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { decodeFrame, type Frame } from "./frames.js";
import { readPcap } from "./pcap.js";
import { until } from "./until.js";

/** More than the segment's frames have (MTU 1500). */
const SNAPSHOT_BYTES = 2048;
/** Until it listens: patience with a busy machine. */
const STARTED_MS = 20_000;

/** A running tcpdump that writes adverts, ARPs and neighbour advertisements with the kernel's time stamps to a file. */
export class Capture implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #file: string;

  private constructor(child: ChildProcess, file: string) {
    this.#child = child;
    this.#file = file;
  }

  /** Resolves when tcpdump listens. @throws Error when it does not */
  static async start(namespace: string, device: string, file: string): Promise<Capture> {
    const filter = "vrrp or ip6 proto 112 or ip proto 51 or arp or (icmp6 and ip6[40] == 136)";
    const options = [
      "-i",
      device,
      "-n",
      "-U",
      "--immediate-mode",
      // Slots are as large as the longest frame may be: of the usual 256 KiB there are eight, which any burst overruns.
      "--snapshot-length=2048",
      "--time-stamp-precision=nano",
      "-Z",
      "root",
      "-w",
      file,
    ];
    // With tcpdump's own length of a packet, which is what each takes up, its buffer holds ten: hundreds of adverts come at once.
    options.push(`--snapshot-length=${SNAPSHOT_BYTES}`, "-B", "8192");
    const argv = ["netns", "exec", namespace, "tcpdump", ...options, filter];
    const child = spawn("ip", argv, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await until("tcpdump listens", STARTED_MS, () => {
      if (child.exitCode !== null) throw new Error(`tcpdump ended: ${said.trim()}`);
      return said.includes("listening on");
    });
    return new Capture(child, file);
  }

  /** What was captured so far, oldest first. */
  async frames(): Promise<readonly Frame[]> {
    return readPcap(await readFile(this.#file)).map(decodeFrame);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    await once(this.#child, "exit");
  }
}
