import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "./addon-under-test.js";

/** Of style.md section 3, with both sanitizers; the first finding of either ends the program. */
export const sanitizerFlags = [
  ...["-std=c++20", "-g", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror", "-fno-exceptions"],
  ...[
    "-fvisibility=hidden",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
  ],
];

export const sources = join(projectRoot, "native-bindings");

const run = promisify(execFile);

/** Runs g++ (or CXX). @throws Error with the compiler's output */
export async function compile(args: readonly string[]): Promise<void> {
  await run(process.env["CXX"] ?? "g++", args, { maxBuffer: 1 << 24 });
}

/** A file that belongs to the compiler, such as libasan.so. */
export async function compilerFile(name: string): Promise<string> {
  const { stdout } = await run(process.env["CXX"] ?? "g++", [`-print-file-name=${name}`]);
  return stdout.trim();
}

/** Where node_api.h lies: npm_config_nodedir, beside the running node, /usr, or node-gyp's cache of this version. */
export function nodeHeaders(): string | undefined {
  const cache = join(process.env["HOME"] ?? "/root", ".cache/node-gyp", process.versions.node);
  const roots = [process.env["npm_config_nodedir"], dirname(dirname(process.execPath)), "/usr", cache];
  return roots
    .filter((root) => root !== undefined)
    .map((root) => join(root, "include/node"))
    .find((dir) => existsSync(join(dir, "node_api.h")));
}
