import { readFileSync } from "node:fs";
import type { Clock } from "../clock.js";
import { type Milliseconds, ms } from "../units.js";

/** How long an answer holds: a burst of announcements asks once. */
const HOLDS: Milliseconds = ms(5000);

interface Answer {
  readonly forwards: boolean;
  readonly until: Milliseconds;
}

/** Like `sysctl -n net.ipv6.conf.<interface>.forwarding`. Procfs is memory: reading it does not wait for a disk. */
export function ipv6Forwarding(
  clock: Pick<Clock, "now">,
  read: (path: string) => string = (path) => readFileSync(path, "latin1"),
): (interfaceName: string) => boolean {
  const answers = new Map<string, Answer>();
  return (name) => {
    const now = clock.now();
    const known = answers.get(name);
    if (known !== undefined && known.until > now) return known.forwards;
    const forwards = ask(`/proc/sys/net/ipv6/conf/${name}/forwarding`, read);
    answers.set(name, { forwards, until: ms(now + HOLDS) });
    return forwards;
  };
}

function ask(path: string, read: (path: string) => string): boolean {
  try {
    return Number.parseInt(read(path), 10) > 0;
  } catch {
    return false; // no IPv6 here, or the interface is gone
  }
}
