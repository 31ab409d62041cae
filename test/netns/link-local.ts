import type { Host } from "../harness/host.js";
import { until } from "../harness/until.js";

/** The link-local address of eth0, once the kernel has made sure that nobody else has it. */
export async function linkLocalOf(host: Host): Promise<string> {
  const listing = () => host.exec(["ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link", "-tentative"]);
  await until("there is a link-local address", 20_000, async () => /fe80:/.test(await listing()), 100);
  return /fe80:[0-9a-f:]+/.exec(await listing())?.[0] ?? "";
}
