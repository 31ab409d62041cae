import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

/** The checkout that this script is part of. */
export const root = path.resolve(import.meta.dirname, "../..");

/**
 * One folder below `dist/test` each, in the order in which they run. `limitMs` bounds the whole layer; `concurrency` is the
 * number of test files at a time: one where the test measures time or loads the machine. `needs`: see `missing`. An
 * `optional` layer may be empty.
 */
export const layers = [
  { name: "unit", limitMs: 420_000, concurrency: 2, needs: [] },
  { name: "property", limitMs: 420_000, concurrency: 2, needs: [] },
  { name: "simulation", optional: true, limitMs: 600_000, concurrency: 2, needs: [] },
  { name: "native", limitMs: 1_500_000, concurrency: 1, needs: ["native module"] },
  {
    name: "netns",
    limitMs: 2_700_000, // most of it is waiting: 25 minutes
    concurrency: 1,
    needs: ["root", "native module", "ip", "tcpdump", "keepalived", "network namespaces"],
  },
  {
    name: "kernel",
    limitMs: 2_700_000,
    concurrency: 2, // each guest has a processor to itself
    needs: ["root", "native module", "linux.uml", "UML modules", "/lib/modules", "ipvsadm", "keepalived", "modprobe"],
  },
  {
    name: "kernel-alone",
    limitMs: 1_200_000,
    concurrency: 1, // they measure time
    needs: ["root", "native module", "linux.uml", "UML modules", "/lib/modules", "ipvsadm", "keepalived", "modprobe"],
  },
  {
    name: "compat",
    optional: true,
    limitMs: 900_000,
    concurrency: 1,
    needs: ["root", "native module", "keepalived", "zsh", "fish"],
  },
];

const probes = {
  root: () => process.getuid?.() === 0,
  "native module": () => existsSync(path.join(root, "build/Release")),
  "network namespaces": () => existsSync("/proc/self/ns/net") && hasCapability(21),
  "UML modules": () => existsSync("/usr/lib/uml/modules"),
  "/lib/modules": () => existsSync("/lib/modules"),
};

/** Names of what this layer lacks here; empty when it can run. A name without a probe is a command. */
export function missing(layer) {
  return layer.needs.filter((need) => !(probes[need] ?? (() => isCommand(need)))());
}

/** Compiled test files of a layer. */
export function testFiles(layer) {
  const dir = path.join(root, "dist/test", layer.name);
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir, { recursive: true }).filter((name) => name.endsWith(".test.js"));
  return names.map((name) => path.join(dir, name)).sort((a, b) => (a < b ? -1 : 1));
}

function isCommand(name) {
  const dirs = [...(process.env.PATH ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return dirs.some((dir) => statSync(path.join(dir, name), { throwIfNoEntry: false })?.isFile());
}

/** Bit of linux/capability.h in the effective set; 21 is CAP_SYS_ADMIN, without which a container's root makes no namespace. */
function hasCapability(bit) {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return line !== null && ((BigInt(`0x${line[1]}`) >> BigInt(bit)) & 1n) === 1n;
}
