import type { Host } from "./host.js";

/** The kernel's table as `ipvsadm -Sn` prints it, one line per service (`-A`) and destination (`-a`), sorted. */
export async function savedTable(host: Host): Promise<readonly string[]> {
  const text = await host.exec(["ipvsadm", "-Sn"]);
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").sort((a, b) => (a < b ? -1 : 1));
}

/** `address:port` (v6 in brackets) of the destinations in `ipvsadm -Sn` lines, each with its weight. */
export function destinations(table: readonly string[]): readonly { readonly name: string; readonly weight: number }[] {
  return table.flatMap((line) => {
    const match = /^-a .* -r (\S+) .*-w (\d+)/.exec(line);
    return match === null ? [] : [{ name: match[1] ?? "", weight: Number(match[2]) }];
  });
}

/** True when some service has this real server (any port), whatever its weight. */
export async function hasDestination(host: Host, address: string): Promise<boolean> {
  const prefix = address.includes(":") ? `[${address}]:` : `${address}:`;
  return destinations(await savedTable(host)).some(({ name }) => name.startsWith(prefix));
}

/** Loads the modules that the tests need; IPVS appears in every namespace at once. */
export async function loadIpvs(host: Host): Promise<void> {
  await host.exec(["modprobe", "-a", "ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_wlc", "ip_vs_sh"]);
}
