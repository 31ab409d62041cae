import { readFileSync } from "node:fs";

/** Whether pages of this process may be written to swap. */
export type SwapUse = "none" | "possible";

/** @param swaps /proc/swaps: a heading, then one line per swap space @param most memory.swap.max of the cgroup */
export function swapUse(swaps: string, most: string | undefined): SwapUse {
  const exists = swaps.trim().split("\n").length > 1;
  return exists && most?.trim() !== "0" ? "possible" : "none";
}

/** Three reads from /proc and cgroupfs, which never wait. */
export function swapOfThisProcess(): SwapUse {
  const own = /^0::(\/.*)$/m.exec(read("/proc/self/cgroup") ?? "")?.[1];
  return swapUse(read("/proc/swaps") ?? "", own && read(`/sys/fs/cgroup${own}/memory.swap.max`));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined; // no /proc, cgroup v1, or the root cgroup, which has no limit
  }
}
