import { existsSync } from "node:fs";
import path from "node:path";
import { keepalived, type Program } from "./daemon.js";
import { projectRoot } from "./project.js";

const library = path.join(projectRoot, "build/bench/keepalived_ipvs_preload.so");

/** keepalived on a kernel without IPVS: its requests for virtual servers are answered by our library, its checks are real. */
export const referenceChecker: Program = {
  name: "keepalived",
  argv: ["env", `LD_PRELOAD=${library}`, ...keepalived.argv],
};

/** Why it cannot run here, or false: for node:test's `skip`. */
export const lacksReferenceChecker = (): string | false =>
  existsSync(library) ? false : "needs the programs of the bench (node scripts/setup.mjs --for test)";
