import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { holdfast } from "../harness/daemon.js";
import { Lan } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { lacksReferenceChecker, referenceChecker } from "../harness/reference-checker.js";
import { dataCases } from "./check-data-configs.js";
import { type Block, blocksOf, check, runAt } from "./check-dump.js";

/**
 * keepalived_check.data beside that of Debian's keepalived (2.2.7), of the same configuration in the same state: from the title of the
 * LVS topology on, line by line and in order. What is not the same is listed here.
 */

interface Difference {
  readonly line: RegExp;
  /** Title of the blocks that it is about. */
  readonly block?: RegExp;
  readonly why: string;
}

const service = /^ VS |^ {3}RIP = /;

/** Lines that only keepalived has, or whose value means something else there. */
const meant: readonly Difference[] = [
  { line: /^ System is compiled with LVS/, why: "it is not" },
  {
    line: /^ {3}(connection timeout|Retry count|Retry delay|Warmup|Delay loop) = [\d.]+$/,
    block: service,
    why: "what checks inherit is with the checks",
  },
  { line: /^ {4}VirtualHost = /, block: service, why: "each URL has the name that is sent" },
  { line: /^ {3}Inhibit on failure/, block: /^ VS /, why: "what real servers inherit is with them" },
  { line: /^ {3}previous effective_weight/, why: "there is none: weights are computed anew" },
  { line: /^ {3}(Retries iterations|Last ran|Failed URL)/, why: "the checker threads know it, and tell changes only" },
  { line: /^ {5}Regex (options|ref count)/, why: "2.2.7 lists all options instead of those that are set" },
  { line: /Virtual ?[hH]ost = /, block: check, why: "each URL has the name that is sent, wherever it was written" },
  { line: / (18446744073709551615|4294967295)( us)?$/, why: "what a BFD_CHECK does not have" },
  { line: /^ {3}Default delay before retry/, block: /BFD_CHECK/, why: "likewise" },
  { line: /^ {5}Timeout = /, block: /SMTP_CHECK/, why: "2.2.7 has 0 there for a host of its own" },
];

const comparable = (data: string): readonly Block[] =>
  blocksOf(data).map(({ title, lines }) => ({
    title,
    lines: lines.filter((text) => !meant.some(({ line, block }) => line.test(text) && block?.test(title) !== false)),
  }));

const options = {
  skip: needs("root", "netns", "native", "keepalived") || lacksReferenceChecker(),
  timeout: 120_000,
};

/** Until checks have said what they have to say: 3 s, and patience with a busy machine. */
const SETTLED_MS = 30_000;

for (const { name, config } of dataCases)
  test(`keepalived_check.data beside keepalived's: ${name}`, options, async () => {
    await using lan = await Lan.create([
      { name: "a", links: [{ addresses: ["192.0.2.1/24"] }] },
      { name: "b", links: [{ segment: "other", addresses: ["192.0.2.1/24"] }] },
    ]);
    await chmod(lan.dir, 0o755);
    for (const host of ["a", "b"]) await lan.host(host).exec(["mkdir", path.join(lan.dir, host)]);
    await writeFile(path.join(lan.dir, "load"), "3\n");
    await writeFile(path.join(lan.dir, "reversed"), "2\n");
    const text = config(lan.dir);
    const [theirs, ours] = await Promise.all([
      runAt(lan, "a", referenceChecker, text),
      runAt(lan, "b", holdfast("memory"), text),
    ]);
    const deadline = performance.now() + SETTLED_MS;
    for (;;) {
      const [want, have] = await Promise.all([theirs(), ours()]);
      try {
        assert.deepEqual(comparable(have), comparable(want));
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await delay(500);
      }
    }
  });
