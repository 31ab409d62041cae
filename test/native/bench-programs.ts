import { existsSync } from "node:fs";
import path from "node:path";
import { projectRoot } from "../harness/project.js";

const folder = path.join(projectRoot, "build/bench");

export const benchProgram = (name: string): string => path.join(folder, name);

/** The value of `skip` of node:test. */
export const programsMissing = existsSync(path.join(folder, ".built"))
  ? false
  : "needs the programs of the bench (node scripts/setup.mjs --for bench)";
