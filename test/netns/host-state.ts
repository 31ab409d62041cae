import type { Host } from "../harness/host.js";

/** What `ip -j` shows of a host, without what the kernel makes by itself and what differs from run to run. */
export interface HostState {
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly rules: readonly string[];
}

type Listing = readonly Readonly<Record<string, unknown>>[];

async function listing(host: Host, ...argv: readonly string[]): Promise<Listing> {
  return JSON.parse((await host.exec(["ip", "-j", "-d", ...argv])) || "[]") as Listing;
}

/** Sorted, so that two hosts compare whatever the order in which entries came. */
const lines = (entries: Listing): readonly string[] => entries.map((entry) => JSON.stringify(entry)).toSorted();

export async function hostState(host: Host): Promise<HostState> {
  const links = await listing(host, "addr", "show");
  const addresses = links.flatMap((link) =>
    ((link["addr_info"] ?? []) as Listing)
      .filter(({ local }) => !String(local).startsWith("fe80:") && local !== "127.0.0.1" && local !== "::1")
      .map(({ valid_life_time: _valid, preferred_life_time: preferred, protocol: _made, ...entry }) => ({
        on: link["ifname"],
        ...entry,
        deprecatedSoon: preferred !== 0xffffffff,
      })),
  );
  const tables = [await listing(host, "-4", "route", "show", "table", "all")];
  tables.push(await listing(host, "-6", "route", "show", "table", "all"));
  const routes = tables.flat().filter(({ protocol }) => protocol !== "kernel");
  const rules = [...(await listing(host, "-4", "rule")), ...(await listing(host, "-6", "rule"))];
  return {
    addresses: lines(addresses),
    routes: lines(routes.map(({ expires: _left, ...route }) => route)),
    rules: lines(rules.filter(({ protocol }) => protocol !== "kernel")),
  };
}
