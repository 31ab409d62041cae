import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../../harness/host.js";

const LOOK_EVERY_MS = 20;
/**
 * The kernel writes the list of addresses piece by piece, so a look may miss what is there all the time. Who writes has to get the
 * guest's one CPU in between.
 */
const LOOKS = 5;
/** When the host's own address is missing too, which nobody takes away, it is being written for certain. */
const BLIND_LOOKS = 100;

/** What must be there, and what must not take connections. */
export interface Watched {
  /** Of the host itself: a look that misses it has seen a list that the kernel was rewriting. */
  readonly own: string;
  readonly vip: string;
  readonly dead: string;
}

/**
 * Looks at a host's addresses and IPVS table again and again, through /proc of a process in its namespace: to start `ip` and `ipvsadm`
 * each time would take the guest's one CPU away from the daemons.
 */
export class TableWitness {
  readonly seen = { looks: 0, deadServing: 0, addressMissing: 0 };
  /** What was there when the address was not. */
  readonly withoutAddress: string[] = [];
  readonly #sleeper: ChildProcess;
  readonly #timer: NodeJS.Timeout;
  #looking = Promise.resolve();

  private constructor(sleeper: ChildProcess, { own, vip, dead }: Watched) {
    this.#sleeper = sleeper;
    const net = (file: string): string => readFileSync(`/proc/${sleeper.pid}/net/${file}`, "latin1");
    const serving = new RegExp(`-> ${hexAddress(dead)}:\\w+ +\\w+ +[1-9]`);
    const look = async (): Promise<void> => {
      this.seen.looks++;
      if (serving.test(net("ip_vs"))) this.seen.deadServing++;
      let trie = net("fib_trie");
      for (let again = 0; !trie.includes(vip) && again < (trie.includes(own) ? LOOKS : BLIND_LOOKS); again++) {
        await sleep(1);
        trie = net("fib_trie");
      }
      if (trie.includes(vip)) return;
      this.seen.addressMissing++;
      this.withoutAddress.push(`${new Date().toISOString()} ${trie.length} octets: ${trie.replaceAll(/\s+/g, " ")}`);
    };
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(look);
    }, LOOK_EVERY_MS);
  }

  static async start(host: Host, watched: Watched): Promise<TableWitness> {
    return new TableWitness(await host.spawn(["sleep", "3600"]), watched);
  }

  /** Resolves after the last look: without the process there is nothing to look through. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    this.#sleeper.kill("SIGKILL");
  }
}

/** As /proc/net/ip_vs prints it: `C0A85B67`. */
function hexAddress(address: string): string {
  return Buffer.from(address.split(".").map(Number)).toString("hex").toUpperCase();
}
