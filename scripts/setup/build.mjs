import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, run, say } from "./run.mjs";
import { contentHash, filesBelow, isFile, isStamped, writeStamp } from "./stamp.mjs";

/** Add-ons are built for one ABI; the stamp follows a change of Node. */
const abi = { modules: process.versions.modules, arch: process.arch };

const installStamp = "node_modules/.holdfast-installed";
const nativeStamp = "build/.holdfast-built";
const typescriptStamp = "dist/.holdfast-compiled";
const benchStamp = "build/bench/.built";
const uniqueFd = "native-bindings/src/unique_fd.h";
const lockFile = path.join(root, "package-lock.json");
const typescriptFolders = ["main", "workers", "native-bindings", "bench", "test", "examples"];

/** As binding.gyp's, so that code can move from one to the other. */
const benchCompiler = [
  process.env["CXX"] ?? "g++",
  ...["-std=c++20", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"],
  ...["-fvisibility=hidden", "-fno-exceptions", "-pthread"],
];

const benchPrograms = (uring) => [
  {
    name: "target_server",
    sources: [
      ...["target_server", "target_options", "target_loop", "target", "listener"],
      ...["quiet_target", "http_target", "tls_target", "tls_identity", "trickle_target"],
    ],
    flags: ["-lssl", "-lcrypto"],
  },
  {
    name: "bare_loops",
    sources: ["bare_loops", "bare_plan", "bare_epoll", "bare_tls", "bare_uring"],
    flags: ["-lssl", "-lcrypto", ...(uring ? ["-DHOLDFAST_LIBURING", "-luring"] : [])],
  },
  { name: "arrival_target", sources: ["arrival_target"], flags: [] },
  {
    name: "keepalived_ipvs_preload.so",
    sources: ["keepalived_ipvs_preload", "ipvs_counts"],
    flags: ["-fPIC", "-shared", "-ldl"],
  },
  {
    name: "ipvs_watch_preload.so",
    sources: ["ipvs_watch_preload", "ipvs_counts"],
    flags: ["-fPIC", "-shared", "-ldl"],
  },
  { name: "bare_ipvs", sources: ["bare_ipvs"], flags: [] },
];

/** `npm install`, not `npm ci`: ci refuses lock files whose optional platform packages carry no version. The lock is kept. */
export async function ensureDependencies() {
  const hash = contentHash(["package.json", "package-lock.json"], abi);
  if (isStamped(installStamp, hash)) return;
  say("installing npm packages");
  const lock = existsSync(lockFile) ? readFileSync(lockFile) : undefined;
  await run("npm", ["npm", "install", "--no-audit", "--no-fund", "--no-save"], { env: headers() });
  if (lock !== undefined && !readFileSync(lockFile).equals(lock)) writeFileSync(lockFile, lock);
  writeStamp(installStamp, hash);
}

/** node-gyp downloads Node's headers unless it is told where they are; most packages of Node bring them along. */
function headers() {
  const prefix = path.resolve(path.dirname(process.execPath), "..");
  const file = path.join(prefix, "include/node/node_version.h");
  if (!existsSync(file)) return {};
  const text = readFileSync(file, "utf8");
  const version = ["MAJOR", "MINOR", "PATCH"].map(
    (part) => new RegExp(`^#define NODE_${part}_VERSION (\\d+)$`, "m").exec(text)?.[1],
  );
  return version.join(".") === process.versions.node ? { npm_config_nodedir: prefix } : {};
}

/** node-gyp builds add-on and launcher, again when a C++ source, `binding.gyp`, Node's ABI or the npm packages changed. */
export async function ensureNative() {
  const sources = filesBelow("native-bindings", (name) => !/\.(ts|md)$/.test(name));
  if (!isFile("binding.gyp") || sources.length === 0) return;
  const hash = contentHash(["binding.gyp", "package-lock.json", ...sources], abi);
  if (isStamped(nativeStamp, hash)) return;
  say("building the native module and the launcher");
  await run("native", ["node_modules/.bin/node-gyp", "configure"], { env: headers() });
  await run("native", ["node_modules/.bin/node-gyp", "build", "--jobs", "max"], { env: headers() });
  writeStamp(nativeStamp, hash);
}

/** The programs of bench/native/, into build/bench/; again when one of their sources changed. Tests do without, and say so. */
export async function ensureBenchPrograms() {
  if (!existsSync("/usr/include/openssl/ssl.h")) return say("no programs of the bench without libssl-dev");
  const uring = existsSync("/usr/include/liburing.h"); // optional: without it that floor is not measured
  const sources = [...filesBelow("bench/native", (name) => /\.(cc|h)$/.test(name)), uniqueFd];
  const hash = contentHash([...sources, "scripts/setup/build.mjs"], { ...abi, uring });
  if (isStamped(benchStamp, hash)) return;
  say("building the programs of the bench");
  mkdirSync(path.join(root, "build/bench"), { recursive: true });
  for (const { name, sources, flags } of benchPrograms(uring)) {
    const files = sources.map((source) => `bench/native/${source}.cc`);
    await run(`bench-${name}`, [...benchCompiler, ...files, "-o", `build/bench/${name}`, ...flags]);
  }
  writeStamp(benchStamp, hash);
}

/** tsc, when a source changed; output of sources that are gone is removed, or a deleted test would go on running. */
export async function ensureTypeScript() {
  const sources = typescriptFolders.flatMap((dir) => filesBelow(dir, (name) => name.endsWith(".ts")));
  const hash = contentHash(["tsconfig.json", "package-lock.json", ...sources], abi);
  if (isStamped(typescriptStamp, hash)) return;
  say("compiling TypeScript");
  await run("tsc", ["node_modules/.bin/tsc", "-p", "."]);
  for (const output of filesBelow("dist", (name) => name.endsWith(".js"))) {
    const source = path.relative("dist", output).replace(/\.js$/, ".ts");
    if (!isFile(source)) for (const file of [output, `${output}.map`]) rmSync(path.join(root, file), { force: true });
  }
  writeStamp(typescriptStamp, hash);
}
