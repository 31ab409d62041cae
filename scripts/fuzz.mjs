// Fuzzes the native code that reads what strangers send: libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer.
// node scripts/fuzz.mjs [--seconds N] [target...]      without a target: all of them, one after the other; N is of each, 600 by default
// What it learns stays in dist/fuzz/; an input that breaks something is named at the end, and belongs into test/native/fuzz/corpus/.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { root } from "./setup/run.mjs";

const fuzzDir = path.join(root, "test/native/fuzz");
const outDir = path.join(root, "dist/fuzz");
const exchange = ["exchange", "smtp_dialogue"];
const probe = ["body_pattern", "http_header", "http_reader", "md5", "pattern_matcher", "pattern_search"];

/** `flags` are libFuzzer's. */
const targets = [
  { name: "exchange", defines: [], units: exchange, flags: ["-max_len=2000", "-timeout=5"] },
  { name: "http_reader", defines: [], units: probe, flags: ["-max_len=5000", "-timeout=5"] },
  {
    name: "body_pattern",
    defines: ["-DPROBE_PATTERN_BLOCK=8"],
    units: probe,
    flags: ["-max_len=400", "-timeout=10", `-dict=${path.join(fuzzDir, "body_pattern.dict")}`],
  },
];

const compilerFlags = [
  ...["-std=c++20", "-g", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror", "-fno-exceptions"],
  ...["-fno-omit-frame-pointer", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined"],
];

/** @returns false when it did not end well; its output has told why */
function run(command, args, env = {}) {
  const { status, signal, error } = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  if (error !== undefined) console.error(`${command}: ${error.message}`);
  else if (signal !== null) console.error(`${command}: ended by ${signal}`);
  return status === 0;
}

function fuzz({ name, defines, units, flags }, seconds) {
  const program = path.join(outDir, name);
  const learned = path.join(outDir, `${name}-corpus`);
  mkdirSync(learned, { recursive: true });
  const sources = units.map((unit) => path.join(root, "native-bindings/probe", `${unit}.cc`));
  const main = path.join(fuzzDir, `${name}.cc`);
  if (!run("clang++", [...compilerFlags, ...defines, main, ...sources, "-o", program, "-lpcre2-8"])) return false;
  const bounds = [`-max_total_time=${seconds}`, "-rss_limit_mb=800", `-artifact_prefix=${program}-found-`];
  const seeds = path.join(fuzzDir, "corpus", name);
  return run(program, [...bounds, ...flags, "-print_final_stats=1", learned, seeds], {
    ASAN_OPTIONS: "quarantine_size_mb=16",
  });
}

function options(argv) {
  const [option, value, ...rest] = argv;
  return option === "--seconds" ? { seconds: Number(value), names: rest } : { seconds: 600, names: argv };
}

const { seconds, names } = options(process.argv.slice(2));
const unknown = names.filter((name) => !targets.some((target) => target.name === name));
if (unknown.length > 0 || !Number.isInteger(seconds) || seconds < 1) {
  console.error(`usage: node scripts/fuzz.mjs [--seconds N] [${targets.map(({ name }) => name).join("|")}]`);
  process.exit(2);
}
const wanted = names.length === 0 ? targets : targets.filter(({ name }) => names.includes(name));
const failed = wanted.filter((target) => !fuzz(target, seconds)).map(({ name }) => name);
if (failed.length > 0) console.error(`failed: ${failed.join(", ")}; inputs are in ${outDir}`);
process.exitCode = failed.length === 0 ? 0 : 1;
