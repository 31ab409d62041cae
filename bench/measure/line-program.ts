import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Host } from "../../test/harness/host.js";

const ANSWER_MS = 20_000;

/** A native helper that takes commands as lines and answers each with a line of JSON. It ends when its input does. */
export class LineProgram {
  readonly #child: ChildProcess;
  readonly #waiting: ((line: string | undefined) => void)[] = [];
  readonly #name: string;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    if (child.stdout === null) throw new Error(`${name}: its output goes elsewhere`);
    createInterface(child.stdout)
      .on("line", (line) => this.#waiting.shift()?.(line))
      .on("close", () => {
        for (const take of this.#waiting.splice(0)) take(undefined);
      });
  }

  /** Resolves when it has said its first line. */
  static async start(host: Host, argv: readonly string[]): Promise<LineProgram> {
    const child = await host.spawn(argv, { stdio: ["pipe", "pipe", "inherit"] });
    const program = new LineProgram(child, argv[0] ?? "");
    await program.#answer();
    return program;
  }

  /** @throws Error when it ended, or does not answer */
  async ask(command: string): Promise<unknown> {
    this.#child.stdin?.write(`${command}\n`);
    const line = await this.#answer();
    return JSON.parse(line.slice(line.indexOf("{"))); // some say a word in front
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.stdin?.end();
    await exit;
  }

  #answer(): Promise<string> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${this.#name} does not answer`)), ANSWER_MS);
      this.#waiting.push((line) => {
        clearTimeout(late);
        if (line === undefined) reject(new Error(`${this.#name} ended`));
        else resolve(line);
      });
    });
  }
}
