/** Lists the benches, or runs one: npm run bench -- NAME [arguments]. Each is a file of its own with its question on top. */
import { spawnSync } from "node:child_process";
import { compiled } from "../test/harness/project.js";

const benches: Readonly<Record<string, string>> = {
  checks: "how many checks does one thread run, and what does the main thread notice?",
  "advert-gap": "how regular are adverts at 0.1 s while 5,000 checks run, ours and keepalived's? (root)",
  "config-load": "how long does -t take for 37,205 real servers, ours and keepalived's?",
  lexer: "how fast are bytes made into statements?",
  ipvs: "how long does it take to fill, compare, change and empty an IPVS table? (root, ip_vs)",
  reload: "how long does a reload of 37,205 real servers keep the main thread from its loop? (root)",
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined || benches[name] === undefined) {
  const rows = Object.entries(benches).map(([bench, question]) => `  ${bench.padEnd(12)}${question}`);
  process.stdout.write(`npm run bench -- NAME [arguments]\n${rows.join("\n")}\n`);
  process.exitCode = name === undefined ? 0 : 1;
} else {
  const { status } = spawnSync(process.execPath, [compiled(`bench/${name}.ts`), ...args], { stdio: "inherit" });
  process.exitCode = status ?? 1;
}
