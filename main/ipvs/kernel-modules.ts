import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Loads kernel modules when they are asked for, once each; injected so that tests need no kernel. */
export interface ModuleLoader {
  /** True when IPVS answers already (module or built in). */
  readonly hasIpvs: () => boolean;
  /** Like `modprobe -q NAME`. Failure is no error here: the kernel's next answer tells what is missing. */
  readonly load: (name: string) => Promise<void>;
}

const MODPROBE_TIMEOUT_MS = 10_000;

export const kernelModules: ModuleLoader = {
  hasIpvs: () => existsSync("/proc/net/ip_vs"),
  load: async (name) => {
    if (existsSync(`/sys/module/${name}`)) return;
    const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
    const options = { timeout: MODPROBE_TIMEOUT_MS, env: { ...process.env, PATH: path } };
    await run("modprobe", ["-q", name], options).catch(() => undefined);
  },
};

/**
 * Name of the module of a scheduler, or undefined for what is no plain name and must not become an argument of a program.
 * The kernel would load it by itself, but inside our request, with the main thread waiting.
 */
export function schedulerModule(scheduler: string): string | undefined {
  return /^[a-z0-9_]{1,15}$/.test(scheduler) ? `ip_vs_${scheduler}` : undefined;
}

/** The same of a persistence engine. */
export const engineModule = (engine: string): string | undefined => schedulerModule(`pe_${engine}`);
