import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import path from "node:path";

/** A file for keepalived's `-t`. */
export interface ReferenceJob {
  readonly path: string;
  readonly configId: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Verdict {
  /** As a shell has it: 128 + signal after a crash. Undefined: it did not end. */
  readonly exit: number | undefined;
  readonly messages: string;
}

/** A hang is a finding, too: keepalived has files that it never ends with. */
const LIMIT_MS = 10_000;
/** What the files of the corpus may name. */
export const interfaces = ["lo", "ens33", "eth1"];

/** Runs keepalived's `-t` in a network namespace that has `interfaces`. */
export class ReferenceConfig implements Disposable {
  readonly #namespace = `hf-config-${process.pid}`;
  readonly #folder = mkdtempSync(path.join(tmpdir(), "holdfast-config-"));
  #runs = 0;

  constructor() {
    ip("netns", "add", this.#namespace);
    ip("-n", this.#namespace, "link", "add", "ens33", "type", "veth", "peer", "name", "eth1");
  }

  /** Verdicts in the order of `jobs`; `parallel` runs at a time. */
  async verdicts(jobs: readonly ReferenceJob[], parallel = 4): Promise<readonly Verdict[]> {
    const results: Verdict[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < jobs.length; i = next++) {
        const job = jobs[i];
        if (job !== undefined) results[i] = await this.#verdict(job);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    return results;
  }

  /** Each run has a working and dump folder of its own: relative names and what a crash leaves stay apart. */
  #verdict({ path: file, configId, environment }: ReferenceJob): Promise<Verdict> {
    const folder = path.join(this.#folder, String(this.#runs++));
    mkdirSync(folder);
    const argv = ["netns", "exec", this.#namespace, "keepalived", "-t", "-i", configId, "-f", file];
    const options = {
      cwd: folder,
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
      env: { ...process.env, ...environment, TMPDIR: folder },
    } as const;
    return new Promise((resolve) => {
      const child = execFile("ip", argv, options, (_error, _stdout, stderr) => {
        const { exitCode, signalCode, killed } = child;
        const exit = killed ? undefined : signalCode === null ? exitCode : 128 + constants.signals[signalCode];
        resolve({ exit: exit ?? undefined, messages: stderr });
      });
    });
  }

  [Symbol.dispose](): void {
    ip("netns", "del", this.#namespace);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}
