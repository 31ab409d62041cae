import { mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "./command.js";
import { onTermination } from "./on-termination.js";

/** A small disk of its own that can be filled, or made to hang: what writes to it waits, and cannot be killed, until it goes on. */
export class Disk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly dir: string;
  readonly #base: string;
  #thaw: readonly string[] | undefined;
  readonly #termination = onTermination(() => this[Symbol.asyncDispose]());

  private constructor(base: string) {
    this.#base = base;
    this.dir = path.join(base, "disk");
  }

  /** Of 16 MiB, in a file. */
  static async create(): Promise<Disk> {
    const base = await mkdtemp(path.join(tmpdir(), "holdfast-disk-"));
    const image = path.join(base, "image");
    const disk = new Disk(base);
    await run(["mkdir", disk.dir]);
    await writeFile(image, "");
    await truncate(image, 16 << 20);
    await run(["mkfs.ext4", "-q", "-m", "0", image]);
    await run(["mount", "-o", "loop", image, disk.dir]);
    return disk;
  }

  /** No octet is free from now on. */
  async fill(): Promise<void> {
    const file = await open(path.join(this.dir, "filler"), "w");
    const piece = Buffer.alloc(4096, 1);
    try {
      for (;;) await file.write(piece);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      await file.close();
    }
  }

  async hang(): Promise<void> {
    this.#thaw = ["fsfreeze", "-u", this.dir];
    await run(["fsfreeze", "-f", this.dir]);
  }

  async goOn(): Promise<void> {
    const thaw = this.#thaw;
    this.#thaw = undefined;
    if (thaw !== undefined) await run(thaw);
  }

  /** After whatever runs on it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#termination[Symbol.dispose]();
    await this.goOn();
    await run(["umount", "-l", this.dir]);
    await rm(this.#base, { recursive: true });
  }
}
