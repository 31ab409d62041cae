import { accessSync, constants, existsSync } from "node:fs";
import path from "node:path";

export type Need =
  | "root"
  | "netns"
  | "ip_vs"
  | "native"
  | "uml"
  | "keepalived"
  | "bfdd"
  | "tcpdump"
  | "ipvsadm"
  | "iptables"
  | "curl"
  | "zsh"
  | "fish"
  | "clang"
  | "nginx"
  | "exim4"
  | "unbound";

/** Each need with the sentence that a skipped test shows. */
const probes: Readonly<Record<Need, readonly [present: () => boolean, sentence: string]>> = {
  root: [() => process.getuid?.() === 0, "needs root"],
  netns: [() => existsSync("/proc/self/ns/net") && hasCommand("ip"), "needs network namespaces and iproute2"],
  ip_vs: [() => existsSync("/proc/net/ip_vs"), "needs kernel module ip_vs"],
  native: [() => existsSync("build/Release"), "needs the native build (npm run setup)"],
  uml: [umlPresent, "needs user-mode-linux, its modules and the mount point /lib/modules"],
  keepalived: [() => hasCommand("keepalived"), "needs keepalived as the reference peer"],
  bfdd: [() => existsSync("/usr/lib/frr/bfdd"), "needs bfdd of the package frr"],
  tcpdump: [() => hasCommand("tcpdump"), "needs tcpdump"],
  ipvsadm: [() => hasCommand("ipvsadm"), "needs ipvsadm"],
  iptables: [() => hasCommand("ip6tables-legacy"), "needs iptables that is not nftables in disguise (iptables-legacy)"],
  curl: [() => hasCommand("curl"), "needs curl"],
  zsh: [() => hasCommand("zsh"), "needs zsh"],
  fish: [() => hasCommand("fish"), "needs fish"],
  clang: [() => hasCommand("clang++"), "needs clang with libFuzzer"],
  nginx: [() => hasCommand("nginx"), "needs nginx as a web server to check"],
  exim4: [() => hasCommand("exim4"), "needs exim4 as a mail server to check"],
  unbound: [() => hasCommand("unbound"), "needs unbound as a name server to check"],
};

/** Why this test cannot run here, or false: the value of node:test's `skip`. */
export function needs(...what: readonly Need[]): string | false {
  for (const need of what) {
    const [present, sentence] = probes[need];
    if (!present()) return sentence;
  }
  return false;
}

/** True when `name` can be run; the administrator's folders are searched even if PATH leaves them out. */
export function hasCommand(name: string): boolean {
  const dirs = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return dirs.some((dir) => dir !== "" && isExecutable(path.join(dir, name)));
}

function umlPresent(): boolean {
  return hasCommand("linux.uml") && existsSync("/usr/lib/uml/modules") && existsSync("/lib/modules");
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
