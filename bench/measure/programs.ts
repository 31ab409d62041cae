import { existsSync } from "node:fs";
import path from "node:path";
import { projectRoot } from "../../test/harness/project.js";

/** A program or library of bench/native/, as `npm run setup -- --for bench` builds it. @throws Error when it is not there */
export function benchProgram(name: string): string {
  const file = path.join(projectRoot, "build/bench", name);
  if (!existsSync(file)) throw new Error(`${file} is missing; build it with: node scripts/setup.mjs --for bench`);
  return file;
}
