import { existsSync } from "node:fs";
import { attempt } from "../../test/harness/command.js";
import { hasCommand, needs } from "../../test/harness/needs.js";

/** Where the demo runs, best first. */
export type BackEnd =
  /** This machine's kernel has IPVS. */
  | { readonly kind: "kernel" }
  /** A User Mode Linux kernel that has it; the demo runs inside. */
  | { readonly kind: "uml" }
  /** Namespaces and VRRP, but no forwarding. */
  | { readonly kind: "memory"; readonly because: string }
  /** One director on loopback: health checks only. */
  | { readonly kind: "loopback"; readonly because: string };

export async function chooseBackEnd(): Promise<BackEnd> {
  const noNamespaces = needs("root", "netns");
  if (noNamespaces !== false) return { kind: "loopback", because: noNamespaces };
  const lacking = needs("ipvsadm", "curl");
  if (lacking !== false) return { kind: "memory", because: lacking };
  if (await kernelHasIpvs()) return { kind: "kernel" };
  const noUml = needs("uml");
  if (noUml === false) return { kind: "uml" };
  return { kind: "memory", because: `the kernel has no ip_vs, and User Mode Linux ${noUml}` };
}

async function kernelHasIpvs(): Promise<boolean> {
  if (!existsSync("/proc/net/ip_vs") && hasCommand("modprobe")) await attempt(["modprobe", "ip_vs"]);
  return existsSync("/proc/net/ip_vs");
}

/** What the viewer must know about a back end. */
export function describeBackEnd(backEnd: BackEnd): readonly string[] {
  switch (backEnd.kind) {
    case "kernel":
      return ["IPVS of this kernel"];
    case "uml":
      return ["IPVS of a User Mode Linux kernel"];
    case "memory":
      return [
        `IPVS table in memory: ${backEnd.because}`,
        "not shown: the kernel's table, and requests through the virtual IP, which nobody forwards here",
      ];
    case "loopback":
      return [
        `IPVS table in memory, everything on loopback: ${backEnd.because}`,
        "not shown: VRRP (master, virtual IP, failover), the kernel's table, and requests through the virtual IP",
      ];
  }
}
