// Makes a fresh clone work: packages, npm, native build, TypeScript. Done again only where something changed.
// node scripts/setup.mjs [--for demo|test|check|bench]
import { ensureBenchPrograms, ensureDependencies, ensureNative, ensureTypeScript } from "./setup/build.mjs";
import { ensurePackages } from "./setup/packages.mjs";
import { SetupError, say } from "./setup/run.mjs";

const purposes = ["demo", "test", "check", "bench"];
const oldestNode = [20, 18, 1];

function purposeFrom(argv) {
  const [option, value, ...rest] = argv;
  if (option === undefined) return "check";
  if (option === "--for" && purposes.includes(value) && rest.length === 0) return value;
  throw new SetupError(`usage: node scripts/setup.mjs [--for ${purposes.join("|")}]`);
}

function checkNode() {
  const have = process.versions.node.split(".").map(Number);
  const first = oldestNode.findIndex((want, i) => have[i] !== want);
  if (first === -1 || have[first] > oldestNode[first]) return;
  throw new SetupError(`Node.js ${process.versions.node} is too old: install ${oldestNode.join(".")} or newer`);
}

try {
  const purpose = purposeFrom(process.argv.slice(2));
  const start = performance.now();
  checkNode();
  await ensurePackages(purpose);
  await ensureDependencies();
  await ensureNative();
  if (purpose === "bench" || purpose === "test") await ensureBenchPrograms();
  await ensureTypeScript();
  const seconds = (performance.now() - start) / 1000;
  if (seconds > 2) say(`ready after ${seconds.toFixed(0)} s`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
  if (error.log !== undefined) process.stderr.write(`setup: the whole output is in ${error.log}\n`);
  process.exitCode = 1;
}
