import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { run, SetupError, say } from "./run.mjs";

/** What the checkout needs of the machine: a command or a file that proves it, the Debian package that brings it, and what for. */
const needed = [
  { command: "g++", package: "g++", why: "native build", for: ["demo", "test", "check", "bench"] },
  { command: "make", package: "make", why: "native build", for: ["demo", "test", "check", "bench"] },
  { command: "python3", package: "python3", why: "native build (node-gyp)", for: ["demo", "test", "check", "bench"] },
  { command: "pcre2-config", package: "libpcre2-dev", why: "regexes", for: ["demo", "test", "check", "bench"] },
  { command: "ip", package: "iproute2", why: "network namespaces", for: ["demo", "test", "bench"] },
  { command: "ipvsadm", package: "ipvsadm", why: "the kernel's IPVS table", for: ["demo", "test", "bench"] },
  { command: "modprobe", package: "kmod", why: "loading ip_vs", for: ["demo", "test", "bench"] },
  { command: "linux.uml", package: "user-mode-linux", why: "a kernel with IPVS", for: ["demo", "test", "bench"] },
  { command: "curl", package: "curl", why: "requests through the virtual IP", for: ["demo", "test", "bench"] },
  { command: "ps", package: "procps", why: "processes and sysctl", for: ["demo", "test", "bench"] },
  { command: "keepalived", package: "keepalived", why: "the peer in tests and benchmarks", for: ["test", "bench"] },
  { command: "haproxy", package: "haproxy", why: "the peer in benchmarks", for: ["bench"] },
  { file: "/usr/include/openssl/ssl.h", package: "libssl-dev", why: "targets of checks", for: ["test", "bench"] },
  { file: "/usr/include/liburing.h", package: "liburing-dev", why: "the io_uring floor", for: ["test", "bench"] },
  { command: "zsh", package: "zsh", why: "completion scripts", for: ["test"] },
  { command: "fish", package: "fish", why: "completion scripts", for: ["test"] },
  { command: "clang++", package: "clang", why: "fuzzing", for: ["test"] },
  { command: "clang++", package: "libclang-rt-dev", why: "libFuzzer, which clang only recommends", for: ["test"] },
  { file: "/usr/lib/frr/bfdd", package: "frr", why: "a peer of BFD sessions", for: ["test"] },
  { command: "tcpdump", package: "tcpdump", why: "time stamps of adverts and ARPs", for: ["test", "bench"] },
  { command: "nginx", package: "nginx-light", why: "a web server to check", for: ["test"] },
  { command: "exim4", package: "exim4-daemon-light", why: "a mail server to check", for: ["test"] },
  { command: "iptables-legacy", package: "iptables", why: "a packet filter that is not nftables", for: ["test"] },
  { command: "unbound", package: "unbound", why: "a name server to check", for: ["test"] },
];

/** Debian starts a service as soon as its package is installed, unless this file says no (invoke-rc.d: 101 = forbidden). */
const policy = "/usr/sbin/policy-rc.d";
const policyText =
  "#!/bin/sh\n# holdfast set-up: no service starts while packages are installed; removed afterwards\nexit 101\n";

/** The mount point that a User Mode Linux kernel's modules are bound to; it must exist on the host. */
const moduleMountPoint = "/lib/modules";

/** Installs what is missing where that is allowed, else names it. Nothing is done when everything is there. */
export async function ensurePackages(purpose) {
  const missing = needed.filter((need) => need.for.includes(purpose) && !isThere(need));
  if (missing.length > 0) {
    if (canInstall()) await install(missing);
    else nameMissing(missing);
  }
  if (purpose !== "check" && isRoot() && !existsSync(moduleMountPoint))
    mkdirSync(moduleMountPoint, { recursive: true });
}

const isThere = ({ command, file }) => (file === undefined ? onPath(command) : existsSync(file));

/** `/usr/sbin` is searched too: it is not on every user's PATH. */
function onPath(command) {
  const dirs = [...(process.env.PATH ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return dirs.some((dir) => dir !== "" && isExecutable(path.join(dir, command)));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const isRoot = () => process.getuid?.() === 0;
const canInstall = () => isRoot() && existsSync("/etc/debian_version") && onPath("apt-get");

function nameMissing(missing) {
  const reason = isRoot() ? "this is not a Debian system" : "installing needs root";
  const names = missing.map((need) => `${need.command ?? need.file} (${need.why})`).join(", ");
  say(`missing here, and not installed because ${reason}: ${names}`);
}

async function install(missing) {
  const names = missing.map((need) => need.package);
  const reasons = missing.map((need) => `${need.package} (${need.why})`).join(", ");
  say(`installing with apt-get, no service is started: ${reasons}`);
  const releaseServices = holdServices();
  try {
    if (!(await tryInstall(names))) {
      say("refreshing the package lists (apt-get update), then once more");
      await run("apt-update", ["apt-get", "update", "-q"]);
      await run("apt-install", aptInstall(names), aptOptions);
    }
  } finally {
    releaseServices();
  }
}

const aptInstall = (names) => ["apt-get", "install", "-q", "-y", "--no-install-recommends", ...names];
const packageLists = "/var/lib/apt/lists";
const aptOptions = { env: { DEBIAN_FRONTEND: "noninteractive" } };

/** False when the package lists are absent or too old for what we need. */
async function tryInstall(names) {
  if (!existsSync(packageLists) || !readdirSync(packageLists).some((name) => name.includes("_Packages"))) return false;
  try {
    await run("apt-install", aptInstall(names), aptOptions);
    return true;
  } catch (error) {
    if (error instanceof SetupError) return false;
    throw error;
  }
}

/** An existing policy of the machine's owner is respected and left as it is; ours also goes when we are interrupted. */
function holdServices() {
  if (existsSync(policy) && readFileSync(policy, "utf8") !== policyText) return () => {};
  writeFileSync(policy, policyText, { mode: 0o755 });
  const remove = () => rmSync(policy, { force: true });
  const interrupted = () => {
    remove();
    process.exit(130);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  return () => {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    remove();
  };
}
