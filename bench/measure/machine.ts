import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import path from "node:path";
import { projectRoot } from "../../test/harness/project.js";

/** What the figures were measured on, and what of. */
export interface Machine {
  readonly cpu: string;
  readonly processors: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Hard limit of one process: what bounds checks under way. */
  readonly openFiles: string;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    processors: cpus().length,
    kernel: release(),
    versions: {
      holdfast: holdfastVersion(),
      node: process.version,
      openssl: process.versions.openssl,
      keepalived: firstWords(["keepalived", "--version"], /v(\d[\d.]+)/),
      haproxy: firstWords(["haproxy", "-v"], /version (\S+)/),
    },
    openFiles: /^Max open files +\S+ +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? "unknown",
  };
}

/** Commit and version; `+` behind a commit: changed since. */
function holdfastVersion(): string {
  const git = (...args: string[]): string =>
    spawnSync("git", ["-C", projectRoot, ...args], { encoding: "utf8" }).stdout?.trim() ?? "";
  const manifest = JSON.parse(readFileSync(path.join(projectRoot, "package.json"), "utf8")) as { version: string };
  const commit = git("rev-parse", "--short", "HEAD");
  const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+";
  return commit === "" ? manifest.version : `${manifest.version} (${commit}${changed})`;
}

function firstWords([program = "", ...args]: readonly string[], pattern: RegExp): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return pattern.exec(`${stdout ?? ""}${stderr ?? ""}`)?.[1] ?? "absent";
}
